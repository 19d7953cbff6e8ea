"""Comparing what two runs left."""

from pathlib import Path

import numpy as np
import pandas as pd

from testbed.store import Store


def same_tables(one: Path, other: Path) -> bool:
    """Whether all cells of two runs saw exactly the same, to the last bit; how long they took does not count."""
    left, right = _cells(one), _cells(other)
    return list(left.index) == list(right.index) and all(
        _equal(left.loc[name, column], right.loc[name, column]) for name in left.index for column in left.columns
    )


def same_parameters(one: Path, other: Path) -> bool:
    """Whether all cells of two runs kept exactly the same parameters."""
    left, right = Store.existing(one), Store.existing(other)
    for name in _cells(one).index:
        mine, theirs = left.parameters(name), right.parameters(name)
        if mine.keys() != theirs.keys() or not all(np.array_equal(mine[path], theirs[path]) for path in mine):
            return False
    return True


def _cells(folder: Path) -> pd.DataFrame:
    return Store.existing(folder).cells().set_index("digest").sort_index().drop(columns="seconds")


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(np.stack(one), np.stack(other))
    return one == other
