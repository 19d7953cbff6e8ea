"""The numbers that claims are about, by name: each an interval, or the sentence that says why there is none."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import ndtri

from testbed.stats.combine import each_level, largest, linear, logarithm, magnitude, smallest
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, positive, told
from testbed.stats.ladder import Ladder
from testbed.stats.mean import mean
from testbed.stats.moments import Moments, contrast, moments
from testbed.stats.slope import correlation, log_log_slope, slope_weights
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.parts import bias, groups, local_exponents, variance_law, variances

NOTHING = "no online cell finished, so there is nothing to compare with."

ROUNDING = 1e-12
"""How near to ±1 a correlation is that only rounding parts from it."""

FEWEST = 6
"""Sizes from which on a correlation over them has an interval of use: Fisher's has the square root of n − 3 in it."""

LACK_OF_FIT = 1e-3
"""Below this p-value of the lack-of-fit test, V follows no power law, and no exponent is reported for it."""


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
    found = _biases(analysis, level)
    if isinstance(found, str):
        return found
    if any(ladder.limit.value <= 0 for ladder in found.values()):
        return "B is estimated as zero at some size, so it has no logarithmic slope."
    slope = log_log_slope(np.array(list(found), dtype=float), [ladder.limit for ladder in found.values()])
    return linear(np.array([-1.0]), [slope], method=slope.method)


def bias_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of B from one size to the next, in nats; B falls with P if this is below 0."""
    found = _biases(analysis, each_level(level, max(len(analysis.horizons) - 1, 1)))
    if isinstance(found, str):
        return found
    limits = [found[size].limit for size in sorted(found)]
    steps = [linear(np.array([-1.0, 1.0]), pair, method="step") for pair in pairwise(limits)]
    return largest(steps, level=level)


def online_exponent(analysis: Analysis, level: float) -> Estimate | str:
    """Return the exponent −d log K / d log P on fresh data at horizon T: B + Ω, measured without extrapolation."""
    sizes = sorted(analysis.horizons)
    if len(sizes) < 2:
        return f"{len(sizes)} size leaves K online without a slope; 2 are needed."
    found = _online(analysis, sizes)
    if (found.mean_Q <= 0).any():
        return "K on fresh data is zero at some size, so it has no logarithmic slope."
    logs = found.transform(np.diag(1 / found.mean_Q))._replace(mean_Q=np.log(found.mean_Q))
    return contrast(logs, -slope_weights(np.log(np.array(sizes, dtype=float)), [0] * len(sizes)), level=level)


def online_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of K on fresh data (B + Ω at horizon T) from one size to the next, in nats."""
    sizes = sorted(analysis.horizons)
    if len(sizes) < 2:
        return f"{len(sizes)} size leaves K online without a step; 2 are needed."
    found = _online(analysis, sizes)
    return _largest_step(found, list(pairwise(range(len(sizes)))), level)


def variance_exponent(analysis: Analysis, level: float) -> Estimate | str:
    """Return the exponent β of V = C_P · D^−β, one for all sizes; a sentence where no such law fits."""
    sizes = list(analysis.horizons)
    found = variance_law(analysis, sizes, level=level)
    if isinstance(found, str) or not found.lack_of_fit < LACK_OF_FIT:
        return found if isinstance(found, str) else found.exponent
    local = [exponent for _, _, exponent in local_exponents(variances(analysis, sizes), level=level)]
    resolved = [part.value for part in local if np.isfinite([part.low, part.high]).all()]
    values = resolved or [part.value for part in local]
    run = f"local exponents run from {min(values):.3g} to {max(values):.3g}" if values else "and none has a local one"
    return f"no single exponent describes V: lack of fit p = {found.lack_of_fit:.2g}, {run}."


