"""A nonlinearity with a kink at zero."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.ground.checked import Checked


class Relu(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """max(x, 0): Lipschitz with constant 1, not differentiable at zero."""

    lipschitz: ClassVar[float] = 1.0
    """Slope above zero."""

    def __call__(self, x_LF: Float[Array, "L F"]) -> Float[Array, "L F"]:
        """Return the nonlinearity, element by element."""
        return jnp.maximum(x_LF, 0.0)
