"""Kernels of block-stationary laws: one sequence, pure functions of the tables."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32, Key


class Tables(NamedTuple):
    """The law as numbers: K regimes, J ages of a block, U contexts of the next symbol.

    Age j counts the tokens of the block before the present one; the last age stands for itself and all later ones.
    `hazard_J` is the chance that a token of age j ends its block, `initial_KJ` the law of regime and age at the first
    position, `rows_KUV` the law of a symbol given regime and context. The last context is "first of its block", the
    one before "nothing seen yet"; the others are the previous symbol, left out where the order is 0.
    """

    prior_K: Float[Array, " K"]
    hazard_J: Float[Array, " J"]
    initial_KJ: Float[Array, "K J"]
    rows_KUV: Float[Array, "K U V"]
    prior_cdf_K: Float[Array, " K"]
    initial_cdf: Float[Array, " KJ"]
    rows_cdf_KUV: Float[Array, "K U V"]


class Latents(NamedTuple):
    """The regime behind each token, and its age in the block (0 where a block begins, at most J-1)."""

    regime_L: Int32[Array, " L"]
    age_L: Int32[Array, " L"]


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

    regime, age = jnp.divmod(_draw(tables.initial_cdf, uniforms[0]), ages)
    context = jnp.where(age == 0, start, unseen)
    _, (tokens_L, regime_L, age_L) = jax.lax.scan(step, (regime, age, context), uniforms[1:].reshape(length, 3))
    return tokens_L, Latents(regime_L, age_L)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering over regime and age; the belief is normalised at every token."""
    tables = jax.tree.map(jnp.asarray, tables)
    contexts = tables.rows_KUV.shape[1]

    def step(
        state: tuple[Float[Array, "K J"], Int32[Array, ""]], token: Int32[Array, ""]
    ) -> tuple[tuple[Float[Array, "K J"], Int32[Array, ""]], Float[Array, " V"]]:
        belief_KJ, context = state
        first_KV, later_KV = tables.rows_KUV[:, -1], tables.rows_KUV[:, context]
        # Sums of products, not matrix products: accelerators round those to fewer digits.
        law_V = (belief_KJ[:, :1] * first_KV + belief_KJ[:, 1:].sum(1)[:, None] * later_KV).sum(0)
        first_K, later_K = tables.rows_KUV[:, -1, token], tables.rows_KUV[:, context, token]
        joint_KJ = jnp.concatenate([belief_KJ[:, :1] * first_K[:, None], belief_KJ[:, 1:] * later_K[:, None]], axis=1)
        total = joint_KJ.sum()
        posterior_KJ = jnp.where(total > 0, joint_KJ / jnp.where(total > 0, total, 1), belief_KJ)
        return (advanced(tables, posterior_KJ), jnp.minimum(token, contexts - 2)), law_V

    state = tables.initial_KJ, jnp.int32(contexts - 2)
    _, law_LV = jax.lax.scan(step, state, jnp.asarray(tokens_L, jnp.int32))
    return jnp.log(law_LV)


def advanced(tables: Tables, belief_KJ: Float[Array, "K J"]) -> Float[Array, "K J"]:
    """Return the law of regime and age of the next token, from that of the present one."""
    goes_on_KJ = belief_KJ * (1 - tables.hazard_J)[None, :]
    ended = (belief_KJ * tables.hazard_J[None, :]).sum()
    aged_KJ = jnp.concatenate([(tables.prior_K * ended)[:, None], goes_on_KJ[:, :-1]], axis=1)
    return aged_KJ.at[:, -1].add(goes_on_KJ[:, -1])


def _draw(cdf_V: Float[Array, " V"], uniform: Float[Array, ""]) -> Int32[Array, ""]:
    """Return the symbol whose cumulative interval holds the uniform draw."""
    return jnp.sum(uniform >= cdf_V, dtype=jnp.int32)
