"""Scaled dot-product attention."""

import jax
import jax.numpy as jnp
import msgspec
from jaxtyping import Array, Float

from testbed import catalog


class Softmax(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__name__)):
    """Average of the values under softmax(scale · q kᵀ), over the positions up to the query's.

    Source: Vaswani et al., Attention Is All You Need (arXiv 1706.03762), equation 1, with a free scale.
    """

    def weights(
        self, q_LHK: Float[Array, "L H K"], k_LHK: Float[Array, "L H K"], *, scale: float
    ) -> Float[Array, "H L L"]:
        """Return the weight that query t (row) gives to position s (column), zero where s > t."""
        return jax.nn.softmax(_scores(q_LHK, k_LHK, scale), axis=-1)

    def __call__(
        self, q_LHK: Float[Array, "L H K"], k_LHK: Float[Array, "L H K"], v_LHK: Float[Array, "L H K"], *, scale: float
    ) -> Float[Array, "L H K"]:
        """Return the averaged values of every query and head.

        The sum over the past is divided by its total weight at the end: L·H·K divisions in place of L·L·H.
        """
        scores_HLL = _scores(q_LHK, k_LHK, scale)
        highest_HL1 = jax.lax.stop_gradient(scores_HLL.max(axis=-1, keepdims=True))
        mass_HLL = jnp.exp(scores_HLL - highest_HL1)
        total_LH1 = mass_HLL.sum(axis=-1).T[..., None]
        return jnp.einsum("hts,shk->thk", mass_HLL, v_LHK) / total_LH1


def _scores(q_LHK: Float[Array, "L H K"], k_LHK: Float[Array, "L H K"], scale: float) -> Float[Array, "H L L"]:
    length = q_LHK.shape[0]
    future_LL = jnp.where(jnp.tri(length, dtype=bool), 0.0, -jnp.inf).astype(q_LHK.dtype)
    return jnp.einsum("thk,shk->hts", q_LHK * scale, k_LHK) + future_LL[None]
