"""From the folder of an observed study to its analysis: no model and no trainer is needed."""

from collections.abc import Sequence

import pandas as pd

from testbed.cell import EARLIER, SCHEMA, Cell
from testbed.store import Store, StoreError
from testbed.studies.noise.analysis import NoiseAnalysis
from testbed.studies.noise.asked import Asked

TABLES: dict[str, tuple[str, ...]] = {
    "arms": ("arm", "predicted_slope"),
    "levels": ("arm", "draw", "length", "variance"),
    "shapes": ("arm", "draw", "length"),
    "joint": ("arm", "draw", "length"),
    "assumed": ("arm",),
    "trained": ("digest", "status"),
}
"""What observing leaves, a Parquet file each, and columns by which it is known."""


def observed(store: Store) -> bool:
    """Return whether every table is there."""
    return all(store.holds(f"{name}.parquet") for name in TABLES)


def analysis(study: Asked, store: Store) -> NoiseAnalysis:
    """Return the tables of a study, ready to be asked.

    Error: StoreError if the study is not finished, or damaged.
    """
    if not observed(store):
        raise StoreError(f"{store.folder} is not finished: judging needs every point of the study; run it to its end.")
    tables: dict[str, pd.DataFrame] = {
        name: store.read_frame(f"{name}.parquet", needed) for name, needed in TABLES.items()
    }
    trained, points = tables["trained"], study.points()
    diverged = set(trained["digest"][trained["status"] != "finished"])
    lost = sum(point.cell is not None and any(name in diverged for name in _names(point.cell)) for point in points)
    return NoiseAnalysis(**tables, expected=len(points), planned=len(study.cells()), lost=lost)


def _names(cell: Cell) -> Sequence[str]:
    """Return the digests that a cell has in runs that can be judged."""
    return [cell.named(schema) for schema in (*EARLIER, SCHEMA)]
