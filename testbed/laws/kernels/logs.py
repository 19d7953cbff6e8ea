"""Filters in which nothing underflows: sums of probabilities that are given as logarithms, for jit and vmap."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32


def summed(log_X: Float[Array, "..."], axis: int | tuple[int, ...] | None = None) -> Float[Array, "..."]:
    """Return log Σ exp(log) over an axis, or over all; -inf stands for nothing.

    Error: rounding; terms below the smallest number of the dtype, relative to the largest one, are left out.
    """
    top = finite(jnp.max(log_X, axis=axis, keepdims=True, initial=-jnp.inf))
    total = jnp.log(jnp.sum(jnp.exp(log_X - top), axis=axis, keepdims=True)) + top
    return jnp.squeeze(total, axis=axis)


def collected(log_E: Float[Array, " E"], place_E: Int32[Array, " E"], places: int) -> Float[Array, " P"]:
    """Return log Σ exp(log) over the terms of each place."""
    top_P = finite(jax.ops.segment_max(log_E, place_E, places))
    return jnp.log(jax.ops.segment_sum(jnp.exp(log_E - top_P[place_E]), place_E, places)) + top_P


def weighed(log_X: Float[Array, "..."], log_likelihood_X: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the posterior of a law, normalised; evidence that excludes everything is none."""
    joint_X = log_X + log_likelihood_X
    total = summed(joint_X)
    return jnp.where(total > -jnp.inf, joint_X - finite(total), log_X)


def finite(log_X: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return what may be subtracted from logarithms without making infinity less infinity."""
    return jnp.where(log_X > -jnp.inf, log_X, 0)


def unless(
    lost: Bool[Array, ""],
    log_law_LV: Float[Array, "L V"],
    again: Callable[[Int32[Array, " L"]], Array],
    tokens_L: Int32[Array, " L"],
) -> Float[Array, "L V"]:
    """Return the predictions of a filter that works with plain numbers, or those of another where it lost a state.

    It is a loop of one turn or none, as a batch runs such a loop only if one of its sequences needs it. The barrier
    keeps the compiler from running the turn ahead of the loop, for being the same in all turns.
    """

    def turn(state: tuple[Array, Array]) -> tuple[Array, Array]:
        return again(jax.lax.optimization_barrier((tokens_L, state[1]))[0]), jnp.bool_(False)

    return jax.lax.while_loop(lambda state: state[1], turn, (log_law_LV, lost))[0]


def least(*factors_X: Float[Array, "..."]) -> Float[Array, ""]:
    """Return the probability below which a state may be lost when it is multiplied by one of each of these factors."""
    floor = jnp.asarray(np.finfo(factors_X[0].dtype).tiny, factors_X[0].dtype)
    for factor_X in factors_X:
        floor = floor / jnp.min(jnp.where(factor_X > 0, factor_X, 1), initial=1)
    return floor


def fading(belief_X: Float[Array, "..."], floor: Float[Array, ""]) -> Bool[Array, ""]:
    """Return whether a state is so improbable that it may be lost."""
    return jnp.any((belief_X > 0) & (belief_X < floor))
