"""Softmax over a few keys."""

import math
from typing import ClassVar

import jax
from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.model import _refusals
from testbed.model.attention._attention import Attention, dots, exponential, reaching


class TopK(Attention, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Average of the values under a softmax over the largest scores among the positions up to the query's.

    Keys tied with the last one that is kept are kept too, so that the order of the keys plays no part. Where fewer
    keys than `count` lie in the past, all are kept. The choice of keys is piecewise constant and gets no gradient.

    Error: scores within 2⁻¹⁹ of the last one kept, relative to the largest absolute score of the row, count as ties.
    """

    count: int = 4
    """Number of scores that are kept, at least 1; 1 is hard max, and as many as positions is softmax."""

    score_rows: ClassVar[int] = 5
    """Those of a softmax, and the sorted scores with their places."""

    def __post_init__(self) -> None:
        _refusals.unless_between("count", self.count, 1, 2**20)

    @property
    def lipschitz(self) -> float:
        """Return infinity: weight jumps where a score enters the largest ones."""
        return math.inf

    def scores(
        self, q_LHK: Float[Array, "L H K"], k_SHK: Float[Array, "S H K"], *, scale: float
    ) -> Float[Array, "H L S"]:
        """Return scale · q kᵀ."""
        return dots(q_LHK, k_SHK, scale)

    def mass(self, scores_HLS: Float[Array, "H L S"]) -> Float[Array, "H L S"]:
        """Return exp(score − largest score of its row) for the scores that are kept, and 0 for the others."""
        kept_HLC = jax.lax.top_k(jax.lax.stop_gradient(scores_HLS), min(self.count, scores_HLS.shape[-1]))[0]
        return exponential(scores_HLS) * reaching(scores_HLS, kept_HLC[..., -1:])
