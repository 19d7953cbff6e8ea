"""Conditions that are ranges of a whole number: doublings, decades, or each by itself."""

import numpy as np
from jaxtyping import Int

ONE_BY_ONE = 64
"""Most things of which each is a condition by itself."""


def doublings(most: int) -> tuple[str, ...]:
    """Return the names of the ranges 1, 2-3, 4-7, … up to a number.

    >>> doublings(5)
    ('1', '2-3', '4-5')
    """
    return _named([2**power for power in range(most.bit_length())], most)


def doubling(number_Q: Int[np.ndarray, " Q"]) -> Int[np.ndarray, " Q"]:
    """Return the range of `doublings` that each positive number lies in.

    >>> doubling(np.array([1, 2, 3, 4, 1023, 1024])).tolist()
    [0, 1, 1, 2, 9, 10]
    """
    return np.frexp(number_Q)[1].astype(np.int64) - 1


def decades(things: int) -> tuple[str, ...]:
    """Return the names of the ranges 1-9, 10-99, … of ranks up to a number of things.

    >>> decades(256)
    ('1-9', '10-99', '100-256')
    """
    return _named([10**power for power in range(len(str(things)))], things)


def decade(rank_Q: Int[np.ndarray, " Q"]) -> Int[np.ndarray, " Q"]:
    """Return the range of `decades` that each rank, from 1, lies in.

    >>> decade(np.array([1, 9, 10, 99, 100, 1000])).tolist()
    [0, 0, 1, 1, 2, 3]
    """
    return np.searchsorted(10 ** np.arange(1, 19), rank_Q, side="right")


def _named(starts: list[int], most: int) -> tuple[str, ...]:
    ends = [start - 1 for start in starts[1:]] + [most]
    pairs = zip(starts, ends, strict=False)  # none where there is nothing to count
    return tuple(str(start) if start == end else f"{start}-{end}" for start, end in pairs)
