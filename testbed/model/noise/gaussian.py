"""Light-tailed noise."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from testbed.ground import catalog
from testbed.ground.checked import Checked
from testbed.model import _refusals


class Gaussian(Checked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """Independent normal coordinates: unbounded, with all moments."""

    deviation: float = 1.0
    """Standard deviation of each coordinate; embeddings start at 1."""

    def __post_init__(self) -> None:
        _refusals.unless_positive("deviation", self.deviation)

    def __call__(self, *, key: Key[Array, ""], width: int) -> Float[Array, " M"]:
        """Return the noise of one token."""
        return self.deviation * jax.random.normal(key, (width,), jnp.float32)
