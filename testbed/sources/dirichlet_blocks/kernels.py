"""Kernels of blocks whose laws are drawn from a Dirichlet law: one sequence, pure functions of the tables."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, Key

from testbed.laws import dirichlet_law
from testbed.laws.dirichlet_law import Urn
from testbed.laws.kernels import logs, random_bits, sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.kernels.sampling import Chance


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Layout:
    """What tells programs apart: whether an announcer begins each block, and the longest block, if there is one."""

    announced: bool
    longest: int | None


class Tables(NamedTuple):
    """The law as numbers: the urn of a block, and where blocks end.

    The age of a token counts the tokens of its block before it. `hazard_J` is the chance that a token of that age ends
    its block, `residual_J` the same for a block that began before the first position, by the number of positions since
    the first; the last entry stands for all later ones. `begins` is the chance that the first token begins a block.
    The last three are the same for draws.
    """

    layout: Layout
    urn: Urn
    hazard_J: Float[Array, " J"]
    residual_J: Float[Array, " J"]
    begins: Float[Array, ""]
    ends_J: Chance
    older_ends_J: Chance
    first_begins: Chance


class Latents(NamedTuple):
    """The number of the block of each token, counted from 0 in the window."""

    block_L: Int32[Array, " L"]


class Place(NamedTuple):
    """The tokens of the present block before the present one, in the window, and whether the block began there."""

    age: Int32[Array, ""]
    begun: Bool[Array, ""]


class Belief(NamedTuple):
    """The law of the age of the next token in a block begun in the window, and the chance that its block is older.

    It is kept in logs, as evidence may turn. Beside it the tokens before it, the latest first, and its position.
    """

    log_begun_R: Float[Array, " R"]
    log_older: Float[Array, ""]
    recent_R: Int32[Array, " R"]
    position: Int32[Array, ""]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence of tokens with its blocks: first where these end, then the draws from their urns."""
    tables = jax.tree.map(jnp.asarray, tables)
    words_2L = sampling.words(key, (2, length), tables.begins.dtype)
    boundaries = tables.ends_J, tables.older_ends_J, tables.first_begins

    def step(place: Place, word: Words) -> tuple[Place, tuple[Place, Bool[Array, ""]]]:
        chances = zip(*boundaries, strict=True)
        begins = sampling.happens(Chance(*(_chance(*each, place) for each in chances)), word)
        here = Place(jnp.where(begins, 0, place.age), place.begun | begins)
        return Place(here.age + 1, here.begun), (here, begins)

    _, (here, begins_L) = jax.lax.scan(step, Place(jnp.int32(0), jnp.bool_(False)), random_bits.part(words_2L, 0))
    announcers_L = (here.begun & tables.layout.announced).astype(jnp.int32)
    tokens_L = dirichlet_law.drawn(tables.urn, random_bits.part(words_2L, 1), jnp.maximum(here.age - announcers_L, 0))
    named_L = begins_L & tables.layout.announced
    block_L = jnp.cumsum(begins_L, dtype=jnp.int32) - begins_L[0].astype(jnp.int32)
    return jnp.where(named_L, len(tables.urn.weights_V), tokens_L), Latents(block_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering over the age of the block, or with the age that is announced."""
    tables = jax.tree.map(jnp.asarray, tables)
    filtered = _announced if tables.layout.announced else _hidden
    return jnp.log(filtered(tables, jnp.asarray(tokens_L, jnp.int32)))


def _chance(hazard_J: Array, residual_J: Array, begins: Array, place: Place) -> Array:
    """Return the chance that the next token begins a block, as a number or as a word of one."""
    begun = hazard_J[jnp.clip(place.age - 1, 0, len(hazard_J) - 1)]
    older = residual_J[jnp.clip(place.age - 1, 0, len(residual_J) - 1)]
    later = jnp.where(place.begun, begun, older)
    return jnp.where((place.age == 0) & ~place.begun, begins, later)


def _announced(tables: Tables, tokens_L: Int32[Array, " L"]) -> Float[Array, "L V"]:
    """Return the predictions where announcers tell the age, by the counts since the last of them.

    An announcer that cannot come is left out, and so is a token in the place of one that must.
    """
    symbols = len(tables.urn.weights_V)

    def step(
        state: tuple[Place, Float[Array, " V"]], token: Int32[Array, ""]
    ) -> tuple[tuple[Place, Float[Array, " V"]], Float[Array, " V+1"]]:
        place, count_V = state
        chance = _chance(tables.hazard_J, tables.residual_J, tables.begins, place)
        own_V = dirichlet_law.prediction(tables.urn, count_V, count_V.sum())
        begins = (chance == 1) | ((token == symbols) & (chance > 0))
        counted_V = count_V + jax.nn.one_hot(token, symbols, dtype=count_V.dtype)
        following = Place(jnp.where(begins, 1, place.age + 1), place.begun | begins)
        return (following, jnp.where(begins, 0, counted_V)), jnp.append((1 - chance) * own_V, chance)

    start = Place(jnp.int32(0), jnp.bool_(False)), jnp.zeros_like(tables.urn.weights_V)
    return jax.lax.scan(step, start, tokens_L)[1]


def _hidden(tables: Tables, tokens_L: Int32[Array, " L"]) -> Float[Array, "L V"]:
    """Return the predictions by filtering over the age: a block of age r has the last r tokens for its draws."""
    runs = len(tokens_L) if tables.layout.longest is None else min(tables.layout.longest, len(tokens_L))
    run_R = jnp.arange(runs, dtype=jnp.int32)
    hazard_R = tables.hazard_J[jnp.minimum(run_R, len(tables.hazard_J) - 1)]

    def step(belief: Belief, token: Int32[Array, ""]) -> tuple[Belief, Float[Array, " V"]]:
        first_R = run_R == belief.position
        age_R = jnp.exp(belief.log_begun_R) + jnp.where(first_R, jnp.exp(belief.log_older), 0)
        law_V = _mixed(tables.urn, age_R, belief.recent_R)
        log_likelihood_R = jnp.log(_likelihood(tables.urn, token, belief.recent_R))
        log_likelihood = jnp.where(first_R, log_likelihood_R, 0).sum()
        seen_Q = jnp.append(log_likelihood_R, log_likelihood)
        log_seen_Q = logs.weighed(jnp.append(belief.log_begun_R, belief.log_older), seen_Q)
        log_begun_R, log_older = log_seen_Q[:-1], log_seen_Q[-1]
        residual = tables.residual_J[jnp.minimum(belief.position, len(tables.residual_J) - 1)]
        log_ended = logs.summed(log_seen_Q + jnp.log(jnp.append(hazard_R, residual)))
        log_begun_R = jnp.append(log_ended, (log_begun_R + jnp.log1p(-hazard_R))[:-1])
        recent_R = jnp.append(token, belief.recent_R[:-1])
        return Belief(log_begun_R, log_older + jnp.log1p(-residual), recent_R, belief.position + 1), law_V

    log_begun_R = jnp.where(run_R == 0, jnp.log(tables.begins), -jnp.inf)
    start = Belief(log_begun_R, jnp.log1p(-tables.begins), jnp.zeros(runs, jnp.int32), jnp.int32(0))
    return jax.lax.scan(step, start, tokens_L)[1]


def _mixed(urn: Urn, age_R: Float[Array, " R"], recent_R: Int32[Array, " R"]) -> Float[Array, " V"]:
    """Return Σ_r P(age r)·(count among the last r tokens + weight)/(r + A), at R + V operations.

    It is summed token by token: the i-th last token counts for all r > i. So all terms are positive.
    """
    share_R = age_R / _sizes(urn, age_R)
    counting_R = _sums_before(share_R[::-1])[::-1]
    return (urn.weights_V * share_R.sum()).at[recent_R].add(counting_R)


def _likelihood(urn: Urn, token: Int32[Array, ""], recent_R: Int32[Array, " R"]) -> Float[Array, " R"]:
    """Return (count of the token among the last r tokens + weight)/(r + A) for all ages r."""
    same_R = (recent_R == token).astype(urn.total.dtype)
    return (_sums_before(same_R) + urn.weights_V[token]) / _sizes(urn, same_R)


def _sizes(urn: Urn, like_R: Float[Array, " R"]) -> Float[Array, " R"]:
    """Return r + A for all ages r."""
    return jnp.arange(len(like_R), dtype=urn.total.dtype) + urn.total


def _sums_before(value_R: Float[Array, " R"]) -> Float[Array, " R"]:
    """Return the sums of the values before each one."""
    return jnp.append(jnp.zeros_like(value_R[0]), jnp.cumsum(value_R)[:-1])
