"""A nonlinearity that jumps at zero."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.ground.checked import Checked


class Step(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """sign(x): −1 below zero, 0 at zero, 1 above; bounded and not continuous.

    Its gradient is zero wherever there is one, so that what stands before it does not learn.
    """

    lipschitz: ClassVar[float] = math.inf
    """Infinite, because of the jump at zero."""

    def __call__(self, x_LF: Float[Array, "L F"]) -> Float[Array, "L F"]:
        """Return the nonlinearity, element by element."""
        return jnp.sign(x_LF)
