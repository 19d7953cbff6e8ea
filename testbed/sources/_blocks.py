"""Kernels of block-stationary laws: one sequence, pure functions of the tables."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, Key

UNROLLED = 16


class Tables(NamedTuple):
    """The law as numbers: K regimes, J ages of a block, A of them possible at the start, U contexts of a symbol.

    The age of a token counts the tokens of its block before it; the last age stands for itself and all later ones.
    `hazard_J` is the chance that a token of that age ends its block. `residual_J` is the same for a block that began
    before the first position, by the number of positions since the first: its age plays no further part.
    `initial_K2` is the law of the regime at the first position and of whether its block began there (0) or before
    (1). `rows_KUV` is the law of a symbol given regime and context. The last context is "first of its block", the
    one before "nothing seen yet"; the others are the previous symbol, left out where the order is 0. `initial_cdf`
    draws regime and age at the first position, the regime the slower one.
    """

    prior_K: Float[Array, " K"]
    hazard_J: Float[Array, " J"]
    residual_J: Float[Array, " J"]
    initial_K2: Float[Array, "K 2"]
    rows_KUV: Float[Array, "K U V"]
    prior_cdf_K: Float[Array, " K"]
    initial_cdf: Float[Array, " KA"]
    rows_cdf_KUV: Float[Array, "K U V"]


class Latents(NamedTuple):
    """The regime behind each token, and its age in the block (0 where a block begins, at most J-1)."""

    regime_L: Int32[Array, " L"]
    age_L: Int32[Array, " L"]


class Belief(NamedTuple):
    """The law of the next token's regime with the age of a block begun in the window, or for one begun before it."""

    begun_KJ: Float[Array, "K J"]
    older_K: Float[Array, " K"]


class Evidence(NamedTuple):
    """Of one token: its probability in each regime, first of its block or not, and the residual hazard before it."""

    first_K: Float[Array, " K"]
    later_K: Float[Array, " K"]
    residual: Float[Array, ""]


State = tuple[Int32[Array, ""], Int32[Array, ""], Int32[Array, ""]]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence of tokens with its regimes and ages."""
    tables = jax.tree.map(jnp.asarray, tables)
    ages, contexts = tables.hazard_J.shape[0], tables.rows_KUV.shape[1]
    start, unseen = jnp.int32(contexts - 1), jnp.int32(contexts - 2)
    uniforms = jax.random.uniform(key, (1 + 3 * length,), tables.hazard_J.dtype)

    def step(state: State, uniforms: Float[Array, "3"]) -> tuple[State, State]:
        regime, age, context = state
        token = _draw(tables.rows_cdf_KUV[regime, context], uniforms[0])
        ends = uniforms[1] < tables.hazard_J[age]
        following = (
            jnp.where(ends, _draw(tables.prior_cdf_K, uniforms[2]), regime),
            jnp.where(ends, 0, jnp.minimum(age + 1, ages - 1)),
            jnp.where(ends, start, jnp.minimum(token, unseen)),
        )
        return following, (token, regime, age)

    first = jnp.searchsorted(tables.initial_cdf, uniforms[0], side="right").astype(jnp.int32)
    regime, age = jnp.divmod(first, tables.initial_cdf.shape[0] // tables.prior_K.shape[0])
    context = jnp.where(age == 0, start, unseen)
    _, (tokens_L, regime_L, age_L) = jax.lax.scan(step, (regime, age, context), uniforms[1:].reshape(length, 3))
    return tokens_L, Latents(regime_L, age_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering over regime and age; the belief is normalised at every token.

    The recursion sees only the K likelihoods of each token; the rows are mixed afterwards, all positions at once.
    Sums of products, not matrix products: accelerators round those to fewer digits.
    """
    tables = jax.tree.map(jnp.asarray, tables)
    tokens_L = jnp.asarray(tokens_L, jnp.int32)
    unseen = tables.rows_KUV.shape[1] - 2
    context_L = jnp.append(jnp.int32(unseen), jnp.minimum(tokens_L[:-1], unseen))
    begins_LK, goes_on_LK = filtered(tables, tokens_L, context_L)

    def mixed(
        law_LV: Float[Array, "L V"], regime: tuple[Float[Array, " L"], Float[Array, " L"], Float[Array, "U V"]]
    ) -> tuple[Float[Array, "L V"], None]:
        begins_L, goes_on_L, rows_UV = regime
        return law_LV + begins_L[:, None] * rows_UV[-1][None] + goes_on_L[:, None] * rows_UV[context_L], None

    zero_LV = jnp.zeros((tokens_L.shape[0], tables.rows_KUV.shape[2]), tables.rows_KUV.dtype)
    law_LV, _ = jax.lax.scan(mixed, zero_LV, (begins_LK.T, goes_on_LK.T, tables.rows_KUV), unroll=UNROLLED)
    return jnp.log(law_LV)


