"""Scaled dot-product attention."""

from jaxtyping import Array, Float

from testbed.ground import catalog
from testbed.model import _refusals
from testbed.model.attention._attention import Attention, dots, exponential


class Softmax(Attention, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Average of the values under softmax(scale · q kᵀ / temperature), over the positions up to the query's.

    Source: Vaswani et al., Attention Is All You Need (arXiv 1706.03762), equation 1, with a free scale.
    """

    temperature: float = 1.0
    """Divisor of the scores, above zero; towards zero all weight goes to the largest score."""

    def __post_init__(self) -> None:
        _refusals.unless_positive("temperature", self.temperature)

    @property
    def lipschitz(self) -> float:
        """Return 1/(2·temperature): a row a has the Jacobian (diag a − a aᵀ)/temperature, largest at two halves."""
        return 1 / (2 * self.temperature)

    def scores(
        self, q_LHK: Float[Array, "L H K"], k_SHK: Float[Array, "S H K"], *, scale: float
    ) -> Float[Array, "H L S"]:
        """Return scale · q kᵀ."""
        return dots(q_LHK, k_SHK, scale)

    def mass(self, scores_HLS: Float[Array, "H L S"]) -> Float[Array, "H L S"]:
        """Return exp(score/temperature), relative to the largest of its row."""
        return exponential(scores_HLS / self.temperature)
