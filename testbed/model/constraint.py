"""Constraints that keep assumptions true: vectors held in a ball, two matrices held to a product of norms."""

import jax.numpy as jnp
from jaxtyping import Array, Float

_TINY = 1e-30


def on_ball(x: Float[Array, "*rows K"], radius: float | None) -> Float[Array, "*rows K"]:
    """Return each vector, shortened to the radius where it is longer; unchanged without a radius.

    Error: the length may exceed the radius by a few roundings; lengths above 1e19 overflow in float32.
    """
    if radius is None:
        return x
    length = jnp.sqrt(jnp.maximum(jnp.square(x).sum(axis=-1, keepdims=True), _TINY))
    return x * jnp.minimum(1.0, radius / length)


def held(
    up_MF: Float[Array, "M F"], down_FM: Float[Array, "F M"], product: float
) -> tuple[Float[Array, "M F"], Float[Array, "F M"]]:
    """Return both matrices, times one factor, so that the product of their spectral norms is at most ``product``.

    Matrices that keep the limit are returned as they are.

    Error: the limit is kept to the rounding of a singular value, about 1e-6 of it in float32.
    """
    norms = jnp.linalg.norm(up_MF, ord=2) * jnp.linalg.norm(down_FM, ord=2)
    factor = jnp.sqrt(product / jnp.maximum(norms, product))
    return up_MF * factor, down_FM * factor
