"""Slopes on logarithmic axes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from testbed.stats.combine import linear, logarithm
from testbed.stats.estimate import Estimate


def slope_weights(x_N: Float[np.ndarray, "N"], groups: Sequence[int]) -> Float[np.ndarray, "N"]:
    """Return weights w with Σ w·y the least-squares slope of y on x, shared by groups with an intercept each.

    >>> slope_weights(np.array([0.0, 1.0, 2.0]), [0, 0, 0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    group_N = np.asarray(groups)
    centred_N = x_N.copy()
    for group in set(groups):
        centred_N[group_N == group] -= x_N[group_N == group].mean()
    total = float(centred_N @ centred_N)
    if total <= 0:
        raise ValueError(f"abscissae {x_N.tolist()} do not differ within any group; a slope needs two of them.")
    return centred_N / total


def log_log_slope(x_N: Float[np.ndarray, "N"], parts: Sequence[Estimate]) -> Estimate:
    """Return the unweighted least-squares slope of log y on log x for independent estimates y > 0.

    Error: an interval of y that reaches zero makes the slope's interval endless on one side or both.

    >>> parts = [Estimate(value=v, low=v / 2, high=v * 2, level=0.95, n=3, method="t") for v in (4.0, 2.0, 1.0)]
    >>> round(log_log_slope(np.array([1.0, 2.0, 4.0]), parts).value, 9)
    -1.0
    """
    weights_N = slope_weights(np.log(x_N), [0] * len(parts))
    return linear(weights_N, [logarithm(part) for part in parts], method="log-log least squares, recovered intervals")
