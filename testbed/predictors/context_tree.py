"""Context-tree weighting: the mixture of all chains of variable order."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from testbed.ground import catalog
from testbed.predictors import _trees
from testbed.predictors._predictor import Predictor, check_count, check_pseudo_count, estimator


class ContextTree(Predictor, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Context-tree weighting: counting at the leaves of every suffix tree of depth at most D, mixed by a prior.

    A tree S has the prior 2^-Γ(S), with Γ(S) the number of its nodes less its leaves at depth D. A position with fewer
    tokens before it than a leaf asks for has a context of its own and is predicted uniformly there.

    Bound: −ln q(x) exceeds the loss of counting at the leaves of any tree S by at most Γ(S)·ln 2.
    Source: Willems, Shtarkov and Tjalkens (1995), IEEE Trans. Inf. Theory 41(3); for any alphabet by the same authors
    (1993), "Sequential weighting algorithms for multi-alphabet sources".
    """

    depth: int = 3
    """Longest context D in tokens."""
    pseudo_count: float = 0.5
    """β of the counting at the leaves; see `counting`."""

    def __post_init__(self) -> None:
        check_count("depth", self.depth, 1)
        check_pseudo_count(self.pseudo_count)

    @property
    def label(self) -> str:
        """Return for example "context tree, depth 3"."""
        named = "" if self.pseudo_count == 0.5 else f", {estimator(self.pseudo_count)}"
        return f"context tree, depth {self.depth}{named}"

    def log_predictive(self, tokens_L: Int[Array | np.ndarray, " L"], alphabet: int) -> Float[Array, "L V"]:
        """Return the mixture's prediction, from the nodes on the path of each position's context."""
        node_JL = _trees.contexts(tokens_L, self.depth, alphabet, jnp.zeros(len(tokens_L), jnp.int32))
        return _trees.weighted(tokens_L, node_JL, node_JL, alphabet, self.pseudo_count)
