"""How bias and variance go together over the cells of a grid, and whether the split is one."""

import numpy as np

from testbed.stats.combine import each_level, jointly, largest, magnitude
from testbed.stats.diagnostics import by_group, permuted
from testbed.stats.estimate import Estimate
from testbed.stats.identified import positive
from testbed.stats.moments import contrast, known
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.bounds import biases
from testbed.studies.grid.variance import variances

FEWEST = 6
"""Sizes that leave a correlation an interval of use: one is left out in turn."""
DEALT = 999
"""Permutations of the null."""


def bias_variance_correlation(analysis: Analysis, level: float) -> Estimate | str:
    """Return the correlation over cells of log K online (B + Ω) with log V, given D.

    Sizes are left out in turn for the interval, as all D of one size share their B; the method tells the share of
    permutations of whole sizes that show as much. K online stands for B, whose bounds would add a width of their own.
    """
    sizes = sorted(analysis.horizons)
    if len(sizes) < FEWEST:
        return f"{len(sizes)} sizes leave a correlation without an interval of use; {FEWEST} are needed."
    measured = variances(analysis, sizes, level=level)
    shared = set.intersection(*(set(analysis.stored_tokens[size]) for size in sizes))
    chosen_N = np.array([tokens in shared for _, tokens in measured.points])
    value_N = measured.above("value").mean_Q[chosen_N]
    if not len(value_N) or value_N.min() <= 0:
        return "V is not above zero at every size and D, so it has no logarithm to correlate; leave out the largest D."
    points = [point for point, chosen in zip(measured.points, chosen_N, strict=True) if chosen]
    online = {size: _online(analysis, size) for size in sizes}
    x_N = np.log(positive([online[size] for size, _ in points], "K on fresh data"))
    controls_NC = np.array([[float(tokens == one) for one in sorted(shared)[1:]] for _, tokens in points])
    groups = [size for size, _ in points]
    found = by_group(np.log(value_N), x_N, controls_NC, groups, level=level)
    null = permuted(np.log(value_N), x_N, controls_NC, groups, most=DEALT, seed=0)
    method = f"given D, sizes left out in turn; permutation p = {null.p_value:.2g}"
    return Estimate(value=found.value, low=found.low, high=found.high, level=level, n=found.n, method=method)


def biases_apart(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest abs(center − B) over stored data, in nats: 0 if there is one split into bias and variance.

    ``center`` is KL(p*‖p̄) of the exact identity, at its jackknifed value and error; B(P) the bias of endless data. Each
    adds up to the same loss with a variance of its own.
    """
    table = analysis.ensembles[analysis.ensembles["role"] == "stored"]
    if not len(table) or (table["replicates"] < 2).any():
        return "some ensemble has fewer than two replicates, so its center has no standard error; or there is none."
    half = each_level(level, 2)
    bias = biases(analysis, sorted({int(size) for size in table["parameters"]}), level=half)
    error_N = positive(table["center_se"], "the centers' standard errors")
    freedom_N = table["replicates"].to_numpy(dtype=float) - 1
    found = known(table["center_jackknife"].to_numpy(dtype=float), error_N, freedom_N)
    each, parts = each_level(half, len(table)), []
    for size, unit_N in zip(table["parameters"], np.eye(len(table)), strict=True):
        two = [contrast(found, unit_N, level=each), bias[int(size)]]
        parts.append(magnitude(jointly(np.array([1.0, -1.0]), two, level=level, method="center less B")))
    return largest(parts, level=level)


def _online(analysis: Analysis, size: int) -> float:
    """Return the mean K on fresh data at the longest horizon."""
    kept = analysis.online(size, analysis.horizons[size][-1])
    return float(np.stack(kept["kl_B"].to_list()).mean())
