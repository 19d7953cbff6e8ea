"""How V(P, D) goes with the data and with the size."""

from itertools import pairwise

import numpy as np

from testbed.stats.combine import each_level, jointly, largest
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.moments import contrast
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.estimates.bias import NOTHING, largest_step
from testbed.studies.grid.variance import departures, pooled, variances


def variance_exponent(analysis: Analysis, level: float) -> Estimate | str:
    """Return the exponent β of V = C_P · D^−β that fits best over all sizes; a sentence where no such law fits.

    The interval holds the intervals at the least and the greatest B; where V at the greatest B is zero at some D, which
    is a steeper law than any, it has no upper end.

    Error: local exponents that differ may cancel in it where noise hides their lack of fit; that V is one power law is
    for `variance_departure` to support.
    """
    if not analysis.horizons:
        return NOTHING
    return pooled(variances(analysis, list(analysis.horizons), level=level))


def variance_departure(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest abs(β − 1) of the local exponents β of V between neighbouring D; 0 if V is C_P/D exactly.

    All pairs count: one whose V may be zero has a β without an end, so that it can refute and cannot support.

    Error: conservative; β is taken at every B between its bounds, and all intervals hold at once.
    """
    if not analysis.horizons:
        return NOTHING
    found = departures(variances(analysis, list(analysis.horizons), level=level))
    if not found:
        return "no size has stored runs at two numbers of tokens, so V has no local exponent."
    return largest(found, level=level)


def variance_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of V from one D to the next within a size, in nats; V falls with D if this is below 0.

    B cancels in it.
    """
    if not analysis.horizons:
        return NOTHING
    measured = variances(analysis, list(analysis.horizons), level=level)
    steps = measured.pairs()
    if not steps:
        return "no size has stored runs at two numbers of tokens, so V takes no step."
    return largest_step(measured.divergences, steps, level)


def variance_size_step(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest step of V from one size to the next at the same D, in nats; V falls with P if below 0."""
    if not analysis.horizons:
        return NOTHING
    measured = variances(analysis, list(analysis.horizons), level=level)
    order = {point: index for index, point in enumerate(measured.points)}
    steps = [
        (order[small, tokens], order[big, tokens])
        for small, big in pairwise(sorted(analysis.horizons))
        for tokens in analysis.stored_tokens[small]
        if (big, tokens) in order
    ]
    if not steps:
        return "no two sizes share a number of stored tokens, so V takes no step in P."
    unit_QQ, each = np.eye(len(measured.points)), each_level(measured.half, len(steps))
    parts = []
    for start, to in steps:
        loss = contrast(measured.divergences, unit_QQ[to] - unit_QQ[start], level=each)
        two = [measured.bias[measured.points[at][0]] for at in (start, to)]
        parts.append(jointly(np.array([1.0, 1.0, -1.0]), [loss, *two], level=level, method="step above B"))
    return largest(parts, level=level)


def variance_over_bias(analysis: Analysis, level: float) -> Estimate | str:
    """Return the least log(V/B) over sizes at the fewest stored tokens; variance dominates there if this is above 0."""
    return _ratio(analysis, level, first=True)


def bias_over_variance(analysis: Analysis, level: float) -> Estimate | str:
    """Return the least log(B/V) over sizes at the most stored tokens; bias dominates there if this is above 0."""
    return _ratio(analysis, level, first=False)


def _ratio(analysis: Analysis, level: float, *, first: bool) -> Estimate | str:
    """Return the least log of V/B at the fewest tokens of each size, or of B/V at the most."""
    if not analysis.horizons:
        return NOTHING
    measured = variances(analysis, list(analysis.horizons), level=level)
    ends = {size: [i for i, point in enumerate(measured.points) if point[0] == size] for size in measured.bias}
    each = each_level(measured.half, len(ends))
    logs = []
    for size, places in ends.items():
        loss = contrast(measured.divergences, np.eye(len(measured.points))[places[0 if first else -1]], level=each)
        logs.append(_log_ratio(loss, measured.bias[size], 1.0 if first else -1.0, level))
    # the least of all, each interval holding at once
    return Estimate(
        value=min(part.value for part in logs),
        low=min(part.low for part in logs),
        high=min(part.high for part in logs),
        level=level,
        n=min(part.n for part in logs),
        method=f"least of {len(logs)} over the bounds of B, Bonferroni",
    )


def _log_ratio(loss: Estimate, bias: Estimate, sign: float, level: float) -> Estimate:
    """Return ± log((K − B)/B): it falls with B and rises with K, so that its ends lie at opposite ends of these."""
    with np.errstate(divide="ignore"):
        ends = [
            float(np.log(max(k - b, 0.0)) - np.log(b)) if b > 0 or k > 0 else np.nan
            for k, b in ((loss.low, bias.high), (loss.value, bias.value), (loss.high, bias.low))
        ]
    if np.isnan(ends).any():
        raise NoInformation("K and B may both be zero at some size, so neither dominates.")
    low, value, high = ends if sign > 0 else [-end for end in reversed(ends)]
    value = next((x for x in (value, low, high) if np.isfinite(x)), 0.0)
    return Estimate(value=value, low=low, high=high, level=level, n=min(loss.n, bias.n), method="log ratio")
