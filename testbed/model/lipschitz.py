"""Slopes as they are: the largest singular value of a map's Jacobian at given inputs, for each part of a layer."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from testbed.model import network
from testbed.model.transformer import Transformer

_TINY = 1e-30


class Slope(NamedTuple):
    """A local Lipschitz constant and what the iteration left undone."""

    value: Float[Array, "..."]
    """Largest singular value σ of the Jacobian: a step of length δ moves the output by at most σδ, for small δ."""
    residual: Float[Array, "..."]
    """Length of (JᵀJu − σ²u)/σ² at the last direction u: some singular value lies within σ·residual of the value."""


def local_lipschitz(
    function: Callable[[Array], Array], x: Float[Array, "..."], *, key: Key[Array, ""], steps: int
) -> Slope:
    """Return the largest singular value of the Jacobian of ``function`` at ``x``, by power iteration on JᵀJ.

    Error: a lower bound, reached from below: with r the ratio of the second singular value to the first, it misses by
    a part that falls as r^(4·steps), and by much if the random start is all but orthogonal to the answer. A residual
    of, say, 1e-3 says that the iteration has settled. Where the map has no derivative, or is flat almost everywhere,
    the value of its gradient is taken for it: jumps are not seen.

    >>> slope = local_lipschitz(lambda x: x * jnp.array([3.0, 1.0]), jnp.zeros(2), key=jax.random.key(0), steps=20)
    >>> round(float(slope.value), 4)
    3.0
    """
    _, forward = jax.linearize(function, x)
    backward = jax.linear_transpose(forward, x)

    def around(u: Array) -> Array:
        image: Array = backward(forward(u))[0]
        return image

    def step(_: Any, u: Array) -> Array:
        image = around(u)
        return image / jnp.maximum(jnp.linalg.norm(image.reshape(-1)), _TINY)

    start = jax.random.normal(key, x.shape, x.dtype)
    u = jax.lax.fori_loop(0, steps, step, start / jnp.linalg.norm(start.reshape(-1)))
    length = jnp.linalg.norm(u.reshape(-1))  # zero where the Jacobian is
    square = jnp.square(jnp.linalg.norm(forward(u).reshape(-1)) / jnp.maximum(length, _TINY))
    left = jnp.linalg.norm((around(u) - square * u).reshape(-1))
    return Slope(jnp.sqrt(square), left / jnp.maximum(square, _TINY))


def attention_lipschitz(
    config: Transformer,
    params: dict[str, Any],
    layer: int,
    x_BLM: Float[Array, "B L M"],
    *,
    key: Key[Array, ""],
    steps: int,
) -> Slope:
    """Return for each sequence the slope of one layer's attention A as a map of all its inputs to all its outputs.

    The inputs are what enters the projections, ``Observation.into_attention_NBLM`` of the layer.

    Error: that of `local_lipschitz`.
    """

    def one(x_LM: Array, key: Key[Array, ""]) -> Slope:
        return local_lipschitz(lambda x: network.attend(config, params, layer, x[None])[0], x_LM, key=key, steps=steps)

    return jax.vmap(one)(x_BLM, jax.random.split(key, len(x_BLM)))


def feedforward_lipschitz(
    config: Transformer,
    params: dict[str, Any],
    layer: int,
    x_BM: Float[Array, "B M"],
    *,
    key: Key[Array, ""],
    steps: int,
) -> Slope:
    """Return for each vector the slope of one layer's feed-forward network.

    The inputs are what enters its first matrix, rows of ``Observation.into_feedforward_NBLM`` of the layer.

    Error: that of `local_lipschitz`.
    """

    def one(x_M: Array, key: Key[Array, ""]) -> Slope:
        fed = lambda x: network.feed(config, params, layer, x[None, None])[0, 0]  # noqa: E731
        return local_lipschitz(fed, x_M, key=key, steps=steps)

    return jax.vmap(one)(x_BM, jax.random.split(key, len(x_BM)))
