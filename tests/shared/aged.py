"""Runs as an earlier version left them: the same parts under the names and the schema of that version."""

import msgspec
import numpy as np

from testbed.cell import Cell
from testbed.store import Store
from testbed.studies.noise.asked import Point


def aged(folder, schema, schema_of_points=None):
    """Turn a finished run into one of an earlier version."""
    store = Store(folder)
    for path in sorted(store.parts.iterdir()):
        row, parameters = store.row(path.stem), store.parameters(path.stem)
        kind = Cell if "schema" in row else Point
        made = msgspec.json.decode(row["spec"], type=kind)
        name = made.named(schema) if kind is Cell else made.named(schema_of_points, schema)
        evidence = {column: np.array(value) for column, value in row.items() if isinstance(value, list)}
        scalars = {column: value for column, value in row.items() if column not in evidence and column != "digest"}
        path.unlink()
        store.write(name, scalars | ({"schema": schema} if kind is Cell else {}), evidence, parameters)


def older(store):
    """Make of a run one from before runs were told apart, whose files may have no checksum."""
    (store.folder / "run.json").unlink()
    store.__dict__.pop("identity", None)
