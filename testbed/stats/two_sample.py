"""Whether two samples of vectors have one law: the Kolmogorov–Smirnov distance along lines, and its permutation law."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import numbers, scaled

TIE = 1e-5  # of the median length: sums of some hundred float32 numbers that should be equal come out closer than this
NOT_FINITE = "a vector is not finite, so that nothing can be said about its law"


class TwoSample(NamedTuple):
    """D, what relabelled samples show on average, and the share of relabellings that show no less than D.

    ``n`` counts the vectors of the smaller sample.
    """

    distance: float
    floor: float
    p_value: float
    n: int


def two_sample(
    first_BNM: Float[np.ndarray, "B N M"],
    second_BSM: Float[np.ndarray, "B S M"],
    *,
    directions: int,
    relabellings: int,
    seed: int,
) -> TwoSample | str:
    """Return D = mean_b max_u max_t abs(F_b,u(t) − G_b,u(t)) of B pairs of samples, beside its floor.

    F and G are the distribution functions of x·u in the two samples of a pair, and u goes through random unit
    directions that depend on the seed and M alone. A relabelling deals the N + S pooled vectors of each pair out anew;
    it leaves the law of D as it is where the vectors of a pair are exchangeable, above all where they are i.i.d. of one
    law, and so the p-value, (1 + relabellings with no less than D)/(1 + relabellings), holds its level exactly there if
    pairs are independent. The floor needs no independent pairs.

    Error: D is biased upward, by the floor (of order (1/N + 1/S)^½) for equal laws and by less for others. Vectors that
    are correlated within a sample raise D, not the floor. A difference that no direction shows is missed. Projections
    closer than 1e-5 of the pool's median length count as equal, as float32 rounds equal vectors apart, so that laws
    are not told apart below that scale. The floor's own error is about a quarter of it over √(B·relabellings).
    Source: Kolmogorov–Smirnov with the permutation law, Lehmann and Romano (2005), section 15.2.

    >>> x, y = np.random.default_rng(0).standard_normal((2, 1, 100, 3))
    >>> found = two_sample(x, y + 0.7, directions=8, relabellings=99, seed=0)
    >>> found.distance > 2 * found.floor, found.p_value, found.n
    (True, 0.01, 100)
    """
    first_BNM = numbers(first_BNM, "the first sample", axes=3, finite=False)
    second_BSM = numbers(second_BSM, "the second sample", axes=3, finite=False)
    (pairs, count, width), other = first_BNM.shape, second_BSM.shape[1]
    if second_BSM.shape != (pairs, other, width):
        raise ValueError(f"{first_BNM.shape} and {second_BSM.shape} are no pairs; give as many, of as many dimensions.")
    if min(pairs, count, width, other, directions, relabellings) < 1:
        raise ValueError(
            f"{pairs} pairs of {count} and {other} vectors of {width} dimensions, with {directions} directions and "
            f"{relabellings} relabellings, are refused: each of these numbers must be at least 1."
        )
    pooled_BRM = np.concatenate([first_BNM, second_BSM], axis=1, dtype=np.float64)
    if not np.isfinite(pooled_BRM).all():
        return NOT_FINITE
    pooled_BRM = np.stack([scaled(pooled_RM) for pooled_RM in pooled_BRM])
    line_MQ = np.random.default_rng(seed).standard_normal((width, directions))
    line_MQ /= np.linalg.norm(line_MQ, axis=0)
    rng = np.random.default_rng((seed, 1))
    steps_R = np.repeat([other, -count], [count, other])
    found_T = np.zeros(1 + relabellings, dtype=np.int64)
    for pooled_RM in pooled_BRM:
        dealt_TR = rng.permuted(np.tile(steps_R, (relabellings, 1)), axis=1)
        found_T += _largest(np.concatenate([steps_R[None], dealt_TR]), pooled_RM, line_MQ)
    shown_T = found_T / (pairs * count * other)
    p_value = np.mean(found_T >= found_T[0])
    return TwoSample(float(shown_T[0]), float(shown_T[1:].mean()), float(p_value), min(count, other))


def _largest(steps_TR: np.ndarray, pooled_RM: np.ndarray, line_MQ: np.ndarray) -> np.ndarray:
    """N·S times the largest distance over lines, for each labelling: S for a vector of the first sample, −N else."""
    along_RQ = pooled_RM @ line_MQ
    order_RQ = np.argsort(along_RQ, axis=0)
    gap_RQ = np.diff(np.take_along_axis(along_RQ, order_RQ, axis=0), axis=0)
    apart_RQ = gap_RQ > TIE * _median_length(pooled_RM)  # the last row, where all is counted, is 0
    walk_TRQ = np.cumsum(steps_TR[:, order_RQ[:-1]], axis=1)
    return np.asarray(np.abs(np.where(apart_RQ, walk_TRQ, 0)).max(axis=(1, 2), initial=0))


def _median_length(x_RM: np.ndarray) -> float:
    """Return the median length of vectors, of which one may be many orders longer than another."""
    power_R = np.frexp(np.abs(x_RM).max(axis=1))[1]
    return float(np.median(np.ldexp(np.linalg.norm(np.ldexp(x_RM, -power_R[:, None]), axis=1), power_R)))
