"""Kernels of copied spans: one sequence, pure functions of the tables."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, Key

from testbed.laws.kernels import logs, random_bits, sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.kernels.sampling import Cuts


class Tables(NamedTuple):
    """The law of a fresh token, and what happens at each of A ages of an episode with each of G gaps.

    The age of a token counts the tokens of its episode before it. `start_GA` is the law of gap and age at the first
    position; `ends_GA` is 1 at the last age of an episode and `repeats_GA` where it repeats the token `lag_G` before.
    The last two are for draws.
    """

    law_V: Float[Array, " V"]
    start_GA: Float[Array, "G A"]
    ends_GA: Float[Array, "G A"]
    repeats_GA: Float[Array, "G A"]
    lag_G: Int32[Array, " G"]
    cuts_V: Cuts
    start_cuts: Cuts


class Latents(NamedTuple):
    """The number of the gap of each token's episode, its age there, and the position of the token that it repeats.

    `source_L` is -1 where the token is fresh, or repeats one from before the window: where it is not, the token can be
    told from those before it.
    """

    gap_L: Int32[Array, " L"]
    age_L: Int32[Array, " L"]
    source_L: Int32[Array, " L"]


Evidence = tuple[Int32[Array, "*L"], Int32[Array, "*L G"], Bool[Array, "*L G"]]
Place = tuple[Int32[Array, ""], Int32[Array, ""]]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence: episodes first, then fresh tokens, then their repetitions."""
    tables = jax.tree.map(jnp.asarray, tables)
    gaps, ages = tables.start_GA.shape
    words = sampling.words(key, (1 + 2 * length,), tables.law_V.dtype)

    def step(place: Place, word: Words) -> tuple[Place, Place]:
        gap, age = place
        ends = tables.ends_GA[gap, age] > 0
        drawn = sampling.among(gaps, word)
        return (jnp.where(ends, drawn, gap), jnp.where(ends, 0, age + 1)), place

    first = sampling.drawn(tables.start_cuts, random_bits.part(words, 0))
    episodes_L = random_bits.part(words, slice(1, 1 + length))
    _, (gap_L, age_L) = jax.lax.scan(step, jnp.divmod(first, jnp.int32(ages)), episodes_L)
    fresh_L = sampling.drawn(tables.cuts_V, random_bits.part(words, slice(1 + length, None)))
    before_L = jnp.arange(length, dtype=jnp.int32) - tables.lag_G[gap_L]
    source_L = jnp.where(tables.repeats_GA[gap_L, age_L] > 0, jnp.maximum(before_L, -1), -1)
    tokens_L = jnp.where(source_L >= 0, fresh_L[source_L], fresh_L)
    return tokens_L, Latents(gap_L, age_L, source_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering over gap and age, in logs."""
    tables = jax.tree.map(jnp.asarray, tables)

    def step(log_belief_GA: Float[Array, "G A"], seen: Evidence) -> tuple[Float[Array, "G A"], Float[Array, " V"]]:
        return updated(tables, log_belief_GA, seen), mixed(tables, log_belief_GA, seen)

    _, log_law_LV = jax.lax.scan(step, jnp.log(tables.start_GA), evidence(tables, jnp.asarray(tokens_L, jnp.int32)))
    return log_law_LV


def evidence(tables: Tables, tokens_L: Int32[Array, " L"]) -> Evidence:
    """Return, for each position, its token, the tokens that it may repeat, and whether those lie in the window."""
    source_LG = jnp.arange(tokens_L.shape[0], dtype=jnp.int32)[:, None] - tables.lag_G[None, :]
    return tokens_L, tokens_L[jnp.maximum(source_LG, 0)], source_LG >= 0


def mixed(tables: Tables, log_belief_GA: Float[Array, "G A"], seen: Evidence) -> Float[Array, " V"]:
    """Return the log of the law of the token: that of a fresh one, and one point for each gap.

    A token that repeats one from before the window has the law of a fresh one, as no other repeats that.
    """
    _, copied_G, known_G = seen
    told_GA = (tables.repeats_GA > 0) & known_G[:, None]
    log_told_G = logs.summed(jnp.where(told_GA, log_belief_GA, -jnp.inf), axis=1)
    log_fresh_V = logs.summed(jnp.where(told_GA, -jnp.inf, log_belief_GA)) + jnp.log(tables.law_V)
    symbol_V = jnp.arange(log_fresh_V.shape[0], dtype=jnp.int32)
    log_told_GV = jnp.where(copied_G[:, None] == symbol_V[None, :], log_told_G[:, None], -jnp.inf)
    log_law_V = logs.summed(jnp.concatenate([log_fresh_V[None], log_told_GV]), axis=0)
    return log_law_V - logs.summed(log_law_V)


def updated(tables: Tables, log_belief_GA: Float[Array, "G A"], seen: Evidence) -> Float[Array, "G A"]:
    """Return the log of the law of gap and age after the token, which is no evidence if it could not have come."""
    token, copied_G, known_G = seen
    log_fresh = jnp.log(tables.law_V)[token]
    log_repeat_G = jnp.where(known_G, jnp.where(copied_G == token, 0, -jnp.inf), log_fresh)
    likelihood_GA = jnp.where(tables.repeats_GA > 0, log_repeat_G[:, None], log_fresh)
    log_seen_GA = logs.weighed(log_belief_GA, likelihood_GA)
    ends_GA = tables.ends_GA > 0
    log_ended = logs.summed(jnp.where(ends_GA, log_seen_GA, -jnp.inf)) - math.log(log_seen_GA.shape[0])
    log_goes_on_GA = jnp.where(ends_GA, -jnp.inf, log_seen_GA)
    return jnp.concatenate([jnp.full_like(log_goes_on_GA[:, :1], log_ended), log_goes_on_GA[:, :-1]], axis=1)
