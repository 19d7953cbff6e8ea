"""The least loss that logits of a model's width were found to reach: B(P) from below, where the world offers it."""

import functools

import pandas as pd

from testbed.model.size import size
from testbed.sources import Absent
from testbed.store import Store
from testbed.studies.grid.asked import Asked
from testbed.theory.bounded_rank import floor

TABLE = "floors.parquet"
"""Its file in the folder of a run; runs that were made before there were floors have none."""
COLUMNS = ("parameters", "width", "floor", "starts", "apart", "method")


def table(study: Asked) -> pd.DataFrame:
    """Return a row for each size: the floor in nats per token, and how it was found."""
    laws = study.world.known_laws(study.model.context)
    if isinstance(laws, Absent):
        rows = [(size(model).parameters, model.width, 0.0, 0, 0.0, laws.reason) for model in study.models]
        return pd.DataFrame(rows, columns=list(COLUMNS))
    of_width = functools.cache(lambda width: floor(laws.share_C, laws.law_CV, width))
    rows = [
        (size(model).parameters, model.width, *of_width(model.width), "best logits of rank width over the known laws")
        for model in study.models
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def saved(store: Store) -> dict[int, float]:
    """Return the floor of each size: the lowest that descents found, less how far apart they ended.

    The lowest of several descents may stand above the least of all; where they end together it hardly does.
    """
    if not store.holds(TABLE):
        return {}
    frame = store.read_frame(TABLE, COLUMNS)
    least = (frame["floor"] - frame["apart"]).clip(lower=0.0).astype(float)
    return dict(zip(frame["parameters"].astype(int), least, strict=True))
