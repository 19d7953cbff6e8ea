"""Kernels of block-stationary laws: one sequence, pure functions of the tables."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.laws.kernels import logs, random_bits, sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.kernels.sampling import Chance, Cuts

UNROLLED = 16


class Tables(NamedTuple):
    """The law as numbers: K regimes, J ages of a block, A of them possible at the start, U contexts of a symbol.

    The age of a token counts the tokens of its block before it; the last age stands for itself and all later ones.
    `hazard_J` is the chance that a token of that age ends its block. `residual_J` is the same for a block that began
    before the first position, by the number of positions since the first: its age plays no further part.
    `initial_K2` is the law of the regime at the first position and of whether its block began there (0) or before
    (1). `rows_KUV` is the law of a symbol given regime and context. The last context is "first of its block", the
    one before "nothing seen yet"; the others are the previous symbol, left out where the order is 0. The last four
    are for draws: `first_cuts_KA` of regime and age at the first position, the regime the slower one.
    """

    prior_K: Float[Array, " K"]
    hazard_J: Float[Array, " J"]
    residual_J: Float[Array, " J"]
    initial_K2: Float[Array, "K 2"]
    rows_KUV: Float[Array, "K U V"]
    prior_cuts_K: Cuts
    first_cuts_KA: Cuts
    rows_cuts_KUV: Cuts
    ends_J: Chance


class Latents(NamedTuple):
    """The regime behind each token, and its age in the block (0 where a block begins, at most J-1)."""

    regime_L: Int32[Array, " L"]
    age_L: Int32[Array, " L"]


class Belief(NamedTuple):
    """The law of the next token's regime with the age of a block begun in the window, or for one begun before it.

    It is kept in logs, as evidence may turn after having spoken against a regime for long.
    """

    log_begun_KJ: Float[Array, "K J"]
    log_older_K: Float[Array, " K"]


class Evidence(NamedTuple):
    """Of one token: its log-probability in each regime, first of its block or not; the residual hazard after it."""

    log_first_K: Float[Array, " K"]
    log_later_K: Float[Array, " K"]
    residual: Float[Array, ""]


State = tuple[Int32[Array, ""], Int32[Array, ""], Int32[Array, ""]]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence of tokens with its regimes and ages."""
    tables = jax.tree.map(jnp.asarray, tables)
    ages, contexts = tables.hazard_J.shape[0], tables.rows_KUV.shape[1]
    start, unseen = jnp.int32(contexts - 1), jnp.int32(contexts - 2)
    words = sampling.words(key, (1 + 3 * length,), tables.hazard_J.dtype)

    def step(state: State, words: Words) -> tuple[State, State]:
        regime, age, context = state
        token = sampling.drawn(sampling.row(tables.rows_cuts_KUV, (regime, context)), random_bits.part(words, 0))
        ends = sampling.happens(sampling.of(tables.ends_J, age), random_bits.part(words, 1))
        following = (
            jnp.where(ends, sampling.drawn(tables.prior_cuts_K, random_bits.part(words, 2)), regime),
            jnp.where(ends, 0, jnp.minimum(age + 1, ages - 1)),
            jnp.where(ends, start, jnp.minimum(token, unseen)),
        )
        return following, (token, regime, age)

    first = sampling.drawn(tables.first_cuts_KA, random_bits.part(words, 0))
    regime, age = jnp.divmod(first, tables.first_cuts_KA.high_V.shape[0] // tables.prior_K.shape[0])
    context = jnp.where(age == 0, start, unseen)
    _, (tokens_L, regime_L, age_L) = jax.lax.scan(
        step, (regime, age, context), random_bits.part(words, slice(1, None), (length, 3))
    )
    return tokens_L, Latents(regime_L, age_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering over regime and age, in logs, normalised at every token.

    The recursion sees only the K likelihoods of each token; the rows are mixed afterwards, all positions at once.
    """
    tables = jax.tree.map(jnp.asarray, tables)
    tokens_L = jnp.asarray(tokens_L, jnp.int32)
    unseen = tables.rows_KUV.shape[1] - 2
    context_L = jnp.append(jnp.int32(unseen), jnp.minimum(tokens_L[:-1], unseen))
    log_begins_LK, log_goes_on_LK = filtered(tables, tokens_L, context_L)
    regimes = log_begins_LK.T, log_goes_on_LK.T, jnp.log(tables.rows_KUV)

    def terms(regime: tuple[Array, Array, Array]) -> tuple[Float[Array, "L V"], Float[Array, "L V"]]:
        log_begins_L, log_goes_on_L, log_rows_UV = regime
        return log_begins_L[:, None] + log_rows_UV[-1][None], log_goes_on_L[:, None] + log_rows_UV[context_L]

    def largest(top_LV: Float[Array, "L V"], regime: tuple[Array, Array, Array]) -> tuple[Float[Array, "L V"], None]:
        return functools.reduce(jnp.maximum, terms(regime), top_LV), None

    nothing_LV = jnp.full((tokens_L.shape[0], tables.rows_KUV.shape[2]), -jnp.inf, tables.rows_KUV.dtype)
    top_LV = logs.finite(jax.lax.scan(largest, nothing_LV, regimes, unroll=UNROLLED)[0])

    def mixed(law_LV: Float[Array, "L V"], regime: tuple[Array, Array, Array]) -> tuple[Float[Array, "L V"], None]:
        return law_LV + sum(jnp.exp(term_LV - top_LV) for term_LV in terms(regime)), None

    law_LV, _ = jax.lax.scan(mixed, jnp.zeros_like(nothing_LV), regimes, unroll=UNROLLED)
    return jnp.log(law_LV) + top_LV


def filtered(
    tables: Tables, tokens_L: Int32[Array, " L"], context_L: Int32[Array, " L"]
) -> tuple[Float[Array, "L K"], Float[Array, "L K"]]:
    """Return, given the tokens before each one, the log-probabilities of its regime, first of its block or not.

    A block begun in the window has at most as many ages as the window has tokens.
    """
    length, ages = tokens_L.shape[0], tables.hazard_J.shape[0]
    begun_J = tables.hazard_J[: min(ages, length)]
    start_KJ = jnp.full((tables.prior_K.shape[0], begun_J.shape[0]), -jnp.inf, begun_J.dtype)
    log_initial_K2, log_rows_KUV = jnp.log(tables.initial_K2), jnp.log(tables.rows_KUV)
    start = Belief(start_KJ.at[:, 0].set(log_initial_K2[:, 0]), log_initial_K2[:, 1])
    evidence = Evidence(
        log_rows_KUV[:, -1, tokens_L].T,
        log_rows_KUV[:, context_L, tokens_L].T,
        tables.residual_J[jnp.minimum(jnp.arange(length), tables.residual_J.shape[0] - 1)],
    )
    hazards = jnp.log(tables.prior_K), begun_J

    def step(belief: Belief, seen: Evidence) -> tuple[Belief, tuple[Float[Array, " K"], Float[Array, " K"]]]:
        return _after(belief, seen, *hazards)

    return jax.lax.scan(step, start, evidence)[1]


def _after(
    belief: Belief, seen: Evidence, log_prior_K: Float[Array, " K"], hazard_J: Float[Array, " J"]
) -> tuple[Belief, tuple[Float[Array, " K"], Float[Array, " K"]]]:
    """Return the law of regime and age of the next token, and before it that of the present one's regime."""
    log_begins_K, log_later_KJ = belief.log_begun_KJ[:, 0], belief.log_begun_KJ[:, 1:]
    log_along_KQ = jnp.concatenate([log_later_KJ, belief.log_older_K[:, None]], axis=1)
    log_goes_on_K = logs.summed(log_along_KQ, axis=1)
    log_ends_K = logs.summed(log_along_KQ + jnp.log(jnp.append(hazard_J[1:], seen.residual))[None, :], axis=1)
    total = logs.summed(jnp.stack([log_begins_K + seen.log_first_K, log_goes_on_K + seen.log_later_K]))
    log_first_K, log_later_K = (
        jnp.where(total > -jnp.inf, each_K - logs.finite(total), 0) for each_K in (seen.log_first_K, seen.log_later_K)
    )
    log_seen_KJ = jnp.concatenate([log_first_K[:, None], jnp.broadcast_to(log_later_K[:, None], log_later_KJ.shape)], 1)
    log_ended = logs.summed(jnp.stack([log_begins_K + log_first_K + jnp.log(hazard_J[0]), log_ends_K + log_later_K]))
    log_goes_on_KJ = belief.log_begun_KJ + log_seen_KJ + jnp.log1p(-hazard_J)[None, :]
    log_aged_KJ = jnp.concatenate([(log_prior_K + log_ended)[:, None], log_goes_on_KJ[:, :-1]], axis=1)
    log_oldest_K = jnp.logaddexp(log_aged_KJ[:, -1], log_goes_on_KJ[:, -1])
    log_older_K = belief.log_older_K + log_later_K + jnp.log1p(-seen.residual)
    return Belief(log_aged_KJ.at[:, -1].set(log_oldest_K), log_older_K), (log_begins_K, log_goes_on_K)
