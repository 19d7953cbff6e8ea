"""Runs as an earlier version left them: the same parts under the names and the schema of that version."""

import msgspec
import numpy as np

from testbed.cell import Cell
from testbed.store import Store
from testbed.studies.grid.rates import ONE_EACH
from testbed.studies.noise.asked import Point


def had_once(cell):
    """Whether versions before ONE_EACH had such a cell: their pilots ran to the last horizon but one only."""
    return cell.role != "stored pilot" and (cell.role != "pilot" or cell.horizon == max(cell.checkpoints) // 2)


def aged(folder, schema, schema_of_points=None):
    """Turn a finished run, of a ladder of ratio 2, into one of an earlier version."""
    store = Store(folder)
    for path in sorted(store.parts.iterdir()):
        row, parameters = store.row(path.stem), store.parameters(path.stem)
        kind = Cell if "schema" in row else Point
        made = msgspec.json.decode(row["spec"], type=kind)
        if kind is Cell and schema < ONE_EACH and not had_once(made):
            path.unlink()
            continue
        name = made.named(schema) if kind is Cell else made.named(schema_of_points, schema)
        evidence = {column: np.array(value) for column, value in row.items() if isinstance(value, list)}
        scalars = {column: value for column, value in row.items() if column not in evidence and column != "digest"}
        path.unlink()
        store.write(name, scalars | ({"schema": schema} if kind is Cell else {}), evidence, parameters)


def older(store):
    """Make of a run one from before runs were told apart, whose files may have no checksum."""
    (store.folder / "run.json").unlink()
    store.__dict__.pop("identity", None)
