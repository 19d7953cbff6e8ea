"""Partition-tree weighting: the mixture of all piecewise laws whose pieces are halves of halves of the window."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from testbed.ground import catalog
from testbed.predictors import _trees
from testbed.predictors._predictor import Predictor, check_count, check_pseudo_count, estimator


class PartitionTree(Predictor, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Partition-tree weighting: counting that starts afresh in each piece of a binary partition of time, mixed.

    The window of n tokens is the beginning of 2^d positions, d = ⌈log₂ n⌉, which are halved again and again; a
    partition P has the prior 2^-Γ(P), with Γ(P) the number of nodes of its tree less its pieces of one position. The
    length of the window is thus part of the law. Counts of order k start afresh in a piece; contexts reach across.

    Bound: −ln q(x) exceeds the loss of counting within the pieces of any such partition P by at most Γ(P)·ln 2. Any m
    pieces can be cut into at most m·(d+1) dyadic ones.
    Source: Veness, White, Bowling and György (2013), "Partition tree weighting", Data Compression Conference.
    """

    order: int = 0
    """Number k of previous tokens that are the context of the counts."""
    pseudo_count: float = 0.5
    """β of the counting within a piece; see `counting`."""

    def __post_init__(self) -> None:
        check_count("order", self.order, 0)
        check_pseudo_count(self.pseudo_count)

    @property
    def label(self) -> str:
        """Return for example "partition tree, order 0"."""
        named = "" if self.pseudo_count == 0.5 else f", {estimator(self.pseudo_count)}"
        return f"partition tree, order {self.order}{named}"

    def log_predictive(self, tokens_L: Int[Array | np.ndarray, " L"], alphabet: int) -> Float[Array, "L V"]:
        """Return the mixture's prediction, from the dyadic pieces around each position."""
        position_L, levels = jnp.arange(len(tokens_L), dtype=jnp.int32), (len(tokens_L) - 1).bit_length()
        piece_JL = jnp.stack([position_L >> level << level for level in range(levels, -1, -1)])
        counting_JL = jax.vmap(lambda piece_L: _trees.contexts(tokens_L, self.order, alphabet, piece_L)[-1])(piece_JL)
        return _trees.weighted(tokens_L, piece_JL, counting_JL, alphabet, self.pseudo_count)
