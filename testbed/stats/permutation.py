"""Permutations of whole groups of cells: what a null deals out when the cells of a group belong together."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from testbed.stats.identified import NoInformation

LARGEST = 2**26
"""Most numbers that the orders may take."""


class Orders(NamedTuple):
    """T orders of N cells, where each cell's value comes from, and whether they are all that exist."""

    order_TN: Int[np.ndarray, "T N"]
    exact: bool


def orders(groups: Sequence[object], *, most: int, seed: int) -> Orders:
    """Return the orders of cells in which groups of as many cells change places and keep their own order.

    If no more than ``most`` exist they are all there, the given order first; else as many are drawn, with repetition.

    Error: NoInformation where no two groups have as many cells.
    Source: Winkler, Ridgway, Webster, Smith and Nichols (NeuroImage 92, 2014), section on exchangeability blocks.

    >>> orders([0, 0, 1, 1], most=10, seed=0).order_TN.tolist()
    [[0, 1, 2, 3], [2, 3, 0, 1]]
    """
    if most < 1 or most * len(groups) > LARGEST:
        raise ValueError(f"{most} orders of {len(groups)} cells are too few or too many to lay out; 9999 is usual.")
    check_names(groups)
    places = [np.flatnonzero([group == name for group in groups]) for name in dict.fromkeys(groups)]
    classes = [[at_N for at_N in places if len(at_N) == size] for size in dict.fromkeys(map(len, places))]
    count = math.prod(math.factorial(len(alike)) for alike in classes)
    if count < 2:
        raise NoInformation("no two groups have as many cells, so that none can change places; give whole groups.")
    dealt = _all(classes) if count <= most else _some(classes, most, np.random.default_rng(seed))
    to_N = np.concatenate([at_N for alike in classes for at_N in alike])
    order_TN = np.empty((min(count, most), len(groups)), dtype=np.int64)
    for place, chosen in enumerate(dealt):
        order_TN[place, to_N] = np.concatenate([at_N for alike in chosen for at_N in alike])
    return Orders(order_TN, count <= most)


def check_names(groups: Sequence[object]) -> None:
    """Refuse a name of a group that does not equal itself, as NaN does not: its cells would belong nowhere.

    >>> check_names(["a", "a", "b"])
    """
    lost = [place for place, name in enumerate(groups) if name != name]
    if lost:
        raise NoInformation(f"the group of cell {lost[0]} is {groups[lost[0]]}, which is no name; name every group.")


Classes = Sequence[Sequence[np.ndarray]]
"""The places of the cells of each group, groups of one size together."""


def _all(classes: Classes) -> "itertools.product[tuple[tuple[np.ndarray, ...], ...]]":
    """Return every way in which the groups of each class change places."""
    return itertools.product(*(itertools.permutations(alike) for alike in classes))


def _some(classes: Classes, tries: int, rng: np.random.Generator) -> list[list[list[np.ndarray]]]:
    """Return so many drawn ways."""
    return [[[alike[at] for at in rng.permutation(len(alike))] for alike in classes] for _ in range(tries)]
