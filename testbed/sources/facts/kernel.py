"""Kernels of facts: one sequence, pure functions of the tables."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.laws.kernels import random_bits, sampling
from testbed.laws.kernels.sampling import Chance, Cuts


class Tables(NamedTuple):
    """The law of F keys, and the right answer of each among R; logarithms in nats.

    `log_first_V` is the law of the first token, `late` the chance that it is an answer. `log_answers_R` is the law of
    an answer whose key is not known; `log_answer_2` that of the right answer, and of each wrong one, to a known key.
    The last three are for draws: of a key, of how far an answer is from the right one (the last: not at all), and of
    whether the first token is an answer.
    """

    log_keys_F: Float[Array, " F"]
    log_first_V: Float[Array, " V"]
    log_answers_R: Float[Array, " R"]
    log_answer_2: Float[Array, "2"]
    late: Float[Array, ""]
    answer_F: Int32[Array, " F"]
    keys_cuts_F: Cuts
    wrong_cuts_R: Cuts
    begins_late: Chance


class Latents(NamedTuple):
    """The key whose answer each token is; -1 where the token is a key itself."""

    fact_L: Int32[Array, " L"]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence, cut out of pairs of key and answer."""
    tables = jax.tree.map(jnp.asarray, tables)
    pairs = length // 2 + 1
    words = sampling.words(key, (1 + 2 * pairs,), tables.late.dtype)
    fact_P = sampling.drawn(tables.keys_cuts_F, random_bits.part(words, slice(1, 1 + pairs)))
    off_P = 1 + sampling.drawn(tables.wrong_cuts_R, random_bits.part(words, slice(1 + pairs, None)))
    answer_P = (tables.answer_F[fact_P] + off_P) % tables.log_answers_R.shape[0]
    tokens_P2 = jnp.stack([fact_P, tables.answer_F.shape[0] + answer_P], axis=1)
    latent_P2 = jnp.stack([jnp.full_like(fact_P, -1), fact_P], axis=1)
    start = sampling.happens(tables.begins_late, random_bits.part(words, 0)).astype(jnp.int32)
    tokens_L, fact_L = (
        jax.lax.dynamic_slice_in_dim(each_P2.reshape(-1), start, length) for each_P2 in (tokens_P2, latent_P2)
    )
    return tokens_L, Latents(fact_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return the law of keys or, after a key, that of its answer; the first token tells where the keys stand."""
    tables = jax.tree.map(jnp.asarray, tables)
    tokens_L = jnp.asarray(tokens_L, jnp.int32)
    facts, answers = tables.answer_F.shape[0], tables.log_answers_R.shape[0]
    begins_late = (tables.late > 0) & (tokens_L[0] >= facts)
    key_comes_L1 = ((jnp.arange(tokens_L.shape[0]) % 2 == 1) == begins_late)[:, None]
    previous_L = jnp.append(jnp.int32(facts), tokens_L[:-1])
    right_L = tables.answer_F[jnp.minimum(previous_L, facts - 1)]
    agrees_LR = jnp.arange(answers, dtype=jnp.int32)[None, :] == right_L[:, None]
    told_LR = jnp.where(agrees_LR, tables.log_answer_2[0], tables.log_answer_2[1])
    answer_LR = jnp.where((previous_L < facts)[:, None], told_LR, tables.log_answers_R[None, :])
    key_LF = jnp.where(key_comes_L1, tables.log_keys_F[None, :], -jnp.inf)
    rows_LV = jnp.concatenate([key_LF, jnp.where(key_comes_L1, -jnp.inf, answer_LR)], axis=1)
    return rows_LV.at[0].set(tables.log_first_V)
