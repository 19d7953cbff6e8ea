"""Intervals for combinations of estimates: sums of those that hold at once, and the extremes of many."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import alike, check_slope, numbers


def jointly(weights_N: Float[np.ndarray, "N"], parts: Sequence[Estimate], *, level: float, method: str) -> Estimate:
    """Return Σ weight · estimate of estimates whose intervals all hold at once, at ``level``: ends add.

    Error: none beyond that of the parts, whatever their dependence; wide where it could be used.

    >>> part = Estimate(value=1.0, low=0.0, high=4.0, level=0.975, n=3, method="t")
    >>> found = jointly(np.array([1.0, -1.0]), [part, part], level=0.95, method="difference")
    >>> found.low, found.high
    (-4.0, 4.0)
    """
    _some(parts)
    alike(weights=len(weights_N), estimates=len(parts))
    weights_N = numbers(weights_N, "weights")
    ends_2N = np.array([[part.low, part.high] for part in parts]).T
    used_N = weights_N != 0
    below_N, above_N = np.where(weights_N > 0, ends_2N, ends_2N[::-1])[:, used_N] * weights_N[used_N]
    value = float(weights_N @ np.array([part.value for part in parts]))
    low, high = min(float(below_N.sum()), value), max(float(above_N.sum()), value)
    n = min(part.n for part in parts)
    return Estimate(value=value, low=low, high=high, level=level, n=n, method=method)


def logarithm(part: Estimate) -> Estimate:
    """Return the estimate of log x; an interval that reaches zero becomes endless below.

    >>> logarithm(Estimate(value=1.0, low=0.0, high=np.e, level=0.95, n=3, method="t")).low
    -inf
    """
    if part.value <= 0:
        raise ValueError(f"the logarithm of {part.value} does not exist; only positive estimates have one.")
    low = float(np.log(part.low)) if part.low > 0 else -np.inf
    return Estimate(
        value=float(np.log(part.value)), low=low, high=float(np.log(part.high)), level=part.level, n=part.n,
        method=part.method,
    )  # fmt: skip


def each_level(level: float, count: int) -> float:
    """Return the level at which each of ``count`` intervals must hold so that all do at once (Bonferroni).

    >>> round(each_level(0.95, 5), 12)
    0.99
    """
    check_level(level)
    if not count >= 1:
        raise ValueError(f"{count} intervals share no level; give 1 or more.")
    return 1 - (1 - level) / count


def largest(parts: Sequence[Estimate], *, level: float) -> Estimate:
    """Return the largest of several true values, from intervals that all hold at once.

    No true value exceeds the largest ``high``; the largest true value is at least the largest ``low``.

    Error: conservative; the value itself (the largest estimate) is biased upward by noise, the interval is not.

    >>> parts = [Estimate(value=v, low=v - 1, high=v + 1, level=0.975, n=3, method="t") for v in (0.0, 3.0)]
    >>> largest(parts, level=0.95).low
    2.0
    """
    _some(parts)
    return Estimate(
        value=max(part.value for part in parts),
        low=max(part.low for part in parts),
        high=max(part.high for part in parts),
        level=level,
        n=min(part.n for part in parts),
        method=f"largest of {len(parts)}, Bonferroni",
    )


def smallest(parts: Sequence[Estimate], *, level: float) -> Estimate:
    """Return the smallest of several true values, from intervals that all hold at once (see ``largest``).

    >>> parts = [Estimate(value=v, low=v - 1, high=v + 1, level=0.975, n=3, method="t") for v in (0.0, 3.0)]
    >>> smallest(parts, level=0.95).high
    1.0
    """
    _some(parts)
    return Estimate(
        value=min(part.value for part in parts),
        low=min(part.low for part in parts),
        high=min(part.high for part in parts),
        level=level,
        n=min(part.n for part in parts),
        method=f"smallest of {len(parts)}, Bonferroni",
    )


def magnitude(part: Estimate) -> Estimate:
    """Return the estimate of abs(x).

    >>> magnitude(Estimate(value=-1.0, low=-3.0, high=2.0, level=0.95, n=3, method="t")).high
    3.0
    """
    low = max(part.low, -part.high, 0.0)
    high = max(abs(part.low), abs(part.high))
    return Estimate(value=abs(part.value), low=low, high=high, level=part.level, n=part.n, method=part.method)


def _some(parts: Sequence[Estimate]) -> None:
    if not len(parts):
        raise ValueError("no estimates were given to combine; give one or more.")


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
