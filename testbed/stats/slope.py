"""Slopes on logarithmic axes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import check_slope, numbers


def slope_weights(x_N: Float[np.ndarray, "N"], groups: Sequence[int]) -> Float[np.ndarray, "N"]:
    """Return weights w with Σ w·y the least-squares slope of y on x, shared by groups with an intercept each.

    >>> slope_weights(np.array([0.0, 1.0, 2.0]), [0, 0, 0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    x_N = numbers(x_N, "abscissae")
    check_slope(x_N, groups)
    group_N = np.asarray(groups)
    centred_N = x_N.copy()
    for group in set(groups):
        centred_N[group_N == group] -= x_N[group_N == group].mean()
    return np.asarray(centred_N / float(centred_N @ centred_N))
