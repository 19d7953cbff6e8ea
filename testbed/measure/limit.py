"""The center of an ensemble of endless replicates: bias, when no finite number of them blurs the mean."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.measure.geometric import divergence, pair
from testbed.stats.estimate import Estimate
from testbed.stats.jackknife import extrapolated

FEWEST = 3


class _Sums(NamedTuple):
    """Sums over contexts of the divergence of each replicate, and of log Σ_v exp(mean log p) with 0, 1, 2 left out."""

    kl_R: np.ndarray
    whole: np.ndarray
    without_R: np.ndarray
    without_RR: np.ndarray


def limit(pairs: Iterable[tuple[np.ndarray, np.ndarray]], *, level: float) -> Estimate:
    """Return the limit R → ∞ of the center KL(p*‖p̄_R), in nats per token, from (log p*_LV, log p_RLV) by sequence.

    center_R = mean_r KL(p*‖p_r) + mean over contexts of log Σ_v exp(mean_r log p_r(v)). Only the second term depends on
    how many replicates are averaged, and smoothly on their mean, so that E[center_R] = center_∞ + a/R + b/R² + …: the
    values with none, one and two of R ≥ 3 replicates left out give the limit up to 1/R³. The spread of endless
    replicates is the mean divergence less this limit.

    Error: the interval is over replicates, the contexts count as given; see `stats.jackknife.extrapolated`. The value
    may lie below zero, where its limit does not. ValueError where a replicate excludes a symbol, and as
    `geometric.pair` says.

    >>> star, other = np.log(np.array([[0.5, 0.5]])), np.log(np.array([[[0.4, 0.6]], [[0.6, 0.4]], [[0.5, 0.5]]]))
    >>> found = limit([(star, other)], level=0.95)
    >>> found.low < 0 < found.high, found.n
    (True, 3)
    """
    total, contexts = None, 0
    for given in pairs:
        log_star_LV, log_p_RLV = pair(given, 0 if total is None else len(total.kl_R))
        seen = _sums(log_star_LV, log_p_RLV)
        total = seen if total is None else _Sums(*(one + other for one, other in zip(total, seen, strict=True)))
        contexts += len(log_star_LV)
    if total is None:
        raise ValueError("no sequences were given; the limit needs one pair at least.")
    kl_R, whole, without_R, without_RR = (each / contexts for each in total)
    count, sum_of_all = len(kl_R), kl_R.sum()
    return extrapolated(
        float(kl_R.mean() + whole),
        (sum_of_all - kl_R) / (count - 1) + without_R,
        (sum_of_all - kl_R[:, None] - kl_R) / (count - 2) + without_RR,
        level=level,
    )


def _sums(log_star_LV: np.ndarray, log_p_RLV: np.ndarray) -> _Sums:
    """Return the sums over the contexts of one sequence; no more than R² rows are held at a time."""
    count = len(log_p_RLV)
    if count < FEWEST:
        raise ValueError(f"{count} replicates have no limit; give {FEWEST} or more.")
    if not np.isfinite(log_p_RLV).all():
        raise ValueError("a replicate gives some symbol probability zero, so that no mean is left; smooth it first.")
    kl_RL = divergence(np.exp(log_star_LV), log_star_LV, log_p_RLV)
    total_LV = log_p_RLV.sum(0)
    without_RR = np.zeros((count, count))
    for place in range(count - 1):
        others_RLV = (total_LV - log_p_RLV[place] - log_p_RLV[place + 1 :]) / (count - 2)
        without_RR[place, place + 1 :] = _mass(others_RLV)
    without_R = _mass((total_LV - log_p_RLV) / (count - 1))
    return _Sums(kl_RL.sum(-1), _mass(total_LV / count), without_R, without_RR + without_RR.T)


def _mass(mean: Float[np.ndarray, "*R L V"]) -> Float[np.ndarray, "*R"]:
    """Return log Σ_v exp of each row, summed over contexts."""
    return np.asarray(np.logaddexp.reduce(mean, axis=-1).sum(-1))
