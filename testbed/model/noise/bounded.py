"""Bounded noise."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from testbed.ground import catalog
from testbed.ground.checked import Checked
from testbed.model import _refusals


class Bounded(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """Uniform in the ball of a radius, in as many dimensions as the model is wide: no norm exceeds the radius."""

    radius: float = 1.0
    """Radius of the ball, above zero."""

    def __post_init__(self) -> None:
        _refusals.unless_positive("radius", self.radius)

    def __call__(self, *, key: Key[Array, ""], width: int) -> Float[Array, " M"]:
        """Return the noise of one token.

        Error: the norm may exceed the radius by rounding.
        """
        direction_key, depth_key = jax.random.split(key)
        direction_M = jax.random.normal(direction_key, (width,), jnp.float32)
        depth = jax.random.uniform(depth_key, dtype=jnp.float32) ** (1 / width)
        return direction_M * (self.radius * depth / jnp.linalg.norm(direction_M))
