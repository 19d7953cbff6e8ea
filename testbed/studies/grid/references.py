"""The regrets of predictors that learn within the window, as a run keeps them: marks to hold its models against."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pandas as pd

from testbed.measure.regret import COLUMNS, encoded
from testbed.stats.mean import mean
from testbed.store import Store

TABLE = "references.parquet"
"""Its file in the folder of a run; runs that were made before there were references have none."""


def holds(frame: pd.DataFrame, predictors: Sequence[msgspec.Struct]) -> bool:
    """Return whether a table is about exactly these predictors."""
    return frame["spec"].to_list() == [encoded(predictor) for predictor in predictors]


def nothing() -> pd.DataFrame:
    """Return the table of a run without references."""
    return pd.DataFrame(columns=COLUMNS)


def saved(store: Store) -> pd.DataFrame:
    """Return the table that a run left; no rows if it was made without references."""
    return store.read_frame(TABLE, tuple(COLUMNS)) if store.holds(TABLE) else nothing()


def lines(frame: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return what a report shows of each predictor: its K with interval, and its K along the window.

    Columns: predictor, value, low, high, level, n, method, and the arrays K_L and error_L.
    """
    rows = []
    for row in frame.itertuples():
        found = mean(np.asarray(row.kl_B, dtype=np.float64), level=level)
        along = {"K_L": np.asarray(row.kl_L), "error_L": np.asarray(row.error_L)}
        rows.append({"predictor": row.predictor} | msgspec.structs.asdict(found) | along)
    columns = ["predictor", "value", "low", "high", "level", "n", "method", "K_L", "error_L"]
    return pd.DataFrame(rows, columns=columns)
