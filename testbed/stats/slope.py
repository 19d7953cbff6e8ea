"""Slopes on logarithmic axes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from testbed.stats.combine import linear, logarithm
from testbed.stats.estimate import Estimate
from testbed.stats.identified import RANK, NoInformation, abscissae, alike, check_slope, numbers, short, unitless


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


def correlation(x_N: Float[np.ndarray, "N"], y_N: Float[np.ndarray, "N"]) -> float:
    """Return Pearson's correlation of two columns; without spread beyond rounding, a column has none.

    >>> correlation(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0])).__round__(6)
    0.866025
    """
    alike(first=len(x_N), second=len(y_N))
    for column_N in (x_N, y_N):
        unit_N = unitless(column_N, "a column")
        if len(unit_N) < 2 or not unit_N.std() > RANK * np.abs(unit_N).max():
            raise NoInformation(f"{short(unit_N)} do not differ, so that nothing correlates with them; add others.")
    return float(np.clip(np.corrcoef(unitless(x_N, "x"), unitless(y_N, "y"))[0, 1], -1, 1))


def log_log_slope(x_N: Float[np.ndarray, "N"], parts: Sequence[Estimate]) -> Estimate:
    """Return the unweighted least-squares slope of log y on log x for independent estimates y > 0.

    Error: an interval of y that reaches zero makes the slope's interval endless on one side or both.

    >>> parts = [Estimate(value=v, low=v / 2, high=v * 2, level=0.95, n=3, method="t") for v in (4.0, 2.0, 1.0)]
    >>> round(log_log_slope(np.array([1.0, 2.0, 4.0]), parts).value, 9)
    -1.0
    """
    alike(abscissae=len(x_N), estimates=len(parts))
    if any(part.value <= 0 for part in parts):
        raise NoInformation("an estimate is zero or below, so that it has no logarithm; leave the slope out.")
    weights_N = slope_weights(np.log(abscissae(x_N, "abscissae")), [0] * len(parts))
    return linear(weights_N, [logarithm(part) for part in parts], method="log-log least squares, recovered intervals")
