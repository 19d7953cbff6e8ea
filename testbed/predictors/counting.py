"""Counting what followed each context of k tokens."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from testbed.ground import catalog
from testbed.predictors import _trees
from testbed.predictors._predictor import Predictor, check_count, check_pseudo_count, estimator


class Counting(Predictor, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Additive smoothing of the counts after the last k tokens: (n_v + β) / (n + β·V), by default with KT's β = ½.

    The first k tokens have contexts of their own, shorter ones, each seen once: they are predicted uniformly. The law
    of a whole sequence is V^-k times a Dirichlet-multinomial law for each context that occurs.

    Bound: for β = ½, −ln q(x) exceeds the loss of the best order-k chain in hindsight by at most k·ln V plus
    (V−1)/2 · ln n_u + ln V for each context u, which occurs n_u times.
    Source: Krichevsky and Trofimov (1981); Tjalkens, Shtarkov and Willems (1993) for any alphabet.
    """

    order: int = 0
    """Number k of previous tokens that are the context."""
    pseudo_count: float = 0.5
    """β: what each symbol is taken to have been seen before (½ Krichevsky-Trofimov, 1 Laplace)."""

    def __post_init__(self) -> None:
        check_count("order", self.order, 0)
        check_pseudo_count(self.pseudo_count)

    @property
    def label(self) -> str:
        """Return for example "KT, order 1"."""
        return f"{estimator(self.pseudo_count)}, order {self.order}"

    def log_predictive(self, tokens_L: Int[Array | np.ndarray, " L"], alphabet: int) -> Float[Array, "L V"]:
        """Return the smoothed frequencies of what followed the same context before."""
        root_L = jnp.zeros(len(tokens_L), jnp.int32)
        node_L = _trees.contexts(tokens_L, self.order, alphabet, root_L)[-1]
        return _trees.counted(tokens_L, node_L, alphabet, self.pseudo_count)
