"""How bias and variance go together over the cells of a grid."""

import numpy as np
from scipy.special import ndtri

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, positive
from testbed.stats.slope import correlation
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.parts import groups
from testbed.studies.grid.variance import variances

ROUNDING = 1e-12
"""How near to ±1 a correlation is that only rounding parts from it."""
FEWEST = 6
"""Sizes that leave a correlation an interval of use: Fisher's has n − 3 degrees of freedom."""


def bias_variance_correlation(analysis: Analysis, level: float) -> Estimate | str:
    """Return the correlation over sizes of log K online (B + Ω) with log V, D by D, averaged over D.

    The interval is Fisher's with as many units as sizes: all D of one size share their B. K online stands for B, whose
    bounds would add a width of their own.
    """
    sizes = sorted(analysis.horizons)
    if len(sizes) < FEWEST:
        return f"{len(sizes)} sizes leave a correlation without an interval of use; {FEWEST} are needed."
    measured = variances(analysis, sizes, level=level)
    values = dict(zip(measured.points, measured.above("value").mean_Q, strict=True))
    shared = [d for d in analysis.stored_tokens[sizes[0]] if all((size, d) in values for size in sizes)]
    if not shared or min(values[size, d] for size in sizes for d in shared) <= 0:
        return "V is not above zero at every size and D, so it has no logarithm to correlate; leave out the largest D."
    online = positive(
        [float(np.stack(groups(analysis, size)[-1][2]["kl_B"].to_list()).mean()) for size in sizes], "K on fresh data"
    )
    each = [correlation(np.log(online), np.log([values[size, d] for size in sizes])) for d in shared]
    if 1 - abs(np.mean(each)) < ROUNDING:
        raise NoInformation("the logarithms lie on one line, so that no scatter is left for an interval; add sizes.")
    z = float(np.arctanh(np.mean(each)))
    half = float(ndtri((1 + level) / 2)) / np.sqrt(len(sizes) - 3)
    low, value, high = (float(np.tanh(end)) for end in (z - half, z, z + half))
    return Estimate(value=value, low=low, high=high, level=level, n=len(sizes), method="Fisher z over sizes")
