"""Heavy-tailed noise."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from testbed.ground import catalog
from testbed.ground.checked import Checked
from testbed.model import _refusals


class Student(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """Independent coordinates of Student's t law times a scale: the tail index is the number of degrees of freedom.

    Moments of order up to, and not including, ``freedom`` are finite: no variance at 2 and below, no mean at 1 and
    below.

    Error: drawn from uniforms in steps of 2⁻²³, so that values beyond that quantile do not occur.
    Source: Bailey, Polar generation of random variates with the t-distribution (Math. Comp. 62, 1994), with a
    uniform angle in place of rejection.
    """

    scale: float = 1.0
    """Factor on the t variates; with freedom ν > 2 the standard deviation is scale · √(ν/(ν−2))."""
    freedom: float = 3.0
    """Degrees of freedom, above zero."""

    def __post_init__(self) -> None:
        _refusals.unless_positive("scale", self.scale)
        _refusals.unless_positive("freedom", self.freedom)

    def __call__(self, *, key: Key[Array, ""], width: int) -> Float[Array, " M"]:
        """Return the noise of one token."""
        radius_key, angle_key = jax.random.split(key)
        depth_M = jax.random.exponential(radius_key, (width,), jnp.float32)
        angle_M = jax.random.uniform(angle_key, (width,), jnp.float32, maxval=2 * math.pi)
        radius_M = jnp.sqrt(self.freedom * jnp.expm1(depth_M * (2 / self.freedom)))
        return self.scale * radius_M * jnp.cos(angle_M)
