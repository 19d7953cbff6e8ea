"""Laws of block lengths, and what renewal theory says of a block that is met at a random moment: float64 numpy."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.sources._truth import UNIT_ROUNDOFF

LARGEST_DEGREE = 1024


class Lengths(NamedTuple):
    """The law of the length of a block, over the ages 0..J-1: the tokens of the block before the present one.

    `survival_J` is P(length > age), `hazard_J` the chance that the token of that age is the last of its block, `met_J`
    the chance that a token of the long run has that age. The last age stands for itself and all later ones, which end
    at its rate.
    """

    mean: float
    survival_J: Float[np.ndarray, " J"]
    hazard_J: Float[np.ndarray, " J"]
    met_J: Float[np.ndarray, " J"]


def fixed(length: int) -> Lengths:
    """Return the law of blocks that are all equally long."""
    return Lengths(float(length), np.ones(length), np.eye(length)[-1], np.full(length, 1 / length))


def geometric(mean: int) -> Lengths:
    """Return the law of blocks that end at every token with the same chance."""
    stay = 1 - 1 / mean
    return Lengths(float(mean), np.array([1.0, stay]), np.full(2, 1 / mean), np.array([1 / mean, stay]))


@functools.lru_cache(maxsize=16)
def power_law(mean: int, tail: int | float, longest: int) -> Lengths:
    """Return the law P(length > s) ∝ (1 + s/c)^-tail - (1 + longest/c)^-tail with the scale c that gives this mean.

    The mean rises with c from 1 (c → 0) to (longest + 1)/2 (c → ∞, the uniform law), so it must lie between these.

    Error: the mean is met to about 1e-13 of itself.
    """
    from scipy.optimize import brentq  # late: reading a configuration needs no scipy

    def excess(log_scale: float) -> float:
        return float(_cut(log_scale, tail, longest).sum()) - mean

    log_scale = brentq(excess, -60.0, np.log(longest) + 30.0, xtol=1e-15, rtol=1e-15)
    survival_J = _cut(log_scale, tail, longest)
    hazard_J = 1 - np.append(survival_J[1:], 0.0) / survival_J
    return Lengths(float(mean), survival_J, hazard_J, survival_J / survival_J.sum())


def _cut(log_scale: float, tail: int | float, longest: int) -> Float[np.ndarray, " J"]:
    """Return the survival of the power law that is cut at `longest`, for the ages before it, without cancellation."""
    log_J = np.log1p(np.arange(longest) * np.exp(-log_scale))
    end = np.log1p(longest * np.exp(-log_scale))
    above_J = np.expm1(tail * (end - log_J))
    return np.asarray(above_J / above_J[0])


def survival(lengths: Lengths, count: int) -> Float[np.ndarray, " T"]:
    """Return P(length > age) for the ages below `count`."""
    last = len(lengths.survival_J) - 1
    age_T = np.arange(count)
    further_T = (1 - lengths.hazard_J[last]) ** np.maximum(age_T - last, 0)
    return np.asarray(lengths.survival_J[np.minimum(age_T, last)] * further_T)


def hazard(lengths: Lengths, count: int) -> Float[np.ndarray, " T"]:
    """Return the chance to be the last token of the block for the ages below `count`."""
    return np.asarray(lengths.hazard_J[np.minimum(np.arange(count), len(lengths.hazard_J) - 1)])


def tails(lengths: Lengths) -> Float[np.ndarray, " T"]:
    """Return Σ_{s >= age} P(length > s), the mean number of tokens from that age on, for the ages up to J."""
    last = lengths.survival_J[-1] / lengths.hazard_J[-1]
    from_J = np.cumsum(np.append(lengths.survival_J[:-1], last)[::-1])[::-1]
    return np.append(from_J, last * (1 - lengths.hazard_J[-1]))


def tail(lengths: Lengths, age: int) -> float:
    """Return Σ_{s >= age} P(length > s) for any age."""
    from_J = tails(lengths)
    beyond = max(age - len(from_J) + 1, 0)
    return float(from_J[min(age, len(from_J) - 1)] * (1 - lengths.hazard_J[-1]) ** beyond)


def residual(lengths: Lengths) -> Float[np.ndarray, " J"]:
    """Return, for a block that began before a random moment, the chance that it ends J tokens after that moment.

    That is given that it lasts so long; its age plays no further part: P(length > e + 1) / Σ_{s > e} P(length > s).
    """
    from_J = tails(lengths)[1:]
    next_J = survival(lengths, len(from_J) + 1)[1:]
    ratio_J = np.where(from_J > 0, next_J / np.where(from_J > 0, from_J, 1), 1.0)
    return np.asarray(np.minimum(ratio_J, 1.0))


def renewals(lengths: Lengths, count: int) -> Float[np.ndarray, " T"]:
    """Return the chance that a block begins 0, 1, … tokens after one has begun."""
    exactly_T = survival(lengths, count) * hazard(lengths, count)
    begins_T = np.zeros(count)
    begins_T[:1] = 1
    for time in range(1, count):
        begins_T[time] = exactly_T[:time] @ begins_T[time - 1 :: -1]
    return begins_T


def ending(lengths: Lengths) -> float:
    """Return the long-run mean of the entropy of whether a token is the last of its block, its age known."""
    from scipy.special import entr  # late: reading a configuration needs no scipy

    return float(lengths.met_J @ (entr(lengths.hazard_J) + entr(1 - lengths.hazard_J)))


def scale_free(lengths: Lengths, exponent: float) -> bool:
    """Return whether Σ_{s >= lag} P(length > s) falls as lag^-exponent over at least a factor of ten in the lag.

    That is so where the local exponent lies within a quarter of that one, before the cut at the longest length.
    """
    lag_J = np.arange(1, len(lengths.survival_J))
    local_J = lag_J * lengths.survival_J[1:] / tails(lengths)[1:-1]
    near = lag_J[np.abs(local_J / exponent - 1) < 0.25]
    return len(near) > 0 and bool(near[-1] >= 10 * near[0])


def second_root(lengths: Lengths) -> tuple[complex, float]:
    """Return the largest λ with which the renewals of blocks of limited length settle, u_k - 1/w ∝ λ^k, and its error.

    The lengths' own equation z^J = Σ_s P(length = s)·z^(J-s) has the root 1; divided by z - 1 it is
    Σ_j P(length > j)·z^(J-1-j) = 0, with positive falling coefficients, so that all its roots lie inside the circle.

    Error: that of evaluating the polynomial over its slope at the root, to first order.
    Source: Eneström (1893) and Kakeya (1912) for the circle.
    """
    survival_J = lengths.survival_J
    roots = np.roots(survival_J)
    root = complex(roots[np.abs(roots).argmax()])
    slope = abs(np.polyval(np.polyder(survival_J), root))
    noise = 2 * len(survival_J) * UNIT_ROUNDOFF * float(np.polyval(survival_J, abs(root)))
    return root, float((abs(np.polyval(survival_J, root)) + noise) / slope)
