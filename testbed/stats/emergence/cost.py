"""What a level of SNR costs: exponential in the level, as a power of it, or between; told by one number."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import NoInformation, abscissae, alike, numbers, positive, short
from testbed.stats.profile import least, profile

EXPONENTIAL, POWER = 1.0, 0.0
"""Bends at which log cost is a line in the level, and in its logarithm."""

BENDS = np.linspace(-4.0, 6.0, 81)
FEWEST = 5
FLAT = 1e-6
"""Exponents times log θ below which θ^λ is its series, as the difference to one is rounded."""
EXACT = 1e-9
"""Scatter about a curve, relative to that of log cost, which is rounding."""


class Cost(NamedTuple):
    """The bend λ, and what each of the two laws leaves: the root mean square of log cost about its line."""

    bend: Estimate
    exponential: float
    power: float


def cost(
    level_K: Float[np.ndarray, "K"],
    log_cost_K: Float[np.ndarray, "K"],
    error_K: Float[np.ndarray, "K"],
    *,
    level: float,
) -> Cost:
    """Return the bend λ of log cost = a + b·(θ^λ − 1)/λ over K levels θ, and how the laws λ = 1 and λ = 0 fit.

    At λ = 1 log cost is linear in θ, the cost exponential; at λ = 0 it is linear in log θ, the cost a power of the
    level. A claim of exponential cost is that λ lies about 1, its region is an interval which leaves out 0, as (½, ∞).
    λ does not change with the unit of cost, nor of θ. ``error_K`` are relative weights, as the scatter about the curve
    is what the interval is made of: those λ whose squares exceed the least by no more than t² times the variance of the
    fit, Student's on K − 3.

    Error: levels that span a factor r tell λ to within some s/(b·θ·log² r), s the scatter of log cost: less than a
    factor of 3 in θ tells it seldom, and an end is then infinite. θ are taken as exact; levels that no run reached are
    no points, and leaving out the dearest bends the curve down. NoInformation with fewer than 5 levels, and where cost
    does not rise.
    Source: Box and Cox, An analysis of transformations (JRSS B 26, 1964), for the family.

    >>> levels = np.array([1.0, 2.0, 3.0, 4.0, 6.0])
    >>> found = cost(levels, levels + 0.01 * np.array([1.0, -1.0, 1.0, -1.0, 1.0]), np.ones(5), level=0.95)
    >>> found.bend.low < 1 < found.bend.high, found.bend.low > 0.9, found.exponential < found.power
    (True, True, True)
    """
    level_K, log_cost_K = abscissae(level_K, "levels"), numbers(log_cost_K, "log cost")
    error_K = positive(error_K, "errors")
    alike(levels=len(level_K), costs=len(log_cost_K), errors=len(error_K))
    apart = len(set(level_K.tolist()))
    if apart < FEWEST or np.ptp(np.log(level_K)) < 1e-3:
        raise NoInformation(
            f"levels {short(level_K)} must be {FEWEST} or more different ones that differ by more than rounding."
        )
    weight_K = (error_K.min() / error_K) ** 2
    weight_K = weight_K / weight_K.sum()
    along_K = np.log(level_K) - weight_K @ np.log(level_K)
    centred_K = log_cost_K - weight_K @ log_cost_K
    whole = float(weight_K @ centred_K**2)
    if not float(weight_K @ (centred_K * along_K)) > EXACT * np.sqrt(whole * float(weight_K @ along_K**2)):
        raise NoInformation(f"log cost {short(log_cost_K)} does not rise with the level, so it follows neither law.")

    def squares(bend_G: np.ndarray) -> np.ndarray:
        return _left(bend_G, along_K, centred_K, weight_K) / whole

    freedom = len(level_K) - 3
    _, best = least(squares, BENDS, squares(BENDS))
    variance = max(float(best), EXACT**2) / freedom
    value, low, high = profile(squares, BENDS, allowed=critical(level, float(freedom)) ** 2 * variance)
    value = float(np.clip(value, low, high))
    both_2 = np.sqrt(squares(np.array([EXPONENTIAL, POWER])) * whole)
    bend = Estimate(
        value=value, low=low, high=high, level=level, n=len(level_K), method="profile of Box and Cox's power, Student"
    )
    return Cost(bend, float(both_2[0]), float(both_2[1]))


def _left(bend_G: np.ndarray, along_K: np.ndarray, centred_K: np.ndarray, weight_K: np.ndarray) -> np.ndarray:
    """Return the mean square that a line in θ^λ leaves, for each λ; θ^λ over its largest, as no line minds a unit."""
    bent_GK = bend_G[..., None] * along_K
    largest_G1 = bent_GK.max(axis=-1, keepdims=True)
    straight_GK = along_K + bent_GK * along_K / 2
    power_GK = np.where(np.abs(bent_GK).max(axis=-1, keepdims=True) < FLAT, straight_GK, np.expm1(bent_GK - largest_G1))
    power_GK = power_GK - (power_GK @ weight_K)[..., None]
    square_G, shared_G = (power_GK**2) @ weight_K, (power_GK * centred_K) @ weight_K
    return np.asarray(np.maximum(weight_K @ centred_K**2 - shared_G**2 / square_G, 0.0))
