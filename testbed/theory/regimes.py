"""Closed forms for tokens that are independent given hidden regimes: blocks of one length, and regimes for ever."""

import itertools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.theory.attention_noise import Heads, limit

MOST_COMPOSITIONS = 2**20


class Plateau(NamedTuple):
    """Mean and covariance of what attention tends to in a sequence, over sequences."""

    mean_M: Float[np.ndarray, "M"]
    covariance_MM: Float[np.ndarray, "M M"]


def plateau(
    heads: Heads, prior_Z: Float[np.ndarray, " Z"], laws_ZV: Float[np.ndarray, "Z V"], *, blocks: int = 1
) -> Plateau:
    """Return the mean and the covariance of lim A over the regimes of a sequence.

    With `blocks` = 1 it is Cov_z(m_q(z)), of one regime per sequence. With more, every window holds that many equal
    blocks of independent regimes, however long it is (w = n/blocks), and the sum goes over how often each regime comes.

    Error: rounding; T(n) lies above the trace by terms of the order 1/n.
    """
    if blocks < 1:
        raise ValueError(f"blocks={blocks}: a window holds at least 1; give a positive number.")
    compositions = math.comb(blocks + len(prior_Z) - 1, blocks)
    if compositions > MOST_COMPOSITIONS:
        raise ValueError(
            f"blocks={blocks} with {len(prior_Z)} regimes has {compositions} compositions, and at most"
            f" {MOST_COMPOSITIONS} are summed; use fewer blocks or regimes."
        )
    counts = itertools.combinations_with_replacement(range(len(prior_Z)), blocks)
    count_CZ = np.array([np.bincount(chosen, minlength=len(prior_Z)) for chosen in counts])
    weight_C = np.array([_multinomial(count_Z, prior_Z) for count_Z in count_CZ])
    limit_CM = np.stack([limit(heads, count_Z @ laws_ZV / blocks) for count_Z in count_CZ])
    mean_M = weight_C @ limit_CM
    off_CM = limit_CM - mean_M
    return Plateau(mean_M, (weight_C[:, None] * off_CM).T @ off_CM)


def blocks_covariance(
    features_VM: Float[np.ndarray, "V M"],
    prior_Z: Float[np.ndarray, " Z"],
    laws_ZV: Float[np.ndarray, "Z V"],
    *,
    block_length: int,
    length: int | None = None,
) -> Float[np.ndarray, "M M"]:
    """Return n·Cov of the mean of f over tokens that are i.i.d. within blocks of length w, with regimes z drawn afresh.

    E_z Cov(f given z) + c·Cov_z(E[f given z]), with c = w in the limit, and in a window of `length` tokens that begins
    with a block the mean over tokens of the length of their block, the last one cut short.

    Error: rounding.
    """
    law_V = prior_Z @ laws_ZV
    centred_VM = features_VM - law_V @ features_VM
    mean_ZM = laws_ZV @ centred_VM
    between_MM = (prior_Z[:, None] * mean_ZM).T @ mean_ZM
    within_MM = (law_V[:, None] * centred_VM).T @ centred_VM - between_MM
    if length is None:
        return np.asarray(within_MM + block_length * between_MM)
    whole, rest = divmod(length, block_length)
    return np.asarray(within_MM + (whole * block_length**2 + rest**2) / length * between_MM)


def _multinomial(count_Z: np.ndarray, prior_Z: np.ndarray) -> float:
    ways = math.factorial(int(count_Z.sum())) // math.prod(math.factorial(int(count)) for count in count_Z)
    return float(ways * np.prod(prior_Z**count_Z))
