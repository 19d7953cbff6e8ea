"""Where a capability appears, in log SNR, and over how many decades of SNR."""

import math
from typing import NamedTuple

import numpy as np

from testbed.stats.emergence.curve import POINTS, WIDEST, Curve, box, fit, grid
from testbed.stats.emergence.rises import Rises
from testbed.stats.estimate import Estimate, check_level, critical
from testbed.stats.identified import NoInformation

TENTHS = 2 * math.log(9)
"""Widths between a rise of a tenth and one of nine tenths."""

BOUND = "bound only: "
METHOD = "logistic curve, profile of quasi-likelihood, Student"
FEWEST_GROUPS = 3
ROUNDS, MARGIN = 3, 2
"""How often a grid is drawn closer, and to how many points beyond those within."""
NEAR = 0.02
"""Share of the allowed misfit within which places are as good as the best: a step leaves a gap of such."""

FLAT = 0.1
"""Least singular value of the pull below which a curve is too steep for its derivatives to tell anything."""


class Threshold(NamedTuple):
    """The log SNR at which the rise is half-way, and how many decades lie between a tenth of it and nine tenths.

    ``error`` is the standard error of the place and ``freedom`` its degrees of freedom, for those who compare worlds.
    """

    place: Estimate
    width_decades: Estimate
    error: float
    freedom: float


def threshold(found: Rises, *, level: float) -> Threshold:
    """Return log θ, half-way from chance to the Bayes predictor, and the width of the rise, by profile.

    score = c + (u − c)·logistic((x − log θ)/w) over cells or runs, with the asymptotes at chance c and at the Bayes
    score u, not at 0 and 1. Errors of log SNR blur the curve and are taken off its width. The variance of a rise m is
    e² + φ·m(1 − m), and what errors of x make of it (Williams' quasi-likelihood), φ from Pearson's. The interval
    holds all places whose deviance exceeds the least by no more than t²·d: d is by how much groups scatter more than
    that, in the direction of the parameter, over what is expected (Bell and McCaffrey, with their degrees of freedom;
    where cells are their own groups, one of d = 1 is added). So seeds may share their noise over cells in any way.
    A width is that of the mean curve over runs: thresholds that differ from seed to seed widen it.

    Where no cell comes half-way, or all are beyond, the place is the last SNR, as a bound, with an endless interval.

    Error: covers 93–97 % at 95 % for 12 to 60 cells, or 4 to 8 groups of them; 92–94 % where thresholds of runs
    scatter by more than the width; up to 100 % for a step, of which 3 in 100 are refused; widths 90–98 %.
    With asymptotes at 0
    and 1 it is biased by the width and more.
    NoInformation where scores do not rise with log SNR, or fewer than 6 cells or 3 groups are given.
    Source: Williams (Applied Statistics 31, 1982); Bell and McCaffrey (Survey Methodology 28, 2002).

    >>> from testbed.stats.emergence.rises import rises
    >>> x = np.linspace(-4.0, 4.0, 17)
    >>> score = 0.1 + 0.6 / (1 + np.exp(-(x - 0.5) / 0.5)) + 0.01 * np.cos(x**2)
    >>> found = threshold(rises(x, score, (0.1, 0.7)), level=0.95)
    >>> 0.4 < found.place.low < 0.5 < found.place.high < 0.6, round(found.width_decades.value, 1)
    (True, 1.0)
    """
    check_level(level)
    groups = len(set(found.group_N.tolist()))
    if groups < FEWEST_GROUPS:
        raise NoInformation(f"{groups} groups do not tell how seeds scatter; give {FEWEST_GROUPS} or more.")
    curve = fit(found)
    times, freedom = _errors(found, curve, 0, level)
    value, low, high = _interval(curve, 0, times**2)
    level_off = abs(value) < 1 and curve.place_2[1] > math.log(WIDEST) - 0.01
    (at, below, above), prefix = _bounded(value, low, high)
    if level_off or (math.isinf(below) and math.isinf(above)):
        raise NoInformation("scores do not rise with log SNR, or too noisily to tell where; add cells on either side.")
    ends = {"low": curve.middle + curve.half * below, "high": curve.middle + curve.half * above}
    place = Estimate(value=curve.middle + curve.half * at, **ends, level=level, n=groups, method=prefix + METHOD)
    inside = [abs(end - at) for end in (below, above) if math.isfinite(end)]
    error = curve.half * max(inside) / critical(level, freedom)
    return Threshold(place, _width(found, curve, level, groups), error, freedom)


