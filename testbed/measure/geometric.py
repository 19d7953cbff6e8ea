"""The exact split of the mean divergence of R replicates about their normalised geometric mean."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np
from jaxtyping import Float

from testbed.ground.wording import short
from testbed.stats.identified import numbers
from testbed.stats.jackknife import corrected

SUMS_TO_ONE = 1e-4


class Parts(NamedTuple):
    """At each context: mean divergence, its two parts, these without each replicate, and the failure to add up."""

    mean_kl_L: np.ndarray
    center_L: np.ndarray
    spread_L: np.ndarray
    center_RL: np.ndarray
    spread_RL: np.ndarray
    closure_L: np.ndarray


class Decomposition(msgspec.Struct, frozen=True, kw_only=True):
    """The parts averaged over all contexts, in nats per token, with jackknifed values and their standard errors.

    ``mean_kl = center + spread`` holds to ``closure`` (the worst context). The standard errors are over replicates; the
    contexts, shared by all ensembles, count as given.
    """

    replicates: int
    mean_kl: float
    center: float
    spread: float
    closure: float
    center_jackknife: float
    center_se: float
    spread_jackknife: float
    spread_se: float


def contexts(log_star_LV: Float[np.ndarray, "L V"], log_p_RLV: Float[np.ndarray, "R L V"]) -> Parts:
    """Return the parts at each context of one sequence.

    With p̄ ∝ exp(mean_r log p_r): mean_r KL(p*‖p_r) = KL(p*‖p̄) + mean_r KL(p̄‖p_r), and the last term is −log Σ_v
    exp(mean_r log p_r(v)). All four are computed from their definitions; ``closure`` is the larger of both
    discrepancies.

    Error: rounding (1e-15 times the largest log-probability); rows are normalised in float64 first. Symbols that p*
    excludes count as 0·log 0 = 0. Source: the compensation identity of the left-sided centroid of relative entropy.
    """
    return _contexts(*pair((log_star_LV, log_p_RLV)))


def _contexts(log_star_LV: np.ndarray, log_p_RLV: np.ndarray) -> Parts:
    if not np.isfinite(log_p_RLV).all():
        raise ValueError(
            "a replicate gives some symbol probability zero, so its divergence is endless; smooth it first."
        )
    star_LV = np.exp(log_star_LV)
    mean_LV = log_p_RLV.mean(0)
    log_mass_L = np.logaddexp.reduce(mean_LV, axis=-1)
    log_bar_LV = mean_LV - log_mass_L[:, None]
    mean_kl_L = divergence(star_LV, log_star_LV, log_p_RLV).mean(0)
    center_L = divergence(star_LV, log_star_LV, log_bar_LV)
    spread_L = divergence(np.exp(log_bar_LV), log_bar_LV, log_p_RLV).mean(0)
    closure_L = np.maximum(np.abs(mean_kl_L - center_L - spread_L), np.abs(spread_L + log_mass_L))
    count = len(log_p_RLV)
    others_RLV = (count * mean_LV - log_p_RLV) / (count - 1) if count > 1 else log_p_RLV[:0]
    log_mass_RL = np.logaddexp.reduce(others_RLV, axis=-1)
    center_RL = divergence(star_LV, log_star_LV, others_RLV - log_mass_RL[..., None])
    return Parts(mean_kl_L, center_L, spread_L, center_RL, -log_mass_RL, closure_L)


def decompose(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
) -> Decomposition:
    """Return the parts averaged over sequences, from a pair (log p*_LV, log p_RLV) for each sequence.

    Only one sequence is held in memory at a time. One replicate has no spread, and an endless standard error.

    Error: the parts of R replicates are biased by order 1/R (center upward, spread downward); the jackknifed ones by
    order 1/R².

    >>> star, other = np.log(np.array([[0.5, 0.5]])), np.log(np.array([[[0.4, 0.6]], [[0.6, 0.4]]]))
    >>> found = decompose([(star, other)])
    >>> round(found.center, 12), round(found.spread - found.mean_kl, 12)
    (0.0, 0.0)
    """
    sums, count, closure, replicates = None, 0, 0.0, 0
    for given in pairs:
        log_star_LV, log_p_RLV = pair(given, replicates)
        parts = _contexts(log_star_LV, log_p_RLV)
        total_Q = np.concatenate([_totals(parts), parts.center_RL.sum(1), parts.spread_RL.sum(1)])
        sums = total_Q if sums is None else sums + total_Q
        count, replicates = count + len(log_star_LV), len(log_p_RLV)
        closure = float(np.maximum(closure, parts.closure_L.max()))  # NaN where one is
    if sums is None:
        raise ValueError("no sequences were given; the decomposition needs one pair at least.")
    means_Q = sums / count
    mean_kl, center, spread = (float(value) for value in means_Q[:3])
    center_jackknife, center_se = _jackknifed(center, means_Q[3 : (3 + len(means_Q)) // 2])
    spread_jackknife, spread_se = _jackknifed(spread, means_Q[(3 + len(means_Q)) // 2 :])
    return Decomposition(
        replicates=replicates,
        mean_kl=mean_kl,
        center=center,
        spread=spread,
        closure=closure,
        center_jackknife=center_jackknife,
        center_se=center_se,
        spread_jackknife=spread_jackknife,
        spread_se=spread_se,
    )


def pair(given: object, replicates: int = 0) -> tuple[Float[np.ndarray, "L V"], Float[np.ndarray, "R L V"]]:
    """Return (log p*_LV, log p_RLV) of one sequence as normalised float64, from arrays or lists of numbers.

    Error: ValueError for what is no such pair, no numbers, other shapes, or other replicates than ``replicates``, where
    sequences before had so many (0 for the first).

    >>> star, p = pair(([[0.0]], [[[0.0]], [[0.0]]]))
    >>> star.shape, p.shape
    ((1, 1), (2, 1, 1))
    """
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ValueError(f"{short(given)} is no pair (log p*, log p of replicates); give two arrays for each sequence.")
    star_LV = numbers(given[0], "log p*", axes=2, finite=False)
    p_RLV = numbers(given[1], "log p of replicates", axes=3, finite=False)
    if star_LV.shape != p_RLV.shape[1:] or not p_RLV.size:
        raise ValueError(
            f"log p* has the shape {star_LV.shape} and log p of replicates {p_RLV.shape}; they must be (L, V) and"
            " (R, L, V), none of them 0, so give laws at the same contexts."
        )
    if replicates and len(p_RLV) != replicates:
        raise ValueError(f"{len(p_RLV)} replicates after {replicates}; give the same ones for each sequence.")
    return normalised(star_LV), normalised(p_RLV)


def divergence(
    p_LV: Float[np.ndarray, "L V"], log_p_LV: Float[np.ndarray, "L V"], log_q: Float[np.ndarray, "*R L V"]
) -> Float[np.ndarray, "*R L"]:
    """Return KL(p‖q) of each row, for each of any number of q, with 0·log 0 = 0.

    >>> divergence(np.array([[1.0, 0.0]]), np.array([[0.0, -np.inf]]), np.log(np.array([[0.5, 0.5]]))).round(6)
    array([0.693147])
    """
    ratio = np.subtract(log_p_LV, log_q, out=np.zeros_like(log_q), where=p_LV > 0)
    return np.asarray((p_LV * ratio).sum(-1))


def normalised(log_p: Float[np.ndarray, "... V"]) -> Float[np.ndarray, "... V"]:
    """Return log-probabilities that sum to one in float64; rows that are off by more than rounding are refused.

    >>> float(np.exp(normalised(np.log(np.array([0.25, 0.75001])))).sum().round(15))
    1.0
    """
    with np.errstate(invalid="ignore"):  # NaN is refused below
        mass = np.logaddexp.reduce(log_p, axis=-1, keepdims=True)
    worst = float(np.abs(mass).max())
    if not worst <= SUMS_TO_ONE:
        raise ValueError(f"a row's log total is {worst:g} off zero; give log-probabilities (log_softmax), not logits.")
    return log_p - mass


def _totals(parts: Parts) -> np.ndarray:
    return np.array([parts.mean_kl_L.sum(), parts.center_L.sum(), parts.spread_L.sum()])


def _jackknifed(whole: float, without_R: np.ndarray) -> tuple[float, float]:
    return corrected(whole, without_R) if len(without_R) > 1 else (whole, np.inf)
