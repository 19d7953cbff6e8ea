"""Kernels of copied spans: one sequence, pure functions of the tables."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, Key


class Tables(NamedTuple):
    """The law of a fresh token, and what happens at each of A ages of an episode with each of G gaps.

    The age of a token counts the tokens of its episode before it. `start_GA` is the law of gap and age at the first
    position; `ends_GA` is 1 at the last age of an episode and `repeats_GA` where it repeats the token `lag_G` before.
    """

    law_V: Float[Array, " V"]
    cdf_V: Float[Array, " V"]
    start_GA: Float[Array, "G A"]
    start_cdf: Float[Array, " GA"]
    ends_GA: Float[Array, "G A"]
    repeats_GA: Float[Array, "G A"]
    lag_G: Int32[Array, " G"]


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
    tables = Tables(*map(jnp.asarray, tables))
    gaps, ages = tables.start_GA.shape
    uniform = jax.random.uniform(key, (1 + 2 * length,), tables.law_V.dtype)

    def step(place: Place, uniform: Float[Array, ""]) -> tuple[Place, Place]:
        gap, age = place
        ends = tables.ends_GA[gap, age] > 0
        drawn = jnp.floor(uniform * gaps).astype(jnp.int32)
        return (jnp.where(ends, drawn, gap), jnp.where(ends, 0, age + 1)), place

    first = jnp.searchsorted(tables.start_cdf, uniform[0], side="right").astype(jnp.int32)
    _, (gap_L, age_L) = jax.lax.scan(step, jnp.divmod(first, jnp.int32(ages)), uniform[1 : 1 + length])
    fresh_L = jnp.searchsorted(tables.cdf_V, uniform[1 + length :], side="right").astype(jnp.int32)
    before_L = jnp.arange(length, dtype=jnp.int32) - tables.lag_G[gap_L]
    source_L = jnp.where(tables.repeats_GA[gap_L, age_L] > 0, jnp.maximum(before_L, -1), -1)
    tokens_L = jnp.where(source_L >= 0, fresh_L[source_L], fresh_L)
    return tokens_L, Latents(gap_L, age_L, source_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering over gap and age."""
    tables = Tables(*map(jnp.asarray, tables))

    def step(belief_GA: Float[Array, "G A"], seen: Evidence) -> tuple[Float[Array, "G A"], Float[Array, " V"]]:
        return updated(tables, belief_GA, seen), mixed(tables, belief_GA, seen)

    _, law_LV = jax.lax.scan(step, tables.start_GA, evidence(tables, jnp.asarray(tokens_L, jnp.int32)))
    return jnp.log(law_LV / law_LV.sum(1, keepdims=True))


def evidence(tables: Tables, tokens_L: Int32[Array, " L"]) -> Evidence:
    """Return, for each position, its token, the tokens that it may repeat, and whether those lie in the window."""
    source_LG = jnp.arange(tokens_L.shape[0], dtype=jnp.int32)[:, None] - tables.lag_G[None, :]
    return tokens_L, tokens_L[jnp.maximum(source_LG, 0)], source_LG >= 0


def mixed(tables: Tables, belief_GA: Float[Array, "G A"], seen: Evidence) -> Float[Array, " V"]:
    """Return the law of the token: that of a fresh one, and one point for each gap.

    A token that repeats one from before the window has the law of a fresh one, as no other repeats that.
    """
    _, copied_G, known_G = seen
    repeat_G = (belief_GA * tables.repeats_GA).sum(1)
    fresh = (belief_GA * (1 - tables.repeats_GA)).sum() + jnp.where(known_G, 0, repeat_G).sum()
    return (fresh * tables.law_V).at[copied_G].add(jnp.where(known_G, repeat_G, 0))


def updated(tables: Tables, belief_GA: Float[Array, "G A"], seen: Evidence) -> Float[Array, "G A"]:
    """Return the law of gap and age after the token, which is no evidence if it could not have come."""
    token, copied_G, known_G = seen
    fresh = tables.law_V[token]
    repeat_G = jnp.where(known_G, (copied_G == token).astype(fresh.dtype), fresh)
    weighed_GA = belief_GA * jnp.where(tables.repeats_GA > 0, repeat_G[:, None], fresh)
    total = weighed_GA.sum()
    weighed_GA = jnp.where(total > 0, weighed_GA / jnp.where(total > 0, total, 1), belief_GA)
    ended = (weighed_GA * tables.ends_GA).sum() / weighed_GA.shape[0]
    goes_on_GA = weighed_GA * (1 - tables.ends_GA)
    return jnp.concatenate([jnp.full_like(goes_on_GA[:, :1], ended), goes_on_GA[:, :-1]], axis=1)
