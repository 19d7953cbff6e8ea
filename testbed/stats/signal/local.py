"""Slopes of log SNR between neighbouring D, at every P and σ²: what one slope for all would hide."""

import itertools
from typing import NamedTuple

import numpy as np

from testbed.stats.combine import each_level, largest, magnitude
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, numbers
from testbed.stats.moments import contrast, known
from testbed.stats.signal.plane import SAME, Cells, checked


class Pair(NamedTuple):
    """The slope from one D to the next, at one P and σ²."""

    params: float
    variance: float
    from_tokens: float
    to_tokens: float
    slope: Estimate


class Local(NamedTuple):
    """All local slopes, by intervals that hold at once, and the largest departure of one from what is expected."""

    pairs: tuple[Pair, ...]
    departure: Estimate


def local_slopes(cells: Cells, expected: float, *, level: float) -> Local:
    """Return d log SNR/d log D between neighbouring D, and the largest abs(slope − expected) over all pairs of cells.

    Cells of one D, P and σ² are averaged. Each slope has Student's interval at 1 − (1 − level)/pairs, so that all hold
    at once, and the largest departure lies between the largest of their ends (`combine.largest`).

    Error: conservative, as neighbours share a cell; an error per pair, so that many D close to each other tell nothing
    of any. Errors with few degrees of freedom make it wide.

    >>> y, one = np.array([0.0, 1.0, 0.0]), np.ones(3)
    >>> found = local_slopes(Cells(y, 0.01 * one, 50 * one, np.exp([1.0, 2.0, 3.0]), one, one), 1.0, level=0.95)
    >>> [round(pair.slope.value, 9) for pair in found.pairs], round(found.departure.value, 9)
    ([1.0, -1.0], 2.0)
    """
    cells, (expected,) = checked(cells), numbers([expected], "the expected slope")
    found = known(cells.log_snr_N, cells.error_N, cells.freedom_N)
    lines = sorted({*zip(cells.params_N.tolist(), cells.variance_N.tolist(), strict=True)})
    places = []
    for params, variance in lines:
        here_N = (cells.params_N == params) & (cells.variance_N == variance)
        levels = np.unique(cells.tokens_N[here_N])
        places += [
            (params, variance, low, high, here_N)
            for low, high in itertools.pairwise(levels.tolist())
            if np.log(high) - np.log(low) > SAME
        ]
    if not places:
        raise NoInformation("no two cells of one P and σ² differ in D; add cells that do.")
    each = each_level(level, len(places))
    pairs = []
    for params, variance, low, high, here_N in places:
        at_2N = np.array([here_N & (cells.tokens_N == tokens) for tokens in (low, high)], float)
        below_N, above_N = at_2N / at_2N.sum(1, keepdims=True)
        slope = contrast(found, (above_N - below_N) / (np.log(high) - np.log(low)), level=each)
        pairs.append(Pair(params, variance, low, high, slope))
    return Local(tuple(pairs), largest([magnitude(_less(pair.slope, expected)) for pair in pairs], level=level))


def _less(part: Estimate, expected: float) -> Estimate:
    value, low, high = (float(each - expected) for each in (part.value, part.low, part.high))
    return Estimate(value=value, low=low, high=high, level=part.level, n=part.n, method=part.method)
