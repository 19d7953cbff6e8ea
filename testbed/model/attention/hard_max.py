"""Attention at temperature zero."""

import math

from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.model.attention._attention import Attention, dots, reaching


class HardMax(Attention, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Value of the key with the largest score among the positions up to the query's; ties are averaged evenly.

    Weights are piecewise constant: queries and keys get no gradient, values do.

    Error: scores within 2⁻¹⁹ of the largest, relative to the largest absolute score of the row, count as ties.
    """

    @property
    def lipschitz(self) -> float:
        """Return infinity: all weight jumps where the two largest scores cross."""
        return math.inf

    def scores(
        self, q_LHK: Float[Array, "L H K"], k_SHK: Float[Array, "S H K"], *, scale: float
    ) -> Float[Array, "H L S"]:
        """Return scale · q kᵀ."""
        return dots(q_LHK, k_SHK, scale)

    def mass(self, scores_HLS: Float[Array, "H L S"]) -> Float[Array, "H L S"]:
        """Return 1 for the largest scores of each row and 0 for the others."""
        return reaching(scores_HLS, scores_HLS.max(axis=-1, keepdims=True))
