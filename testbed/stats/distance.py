"""How far a sample is from Gaussian: the Kolmogorov–Smirnov distance, its floor, its error, and its null law."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, check_level, critical
from testbed.stats.identified import NoInformation, numbers, scaled, unitless

FEWEST = 20  # the approximations to the null laws of this and of the tests of normality are poor below
NO_SPREAD = "the sample has no spread or is not finite, so that nothing can be said about its shape"
ROUNDING = 1e-12  # a spread below this share of the largest value is float64's own


class Distance(NamedTuple):
    """D of a sample with the interval of the true distance, D's standard error, and what Gaussian samples show.

    ``floor`` is the mean of D over Gaussian samples of the same size and ``floor_95`` the point that one in twenty of
    them exceeds. ``error`` is that of D where D is well above the floor; at the floor it is too wide.
    """

    estimate: Estimate
    error: float
    floor: float
    floor_95: float


def distance(x_N: Float[np.ndarray, "N"], *, level: float) -> Distance | str:
    """Return D = max abs(F_N(x) − Φ((x − mean)/sd)), beside its noise floor.

    With z standardised and the maximum at z_0, D's standard error is the standard deviation of the influence
    ``1{z ≤ z_0} + φ(z_0)·(z + z_0·(z² − 1)/2)`` over √N: the infinitesimal jackknife, with estimated mean and variance
    counted. The interval of the true distance goes from D less the larger of the null law's quantile and the error's
    to D and the error's.

    Error: D is biased upward, by all of the floor for a Gaussian and by some 0.3/√N when well above. The interval bears
    it: it covers more often than its level. A sample without spread is told by a sentence.

    >>> found = distance(np.random.default_rng(0).exponential(size=1000), level=0.95)
    >>> found.estimate.low > found.floor_95, round(found.floor, 4)
    (True, 0.02)
    """
    check_level(level)
    count = len(x_N)
    if not spread_out(x_N):
        return NO_SPREAD
    z_N = ordered(x_N)
    value, place, over = widest(z_N)
    at = z_N[place]
    below_N = z_N <= at if over else z_N < at
    density = np.exp(-(at**2) / 2) / (2 * np.pi) ** 0.5
    influence_N = below_N + density * (z_N + at * (z_N**2 - 1) / 2)
    error = float(influence_N.std(ddof=1)) / count**0.5
    return Distance(
        true_distance(value, error, count, level=level), error, null_mean(count), null_quantile(0.95, count)
    )


def ordered(x_N: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """Return the values in rising order, less their mean and over their standard deviation (of divisor N − 1).

    >>> ordered(np.array([3.0, 1.0, 2.0])).tolist()
    [-1.0, 0.0, 1.0]
    """
    x_N = unitless(x_N, "the sample")
    if len(x_N) < 2 or not x_N.std():
        raise NoInformation(f"{len(x_N)} values have no spread to be measured in; give two or more that differ.")
    return np.asarray(np.sort(x_N - x_N.mean()) / x_N.std(ddof=1))


def widest(z_N: Float[np.ndarray, "N"]) -> tuple[float, int, bool]:
    """Return max abs(F_N(z) − Φ(z)) of rising values, the index of the value where it lies, and if F_N is above Φ.

    Where F_N is above, the maximum is that of F_N at the value; where it is below, that of F_N just before it.

    >>> widest(np.array([0.0, 1.0]))
    (0.5, 0, False)
    """
    from scipy.special import ndtr

    z_N = numbers(z_N, "the values")
    if not len(z_N):
        raise ValueError("no values were given; a distribution function needs one or more.")
    law_N, step_N = ndtr(z_N), np.arange(len(z_N) + 1) / len(z_N)
    over_N, under_N = step_N[1:] - law_N, law_N - step_N[:-1]
    over, under = int(over_N.argmax()), int(under_N.argmax())
    if over_N[over] > under_N[under]:
        return float(over_N[over]), over, True
    return float(under_N[under]), under, False


def true_distance(value: float, error: float, count: int, *, level: float) -> Estimate:
    """Return the interval of the true distance from D of so many values and D's standard error; see `distance`.

    >>> found = true_distance(0.1, 0.01, 1000, level=0.95)
    >>> round(found.low, 3), round(found.high, 3)
    (0.069, 0.12)
    """
    _check(value, count)
    if not 0 <= error < np.inf:
        raise NoInformation(f"the error {error} of a distance is none; it must be finite and not below zero.")
    above = critical(level, np.inf) * error
    below = max(above, null_quantile(max((1 + level) / 2, 0.9), count))
    return Estimate(
        value=value, low=max(value - below, 0.0), high=min(value + above, 1.0), level=level, n=count,
        method="KS distance to the fitted normal; interval of the true distance",
    )  # fmt: skip


def null_mean(count: int) -> float:
    """Return E[D] of ``count`` Gaussian values, ``0.638/√N − 0.185/N``.

    Error: within 0.5 % from 20 to 10⁵ values; the two constants are fitted to a simulation (the calibration benchmark
    repeats it).

    >>> round(null_mean(400), 5)
    0.03144
    """
    _check(0.0, count)
    return 0.638 / count**0.5 - 0.185 / count


def null_quantile(probability: float, count: int) -> float:
    """Return the point below which D of ``count`` Gaussian values lies with a probability of 0.9 or more.

    Error: within 2 % from 20 to 10⁵ values. Source: Dallal and Wilkinson (1986), solved for D at 100 values and scaled.

    >>> round(null_quantile(0.95, 100), 3)
    0.089
    """
    if not 0.9 <= probability < 1:
        raise ValueError(f"probability {probability} must lie in [0.9, 1); the law is known in its tail only.")
    square, linear, constant = _TAIL
    root = (linear + (linear**2 - 4 * square * (np.log1p(-probability) - constant)) ** 0.5) / (2 * square)
    return float(root / _ROOT_100 * null_mean(count) / null_mean(100))


def null_tail(value: float, count: int) -> float:
    """Return the probability that D of ``count`` Gaussian values exceeds ``value``, good below 0.1 (see null_quantile).

    >>> round(null_tail(null_quantile(0.99, 700), 700), 6)
    0.01
    """
    _check(value, count)
    square, linear, constant = _TAIL
    root = value * _ROOT_100 * null_mean(100) / null_mean(count)
    return float(min(np.exp(-square * root**2 + linear * root + constant), 1.0))


def spread_out(x_N: Float[np.ndarray, "N"]) -> bool:
    """Return whether the values are finite and differ by more than rounding; fewer than 20 are refused.

    >>> spread_out(np.arange(20.0)), spread_out(np.ones(20))
    (True, False)
    """
    x_N = numbers(x_N, "the sample", finite=False)
    if len(x_N) < FEWEST:
        raise ValueError(f"{len(x_N)} values are too few to tell a shape from; use {FEWEST} or more.")
    if not np.isfinite(x_N).all():
        return False
    unit_N = scaled(x_N)
    return float(np.std(unit_N)) > ROUNDING * float(np.abs(unit_N).max())


def _check(value: float, count: int) -> None:
    """Refuse what no sample's distance is, and samples whose null law is unknown."""
    if not (0 <= value <= 1 and count >= FEWEST):
        raise NoInformation(f"D = {value} of {count} values is none: D lies in [0, 1], of {FEWEST} values or more.")


_ROOT_100 = 102.78019**0.5
_TAIL = (7.01256, 2.99587, -0.122119 + 0.974598 / 10 + 1.67997 / 100)