def _width(found: Rises, curve: Curve, level: float, groups: int) -> Estimate:
    """Return the width in decades; its lower end is zero where it is less than the error of log SNR, which hides it."""
    times, _ = _errors(found, curve, 1, level)
    _, low, high = _interval(curve, 1, times**2)
    if math.exp(low) < float(np.median(curve.scaled.blur_N)):
        low = -math.inf
    value, low, high = (
        TENTHS / math.log(10) * curve.half * math.exp(end) for end in (float(curve.place_2[1]), low, high)
    )
    return Estimate(value=value, low=min(low, value), high=max(high, value), level=level, n=groups, method=METHOD)


def _bounded(value: float, low: float, high: float) -> tuple[tuple[float, float, float], str]:
    """Return a place, in scaled units, as a bound where it lies beyond all cells."""
    if value > 1:
        return (1.0, min(low, 1.0), math.inf), BOUND + "no cell comes half-way; "
    if value < -1:
        return (-1.0, -math.inf, max(high, -1.0)), BOUND + "all cells are beyond half-way; "
    return (value, min(low, value), max(high, value)), ""


def _errors(found: Rises, curve: Curve, axis: int, level: float) -> tuple[float, float]:
    """Return how many standard errors of the fit the interval of a coordinate reaches, and its degrees of freedom."""
    cells = len(curve.residual_N)
    if np.linalg.svd(curve.pull_N2, compute_uv=False)[-1] < FLAT:
        return critical(level, cells - 2.0), cells - 2.0
    inverse_2N = np.linalg.pinv(curve.pull_N2)
    left_NN = np.eye(cells) - curve.pull_N2 @ inverse_2N
    member_GN = (found.group_N == np.arange(found.group_N.max() + 1)[:, None]) * inverse_2N[axis]
    between_GG = member_GN @ left_NN @ member_GN.T
    expected, square = float(np.trace(between_GG)), float(np.sum(between_GG**2))
    seen_G, freedom, own = member_GN @ curve.residual_N, expected**2 / square, float(not found.clustered)
    more = (float(seen_G @ seen_G) / expected * freedom + own) / (freedom + own)
    return critical(level, freedom + own) * math.sqrt(more), freedom + own


def _interval(curve: Curve, axis: int, allowed: float) -> tuple[float, float, float]:
    """Return the middle of the best values of a coordinate, and the ends of those not rejected, ±∞ at its last."""
    best = float(curve.misfit(curve.place_2))
    near = _reach(curve, axis, best + NEAR * allowed)
    low, high = _reach(curve, axis, best + allowed)
    if math.isinf(near[0]) and math.isinf(near[1]):
        return float(curve.place_2[axis]), low, high
    return sum(near) / 2, low, high


def _reach(curve: Curve, axis: int, limit: float) -> tuple[float, float]:
    """Return the least and the largest value of a coordinate at which some curve's misfit is within a limit."""
    box_22 = box()
    for again in range(ROUNDS):
        place_GG2, axis_2G = grid(box_22)
        misfit_GG = curve.misfit(place_GG2)
        within_K2 = np.argwhere(misfit_GG <= max(limit, float(misfit_GG.min())))
        first_2, last_2 = np.maximum(within_K2.min(0) - MARGIN, 0), np.minimum(within_K2.max(0) + MARGIN, POINTS - 1)
        if again < ROUNDS - 1:
            box_22 = np.stack([axis_2G[[0, 1], first_2], axis_2G[[0, 1], last_2]], axis=1)
    axis_G, profile_G = axis_2G[axis], misfit_GG.min(axis=1 - axis)
    inside_K = np.flatnonzero(profile_G <= max(limit, float(profile_G.min())))
    least, most = box()[axis]
    low = _crossing(axis_G[::-1], profile_G[::-1], POINTS - 1 - int(inside_K[0]), limit)
    high = _crossing(axis_G, profile_G, int(inside_K[-1]), limit)
    return (-math.inf if low <= least else low), (math.inf if high >= most else high)


def _crossing(axis_G: np.ndarray, profile_G: np.ndarray, last: int, limit: float) -> float:
    """Return where a profile passes its limit beyond the last point within, or the end of its axis."""
    if last == POINTS - 1:
        return float(axis_G[-1])
    share = (limit - profile_G[last]) / (profile_G[last + 1] - profile_G[last])
    return float(axis_G[last] + np.clip(share, 0, 1) * (axis_G[last + 1] - axis_G[last]))