def filtered(
    tables: Tables, tokens_L: Int32[Array, " L"], context_L: Int32[Array, " L"]
) -> tuple[Float[Array, "L K"], Float[Array, "L K"]]:
    """Return, given the tokens before each one, the probabilities of its regime, first of its block or not.

    A block begun in the window has at most as many ages as the window has tokens.
    """
    length, ages = tokens_L.shape[0], tables.hazard_J.shape[0]
    begun_J = tables.hazard_J[: min(ages, length)]
    start_KJ = jnp.zeros((tables.prior_K.shape[0], begun_J.shape[0]), begun_J.dtype)
    start = Belief(start_KJ.at[:, 0].set(tables.initial_K2[:, 0]), tables.initial_K2[:, 1])
    evidence = Evidence(
        tables.rows_KUV[:, -1, tokens_L].T,
        tables.rows_KUV[:, context_L, tokens_L].T,
        tables.residual_J[jnp.minimum(jnp.arange(length), tables.residual_J.shape[0] - 1)],
    )

    def step(belief: Belief, seen: Evidence) -> tuple[Belief, tuple[Float[Array, " K"], Float[Array, " K"]]]:
        begins_K = belief.begun_KJ[:, 0]
        goes_on_K = belief.begun_KJ[:, 1:].sum(1) + belief.older_K
        total = (begins_K * seen.first_K + goes_on_K * seen.later_K).sum()
        possible = total >= float(np.finfo(total.dtype).tiny)
        divisor = jnp.where(possible, total, 1)
        first_K = jnp.where(possible, seen.first_K / divisor, 1)
        later_K = jnp.where(possible, seen.later_K / divisor, 1)
        weighed = Belief(_by_age(belief.begun_KJ, first_K, later_K), belief.older_K * later_K)
        return advanced(tables.prior_K, begun_J, seen.residual, weighed), (begins_K, goes_on_K)

    return jax.lax.scan(step, start, evidence)[1]


def _by_age(begun_KJ: Float[Array, "K J"], first_K: Float[Array, " K"], later_K: Float[Array, " K"]) -> Array:
    later_KJ = jnp.broadcast_to(later_K[:, None], begun_KJ.shape)
    return begun_KJ * jnp.concatenate([first_K[:, None], later_KJ[:, 1:]], axis=1)


def advanced(
    prior_K: Float[Array, " K"], hazard_J: Float[Array, " J"], residual: Float[Array, ""], belief: Belief
) -> Belief:
    """Return the law of regime and age of the next token, from that of the present one."""
    ended = (belief.begun_KJ * hazard_J[None, :]).sum() + residual * belief.older_K.sum()
    goes_on_KJ = belief.begun_KJ * (1 - hazard_J)[None, :]
    aged_KJ = jnp.concatenate([(prior_K * ended)[:, None], goes_on_KJ[:, :-1]], axis=1)
    return Belief(aged_KJ.at[:, -1].add(goes_on_KJ[:, -1]), belief.older_K * (1 - residual))


def _draw(cdf_V: Float[Array, " V"], uniform: Float[Array, ""]) -> Int32[Array, ""]:
    """Return the symbol whose cumulative interval holds the uniform draw."""
    return jnp.sum(uniform >= cdf_V, dtype=jnp.int32)
