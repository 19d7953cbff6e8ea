"""What every attention shares: from scores to a mass, from a mass to weights and averaged values."""

import abc
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from testbed.ground.checked import Checked

_TIE = 2.0**-19


class Attention(Checked, frozen=True, kw_only=True, tag_field="kind"):
    """A weighing of the past: each query scores the keys, and a mass of the scores becomes weights that sum to one.

    A variant states `scores`, `mass` and `lipschitz`. A score of −∞ forbids a pair; its mass is zero. The mass of a
    row depends on that row's scores alone, so that one query against many keys is weighed as in a whole sequence.
    """

    score_rows: ClassVar[int] = 3
    """Rows of scores a head and token that a gradient works in, an upper estimate."""

    @property
    @abc.abstractmethod
    def lipschitz(self) -> float:
        """Return how far, at most, a row of weights moves per unit that its scores move, both in the Euclidean norm.

        Infinite where weights jump.
        """

    @abc.abstractmethod
    def scores(
        self, q_LHK: Float[Array, "L H K"], k_SHK: Float[Array, "S H K"], *, scale: float
    ) -> Float[Array, "H L S"]:
        """Return the score of each query (row) with each key (column), forbidden pairs included."""

    @abc.abstractmethod
    def mass(self, scores_HLS: Float[Array, "H L S"]) -> Float[Array, "H L S"]:
        """Return weights up to a factor per row, in [0, 1], with at least one of them 1 where any score is finite."""

    def weights(
        self, q_LHK: Float[Array, "L H K"], k_LHK: Float[Array, "L H K"], *, scale: float
    ) -> Float[Array, "H L L"]:
        """Return the weight that query t (row) gives to position s (column), zero where s > t."""
        mass_HLL = self._past(q_LHK, k_LHK, scale)
        return mass_HLL / mass_HLL.sum(axis=-1, keepdims=True)

    def __call__(
        self, q_LHK: Float[Array, "L H K"], k_LHK: Float[Array, "L H K"], v_LHK: Float[Array, "L H K"], *, scale: float
    ) -> Float[Array, "L H K"]:
        """Return the averaged values of every query and head.

        The sum over the past is divided by its total mass at the end: L·H·K divisions in place of L·L·H.
        """
        mass_HLL = self._past(q_LHK, k_LHK, scale)
        total_LH1 = mass_HLL.sum(axis=-1).T[..., None]
        return jnp.einsum("hts,shk->thk", mass_HLL, v_LHK) / total_LH1

    def _past(self, q_LHK: Float[Array, "L H K"], k_LHK: Float[Array, "L H K"], scale: float) -> Float[Array, "H L L"]:
        """Return the mass of every pair, with the future forbidden."""
        length = q_LHK.shape[0]
        scores_HLL = self.scores(q_LHK, k_LHK, scale=scale)
        future_LL = jnp.where(jnp.tri(length, dtype=bool), 0.0, -jnp.inf).astype(q_LHK.dtype)
        return self.mass(scores_HLL + future_LL[None])


def dots(q_LHK: Float[Array, "L H K"], k_SHK: Float[Array, "S H K"], scale: float) -> Float[Array, "H L S"]:
    """Return scale · q kᵀ of every head."""
    return jnp.einsum("thk,shk->hts", q_LHK * scale, k_SHK)


def exponential(scores_HLS: Float[Array, "H L S"]) -> Float[Array, "H L S"]:
    """Return exp(score − largest score of its row)."""
    highest_HL1 = jax.lax.stop_gradient(scores_HLS.max(axis=-1, keepdims=True))
    return jnp.exp(scores_HLS - highest_HL1)


def reaching(scores_HLS: Float[Array, "H L S"], threshold_HL1: Float[Array, "H L 1"]) -> Float[Array, "H L S"]:
    """Return 1 where a score reaches its row's threshold and 0 elsewhere, without gradient.

    Error: equal scores may come out of a matrix product a few roundings apart, so that a score counts as reaching
    within 2⁻¹⁹ (sixteen roundings) of the largest absolute score in the row.
    """
    size_HLS = jnp.where(jnp.isfinite(scores_HLS), jnp.abs(scores_HLS), 0.0)
    slack_HL1 = _TIE * size_HLS.max(axis=-1, keepdims=True)
    return jax.lax.stop_gradient((scores_HLS >= threshold_HL1 - slack_HL1).astype(scores_HLS.dtype))
