"""How B(P), and the loss attained on fresh data, go with the size."""

from itertools import pairwise

import numpy as np

from testbed.stats.combine import each_level, jointly, largest, logarithm, slope_weights, smallest
from testbed.stats.estimate import Estimate
from testbed.stats.mean import mean
from testbed.stats.moments import Moments, contrast, moments
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.bounds import biases, bounds

BENT = 3
"""Sizes that a bend needs."""
NOTHING = "no online cell finished, so there is nothing to compare with."


def lowest_excess(analysis: Analysis, level: float) -> Estimate | str:
    """Return the lowest E[CE] − ε of any kept cell; ε is a floor if this is at least 0.

    E[CE] is measured beside the Bayes loss of the same sequences, whose expectation is ε exactly: the paired difference
    has a small fraction of the noise. Intervals hold for all cells at once (Bonferroni, Student over sequences). The
    lower end supports: only when every cell's lower end is at least 0 is the floor shown. The upper end refutes: one
    cell whose upper end is below 0 is enough.
    """
    bayes_B = analysis.bayes_nll_B[analysis.read]
    each = each_level(level, max(len(analysis.kept), 1))
    parts = [mean(ce_B - bayes_B, level=each) for ce_B in analysis.kept["ce_B"]]
    return smallest(parts, level=level) if parts else "no cell finished, so no loss was measured."


def bias_exponent(analysis: Analysis, level: float) -> Estimate | str:
    """Return the exponent −d log B / d log P, least squares over sizes of unweighted log B."""
    sizes = sorted(analysis.horizons)
    if len(sizes) < 2:
        return _few(sizes, "B", "slope")
    found = biases(analysis, sizes, level=level)
    if any(part.value <= 0 for part in found.values()):
        return "B is estimated as zero at some size, so it has no logarithmic slope."
    weights_S = -slope_weights(np.log(np.array(sizes, dtype=float)), [0] * len(sizes))
    logs = [logarithm(found[size]) for size in sizes]
    return jointly(weights_S, logs, level=level, method="log-log least squares over the bounds of B")


def bias_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of B from one size to the next, in nats; B falls with P if this is below 0."""
    sizes = sorted(analysis.horizons)
    if len(sizes) < 2:
        return _few(sizes, "B", "step")
    found = biases(analysis, sizes, level=level)
    step = np.array([-1.0, 1.0])
    return largest(
        [jointly(step, [found[a], found[b]], level=level, method="step") for a, b in pairwise(sizes)], level=level
    )


def bias_bend(analysis: Analysis, level: float) -> Estimate | str:
    """Return the least change of the slope dB / d log P from one step in size to the next, in nats.

    Returns diminish, each factor of P gaining less than the one before, where this is above 0.
    """
    sizes = sorted(analysis.horizons)
    if len(sizes) < BENT:
        return _few(sizes, "B", "bend", needed=BENT)
    found = [part for _, part in sorted(biases(analysis, sizes, level=level).items())]
    return smallest([jointly(weights_S, found, level=level, method="bend") for weights_S in _bends(sizes)], level=level)


def online_bend(analysis: Analysis, level: float) -> Estimate | str:
    """Return the least change of slope, as `bias_bend`, of K on fresh data (B + Ω at horizon T)."""
    sizes = sorted(analysis.horizons)
    if len(sizes) < BENT:
        return _few(sizes, "K online", "bend", needed=BENT)
    weights = _bends(sizes)
    each, found = each_level(level, len(weights)), _online(analysis, sizes)
    return smallest([contrast(found, weights_S, level=each) for weights_S in weights], level=level)


def online_exponent(analysis: Analysis, level: float) -> Estimate | str:
    """Return the exponent −d log K / d log P on fresh data at horizon T: B + Ω, measured without extrapolation."""
    sizes = sorted(analysis.horizons)
    if len(sizes) < 2:
        return _few(sizes, "K online", "slope")
    found = _online(analysis, sizes)
    if (found.mean_Q <= 0).any():
        return "K on fresh data is zero at some size, so it has no logarithmic slope."
    logs = found.transform(np.diag(1 / found.mean_Q))._replace(mean_Q=np.log(found.mean_Q))
    return contrast(logs, -slope_weights(np.log(np.array(sizes, dtype=float)), [0] * len(sizes)), level=level)


def online_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of K on fresh data (B + Ω at horizon T) from one size to the next, in nats."""
    sizes = sorted(analysis.horizons)
    if len(sizes) < 2:
        return _few(sizes, "K online", "step")
    return largest_step(_online(analysis, sizes), list(pairwise(range(len(sizes)))), level)


def optimisation_residue(analysis: Analysis, level: float) -> Estimate | str:
    """Return the optimisation gap's share Ω/(B + Ω) of the online excess loss at the largest size."""
    found = bounds(analysis, max(analysis.horizons), level=level) if analysis.horizons else NOTHING
    return found if isinstance(found, str) else found.share


def largest_step(found: Moments, steps: list[tuple[int, int]], level: float) -> Estimate:
    """Return the largest of the differences between quantities ``(from, to)``, their intervals holding at once."""
    unit_QQ, each = np.eye(len(found.mean_Q)), each_level(level, len(steps))
    return largest([contrast(found, unit_QQ[to] - unit_QQ[start], level=each) for start, to in steps], level=level)


def _bends(sizes: list[int]) -> list[np.ndarray]:
    """Return the weights of every change of slope over log P."""
    log_S, found = np.log(sizes), []
    for at in range(1, len(sizes) - 1):
        first, second = np.diff(log_S[at - 1 : at + 2])
        weights_S = np.zeros(len(sizes))
        weights_S[at - 1 : at + 2] = 1 / first, -1 / first - 1 / second, 1 / second
        found.append(weights_S)
    return found


def _online(analysis: Analysis, sizes: list[int]) -> Moments:
    """Return the moments of K on fresh data at the longest horizon, one quantity per size."""
    return moments([block(analysis.online(size, analysis.horizons[size][-1])) for size in sizes])


def _few(sizes: list[int], of: str, what: str, *, needed: int = 2) -> str:
    many = "size leaves" if len(sizes) == 1 else "sizes leave"
    return f"{len(sizes)} {many} {of} without a {what}; {needed} are needed."
