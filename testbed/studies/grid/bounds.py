"""B(P) between two bounds: the least loss that runs of a size attained, and what they could still have gained."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from testbed.stats.combine import each_level
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.ladder import BOUND_ONLY, Ladder, ladder
from testbed.stats.mean import mean
from testbed.stats.moments import contrast, moments
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.rates import kept_at

RUNGS = 3


class Bounds(NamedTuple):
    """What is known of one size.

    ``attained`` is K of the best run, ``floor`` what models of that width are not found to undercut (0 where the world
    offers none), ``gap`` what the ladder leaves to gain, ``bias`` B(P) between them, ``online`` the mean K of fresh
    data at the longest horizon, ``optimisation`` Ω = online − B, and ``share`` Ω / online.
    """

    attained: Estimate
    floor: float
    gap: Estimate
    bias: Estimate
    online: Estimate
    optimisation: Estimate
    share: Estimate


def bounds(analysis: Analysis, parameters: int, *, level: float) -> Bounds | str:
    """Return the bounds of one size; a sentence where its ladder is missing.

    B(P) is the least K that P parameters can attain. From above: K of the run that is best on the first half of the
    evaluation sequences, whatever data it saw, read on the second half. From below: what is attained, less all that
    the ladder of fresh data leaves to gain at the smallest declared exponent, and never below the floor. Its value
    takes the gap that the rungs suggest, or else is what was attained, told as a bound.

    Error: the lower bound trusts that no run of this size would end further below the best one than that; see
    ``testbed.stats.ladder``. The ends hold at once (Bonferroni), so that the interval errs on the wide side.
    """
    found = rungs(analysis, parameters, level=each_level(level, 3))
    if isinstance(found, str):
        return found
    each, gap = each_level(level, 3), found.gap
    best, low = attained(analysis, parameters, level=each), analysis.floors.get(parameters, 0.0)
    high = max(best.high, low)
    below = min(max(best.low - gap.high, low), high)
    loose = gap.method.startswith(BOUND_ONLY) and below < high
    value = min(max(best.value - (0.0 if loose else gap.value), below), high)
    method = f"{BOUND_ONLY}: best run, ladder and floor" if loose else "between ladder or floor, and the best run"
    bias = Estimate(value=value, low=below, high=high, level=level, n=best.n, method=method)
    longest = analysis.online(parameters, analysis.horizons[parameters][-1])
    online = contrast(moments([block(longest)]), np.ones(1), level=each)
    return Bounds(best, low, gap, bias, online, above(online, bias, level), _share(online, bias, level))


def rungs(analysis: Analysis, parameters: int, *, level: float) -> Ladder | str:
    """Return the ladder of fresh data of one size; a sentence where it is missing."""
    horizons = analysis.horizons.get(parameters, [])[-RUNGS:]
    if len(horizons) < RUNGS or horizons[1] * horizons[1] != horizons[0] * horizons[2]:
        return f"P = {parameters}: horizons {horizons} are no geometric ladder of three; B has no lower bound."
    groups = [analysis.online(parameters, horizon) for horizon in horizons]
    try:
        found = moments([block(group) for group in groups])
        return ladder(found, ratio=horizons[2] / horizons[1], exponents=analysis.decay, level=level)
    except NoInformation as problem:
        return f"P = {parameters}: {problem}"


def attained(analysis: Analysis, parameters: int, *, level: float) -> Estimate:
    """Return the lowest K of all finished runs of one size, pilots among them.

    The run is chosen on the first half of the evaluation sequences and read on the second.
    """
    own = analysis.cells[(analysis.cells["parameters"] == parameters) & (analysis.cells["status"] == "finished")]
    kl_RB = np.stack([np.asarray(row.kl_CB, dtype=np.float64)[kept_at(row)] for row in own.itertuples()])
    half = kl_RB.shape[1] // 2
    sound_R = np.isfinite(kl_RB).all(1)
    if not sound_R.any():
        raise NoInformation(f"P = {parameters}: no run has a loss that is a number, so none attains any.")
    best_B = kl_RB[int(np.argmin(np.where(sound_R, kl_RB[:, :half].mean(1), np.inf)))]
    return mean(best_B[half:], level=level)


def above(loss: Estimate, bias: Estimate, level: float) -> Estimate:
    """Return loss − B, which is not negative, from intervals that hold at once."""
    low, high = max(loss.low - bias.high, 0.0), max(loss.high - bias.low, 0.0)
    value = min(max(loss.value - bias.value, low), high)
    method = f"{BOUND_ONLY}: above B" if bias.method.startswith(BOUND_ONLY) else "above B"
    return Estimate(value=value, low=low, high=high, level=level, n=min(loss.n, bias.n), method=method)


def biases(analysis: Analysis, sizes: Sequence[int], *, level: float) -> dict[int, Estimate]:
    """Return B(P) of each size, all intervals holding at once.

    Error: NoInformation with the first sentence that says why one is missing.
    """
    each = each_level(level, max(len(sizes), 1))
    found = {size: bounds(analysis, size, level=each) for size in sizes}
    for one in found.values():
        if isinstance(one, str):
            raise NoInformation(one)
    return {size: one.bias for size, one in found.items() if not isinstance(one, str)}


def _share(online: Estimate, bias: Estimate, level: float) -> Estimate:
    """Return 1 − B/K on fresh data."""
    low = max(1 - bias.high / online.low, 0.0) if online.low > 0 else 0.0
    high = min(max(1 - bias.low / online.high, low), 1.0) if online.high > 0 else 1.0
    value = min(max(1 - bias.value / online.value, low), high) if online.value > 0 else high
    return Estimate(value=value, low=low, high=high, level=level, n=min(online.n, bias.n), method="share above B")