def variance_departure(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest abs(β − 1) of the local exponents β of V between neighbouring D; 0 if V is C_P/D exactly.

    β − 1 = log(V_i·D_i / V_j·D_j) / log(D_j/D_i), whether or not one power law fits all D. Every pair counts: where a V
    may be zero, its logarithm has no lower end, so that such a pair can refute and cannot support.

    Error: conservative; the noise that two V share (the online term, the sequences) is counted twice.
    """
    if not analysis.horizons:
        return NOTHING
    measured = variances(analysis, list(analysis.horizons))
    pairs = [(i, i + 1) for i, (here, there) in enumerate(pairwise(measured.points)) if here[0] == there[0]]
    if not pairs:
        return "no size has stored runs at two numbers of tokens, so V has no local exponent."
    tokens_N = np.array([float(tokens) for _, tokens in measured.points])
    scaled, each = measured.moments().transform(np.diag(tokens_N)), each_level(level, len(pairs))
    parts = [contrast(scaled, unit_N, level=each) for unit_N in np.eye(len(tokens_N))]
    found = [magnitude(_slope(parts[i], parts[j], float(np.log(tokens_N[j] / tokens_N[i])))) for i, j in pairs]
    return largest(found, level=level)


def _slope(first: Estimate, second: Estimate, log_ratio: float) -> Estimate:
    """Return log(first/second) / log_ratio of two that are not negative; endless where either may be zero."""
    if first.low > 0 and second.low > 0:
        weights_2 = np.array([1.0, -1.0]) / log_ratio
        return linear(weights_2, [logarithm(first), logarithm(second)], method="local exponent − 1")
    low = np.log(first.low / second.high) / log_ratio if first.low > 0 and second.high > 0 else -np.inf
    high = np.log(first.high / second.low) / log_ratio if first.high > 0 and second.low > 0 else np.inf
    value = next((float(end) for end in (low, high) if np.isfinite(end)), 0.0)
    n = min(first.n, second.n)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        level=first.level,
        n=n,
        method="local exponent − 1: V may be zero",
    )


def variance_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of V from one D to the next within a size, in nats; V falls with D if this is below 0."""
    if not analysis.horizons:
        return NOTHING
    measured = variances(analysis, list(analysis.horizons))
    steps = [(i, i + 1) for i, (here, there) in enumerate(pairwise(measured.points)) if here[0] == there[0]]
    if not steps:
        return "no size has stored runs at two numbers of tokens, so V takes no step."
    return _largest_step(measured.moments(), steps, level)


def variance_size_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of V from one size to the next at the same D, in nats; V falls with P if below 0."""
    if not analysis.horizons:
        return NOTHING
    measured = variances(analysis, list(analysis.horizons))
    order = {point: index for index, point in enumerate(measured.points)}
    sizes = sorted(analysis.horizons)
    steps = [
        (order[small, d], order[big, d])
        for small, big in pairwise(sizes)
        for d in analysis.stored_tokens[small]
        if (big, d) in order
    ]
    if not steps:
        return "no two sizes share a number of stored tokens, so V takes no step in P."
    return _largest_step(measured.moments(), steps, level)


def optimisation_residue(analysis: Analysis, level: float) -> Estimate | str:
    """Return the optimisation gap's share Ω/(B + Ω) of the online excess loss at the largest size."""
    found = bias(analysis, max(analysis.horizons), level=level) if analysis.horizons else NOTHING
    return found if isinstance(found, str) else found.share


def bias_variance_correlation(analysis: Analysis, level: float) -> Estimate | str:
    """Return the correlation over sizes of log K online (B + Ω) with log V, D by D, averaged over D.

    The interval is Fisher's with as many units as sizes: all D of one size share their B. K online stands for B, whose
    extrapolation would add its own noise.
    """
    sizes = sorted(analysis.horizons)
    if len(sizes) < FEWEST:
        return f"{len(sizes)} sizes leave a correlation without an interval of use; {FEWEST} are needed."
    measured = variances(analysis, sizes)
    values = dict(zip(measured.points, measured.moments().mean_Q, strict=True))
    shared = [d for d in analysis.stored_tokens[sizes[0]] if all((size, d) in values for size in sizes)]
    if not shared or min(values[size, d] for size in sizes for d in shared) <= 0:
        return "V is not above zero at every size and D, so it has no logarithm to correlate; leave out the largest D."
    online = positive([_mean(groups(analysis, size)[-1][2]) for size in sizes], "K on fresh data")
    each = [correlation(np.log(online), np.log([values[size, d] for size in sizes])) for d in shared]
    if 1 - abs(np.mean(each)) < ROUNDING:
        raise NoInformation("the logarithms lie on one line, so that no scatter is left for an interval; add sizes.")
    z = float(np.arctanh(np.mean(each)))
    half = float(ndtri((1 + level) / 2)) / np.sqrt(len(sizes) - 3)
    low, value, high = (float(np.tanh(end)) for end in (z - half, z, z + half))
    return Estimate(value=value, low=low, high=high, level=level, n=len(sizes), method="Fisher z over sizes")


ESTIMATES: dict[str, Callable[[Analysis, float], Estimate | str]] = {
    function.__name__: told(function)
    for function in (
        lowest_excess,
        bias_exponent,
        bias_step,
        online_exponent,
        online_step,
        variance_exponent,
        variance_departure,
        variance_step,
        variance_size_step,
        optimisation_residue,
        bias_variance_correlation,
    )
}


def _mean(group: pd.DataFrame) -> float:
    return float(np.stack(group["kl_B"].to_list()).mean())


def _online(analysis: Analysis, sizes: list[int]) -> Moments:
    """Return the moments of K on fresh data at the longest horizon, one quantity per size."""
    return moments([block(analysis.online(size, analysis.horizons[size][-1])) for size in sizes])


def _largest_step(found: Moments, steps: list[tuple[int, int]], level: float) -> Estimate:
    """Return the largest of the differences between quantities ``(from, to)``, their intervals holding at once."""
    unit_QQ, each = np.eye(len(found.mean_Q)), each_level(level, len(steps))
    return largest([contrast(found, unit_QQ[to] - unit_QQ[start], level=each) for start, to in steps], level=level)


def _biases(analysis: Analysis, level: float) -> dict[int, Ladder] | str:
    """Return the ladder of every size, or the first sentence that says why one is missing."""
    found = {size: bias(analysis, size, level=level) for size in sorted(analysis.horizons)}
    missing = [ladder for ladder in found.values() if isinstance(ladder, str)]
    if missing:
        return missing[0]
    if len(found) < 2:
        return f"{len(found)} size leaves B without a slope; 2 are needed."
    return {size: ladder for size, ladder in found.items() if not isinstance(ladder, str)}
