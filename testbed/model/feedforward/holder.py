"""A nonlinearity with a cusp at zero."""

import math
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.ground.checked import Checked


class Holder(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """sign(x) · |x|^h: Hölder with exponent h and constant 2^(1−h), not Lipschitz at zero.

    Error: the slope at zero is infinite; its gradient there is given as 0.
    """

    exponent: float = 0.5
    """h, between 0 and 1."""

    lipschitz: ClassVar[float] = math.inf
    """Infinite, because of the slope at zero."""

    def __post_init__(self) -> None:
        if not 0 < self.exponent < 1:
            raise ValueError(
                f"exponent={self.exponent!r} is refused: it must lie between 0 and 1; use for example 0.5."
            )

    def __call__(self, x_LF: Float[Array, "L F"]) -> Float[Array, "L F"]:
        """Return the nonlinearity, element by element."""
        nonzero_LF = jnp.where(x_LF == 0, 1.0, x_LF)
        return jnp.where(x_LF == 0, 0.0, jnp.sign(nonzero_LF) * jnp.abs(nonzero_LF) ** self.exponent)
