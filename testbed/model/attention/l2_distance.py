"""Attention by distance instead of by product."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.model.attention._attention import Attention, dots, exponential


class L2Distance(Attention, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Average of the values under softmax(−scale · |q − k|²), over the positions up to the query's.

    A key far from the query is given no weight however long it is, which tames the growth of a dot product's slope
    with the input. The cited proof of a Lipschitz constant also ties the query matrix to the key matrix, which this
    switch does not.

    Source: Kim, Papamakarios and Mnih, The Lipschitz Constant of Self-Attention (arXiv 2006.04710), section 3.2.
    """

    @property
    def lipschitz(self) -> float:
        """Return 1/2, that of a softmax in its scores."""
        return 0.5

    def scores(
        self, q_LHK: Float[Array, "L H K"], k_SHK: Float[Array, "S H K"], *, scale: float
    ) -> Float[Array, "H L S"]:
        """Return −scale · |q − k|².

        Error: computed as 2 q·k − |q|² − |k|², hence to the rounding of the largest of these three.
        """
        square_LH, square_SH = jnp.square(q_LHK).sum(axis=-1), jnp.square(k_SHK).sum(axis=-1)
        return dots(q_LHK, k_SHK, 2 * scale) - scale * (square_LH.T[:, :, None] + square_SH.T[:, None, :])

    def mass(self, scores_HLS: Float[Array, "H L S"]) -> Float[Array, "H L S"]:
        """Return exp(score − largest score of its row)."""
        return exponential(scores_HLS)
