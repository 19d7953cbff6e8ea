"""Laws of block lengths, and what renewal theory says of a block that is met at a random moment: float64 numpy."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.laws.record import UNIT_ROUNDOFF

LARGEST_DEGREE, LAGS = 1024, 200
LARGEST_WINDOW = 2**16
LARGEST_TAIL = 1e6


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
    return Lengths(float(length), np.ones(length), np.eye(1, length, length - 1)[0], np.full(length, 1 / length))


def geometric(mean: int) -> Lengths:
    """Return the law of blocks that end at every token with the same chance."""
    stay = 1 - 1 / mean
    return Lengths(float(mean), np.array([1.0, stay]), np.full(2, 1 / mean), np.array([1 / mean, stay]))


@functools.lru_cache(maxsize=16)
def power_law(mean: int, tail: int | float, longest: int) -> Lengths:
    """Return the law P(length > s) ∝ (1 + s/c)^-tail - (1 + longest/c)^-tail with the scale c that gives this mean.

    The mean rises with c from 1 (c → 0) to (longest + 1)/2 (c → ∞, the uniform law), so it must lie between these.

    Error: the mean is met to about 1e-13 of itself; a survival below 1e-308 counts as zero, and its hazard does not.
    """
    from scipy.optimize import brentq  # late: reading a configuration needs no scipy

    def excess(log_scale: float) -> float:
        return float(_cut(log_scale, tail, longest)[0].sum()) - mean

    log_scale = brentq(excess, -60.0, np.log(longest * max(tail, 1.0)) + 30.0, xtol=1e-15, rtol=1e-15)
    survival_J, hazard_J = _cut(log_scale, tail, longest)
    return Lengths(float(mean), survival_J, hazard_J, survival_J / survival_J.sum())


def _cut(log_scale: float, tail: int | float, longest: int) -> tuple[Float[np.ndarray, " J"], Float[np.ndarray, " J"]]:
    """Return survival and hazard of the power law that is cut at `longest`, for the ages before it.

    There is no cancellation, and where the survival is too small for float64 the hazard still is not.
    """
    log_D = np.log1p(np.arange(longest + 1) * np.exp(-log_scale))
    left_D = np.expm1(-tail * (log_D[-1] - log_D))
    lasts_J = np.exp(-tail * np.diff(log_D)) * left_D[1:] / left_D[:-1]
    return np.exp(-tail * log_D[:-1]) * left_D[:-1] / left_D[0], 1 - lasts_J


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
    return float(later(lengths, np.array([age]))[0])


def later(lengths: Lengths, age_T: Int[np.ndarray, " T"]) -> Float[np.ndarray, " T"]:
    """Return Σ_{s >= age} P(length > s) for these ages."""
    from_J = tails(lengths)
    beyond_T = np.maximum(age_T - len(from_J) + 1, 0)
    return np.asarray(from_J[np.minimum(age_T, len(from_J) - 1)] * (1 - lengths.hazard_J[-1]) ** beyond_T)


def residual(lengths: Lengths) -> Float[np.ndarray, " J"]:
    """Return, for a block that began before a random moment, the chance that it ends J tokens after that moment.

    That is given that it lasts so long; its age plays no further part: P(length > e + 1) / Σ_{s > e} P(length > s).
    """
    from_J = tails(lengths)[1:]
    next_J = survival(lengths, len(from_J) + 1)[1:]
    ratio_J = np.where(from_J > 0, next_J / np.where(from_J > 0, from_J, 1), 1.0)
    return np.asarray(np.minimum(ratio_J, 1.0))


def renewals(lengths: Lengths, count: int) -> Float[np.ndarray, " T"]:
    """Return the chance that a block begins 0, 1, … tokens after one has begun.

    Error: ValueError if there are so many that sums over pairs of them are out of reach.
    """
    if count > LARGEST_WINDOW:
        raise ValueError(
            f"{count} tokens: where announced blocks begin again is summed over pairs of places, for at most"
            f" {LARGEST_WINDOW} tokens; give a shorter window or lag."
        )
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


def off_power(lengths: Lengths, exponent: float) -> float:
    """Return by how much the local exponents of Σ_{s >= lag} P(length > s) differ from that one over a decade of lags.

    It is the decade where they differ least, before the cut at the longest length; infinite if there is none.
    """
    lags = len(lengths.survival_J) - 1
    lag_G = np.unique(np.geomspace(1, lags, LAGS).astype(np.int64))
    from_G = tails(lengths)[lag_G]
    local_G = lag_G * lengths.survival_J[lag_G] / np.where(from_G > 0, from_G, 1)
    off_G = np.abs(local_G - exponent)
    ends_G = np.searchsorted(lag_G, 10 * lag_G)
    decades = [off_G[begin : end + 1].max() for begin, end in enumerate(ends_G) if end < len(lag_G)]
    return float(min(decades, default=np.inf))


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
