"""Attention that cannot look far back: softmax over the last few positions."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.model.attention._attention import Attention, dots, exponential


class Recent(Attention, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Softmax over the last `span` positions, the query's own included."""

    span: int = 4
    """Positions that are seen."""

    @property
    def lipschitz(self) -> float:
        """Return that of softmax."""
        return 0.5

    def scores(
        self, q_LHK: Float[Array, "L H K"], k_SHK: Float[Array, "S H K"], *, scale: float
    ) -> Float[Array, "H L S"]:
        """Return scale · q kᵀ, and −∞ for what is too far back; the last query stands at the last key."""
        scores_HLS = dots(q_LHK, k_SHK, scale)
        queries, keys = scores_HLS.shape[1:]
        back_LS = (jnp.arange(queries) + keys - queries)[:, None] - jnp.arange(keys)
        return jnp.where(back_LS < self.span, scores_HLS, -jnp.inf)

    def mass(self, scores_HLS: Float[Array, "H L S"]) -> Float[Array, "H L S"]:
        """Return exp(score), relative to the largest of its row."""
        return exponential(scores_HLS)
