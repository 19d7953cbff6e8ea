"""Independent tokens of a law that is resampled for each sequence: Pólya's urn."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import dirichlet_law, record, simplex
from testbed.laws.dirichlet_law import Urn
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.laws.source import NoLatents, Source


class Polya(Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Independent tokens of one law per sequence, which is drawn from a Dirichlet law and kept for ever.

    Without the law, the tokens are exchangeable: the chance of a symbol is (count + weight)/(t + sum of the weights).
    The oracle knows the law; no latent holds it, as it is the limit of the frequencies of an endless sequence.
    """

    good_for: ClassVar[str] = (
        "Learning in context at its simplest: the excess of h_t over its limit is (V-1)/(2t), the price of estimating"
        " a law from t tokens. The law differs from sequence to sequence for ever, so averages do not converge to one"
        " number."
    )

    vocabulary: int
    """Number of symbols V."""
    concentration: float = 1.0
    """Weight of every symbol in the Dirichlet law (not used if `weights` are given)."""
    weights: tuple[float, ...] | None = None
    """Weights of the symbols in the Dirichlet law; their mean law is proportional to them."""

    def __post_init__(self) -> None:
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        self.dirichlet()

    @classmethod
    def exhibit(cls) -> "Polya":
        """Return eight symbols with a uniform law over all laws."""
        return cls(vocabulary=8)

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return True: the order of the tokens plays no part."""
        return True

    @property
    def exchangeable(self) -> bool:
        """Return True: the counts so far are all that counts."""
        return True

    def dirichlet(self) -> Float[np.ndarray, " V"]:
        """Return the weights of the Dirichlet law, float64."""
        return dirichlet_law.weights(self.vocabulary, self.concentration, self.weights)

    def machine(self) -> Absent:
        """Return the reason why there is none."""
        return Absent("the law of a sequence is one of a continuum")

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return the law of two draws of one law, the same at every lag but 0."""
        finite.check_lag(lag)
        weights_V = self.dirichlet()
        return dirichlet_law.pair_law(weights_V) if lag else np.diag(dirichlet_law.mean_law(weights_V))

    def mixing(self) -> Mixing:
        """Return "never"."""
        return Mixing(decay="never", value=1.0)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Urn:
        """Return the numbers of the urn."""
        return dirichlet_law.urn(self.dirichlet(), dtype)

    @staticmethod
    def sample(tables: Urn, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], NoLatents]:
        """Return one sequence, drawn from the urn."""
        urn = jax.tree.map(jnp.asarray, tables)
        words_L = sampling.words(key, (length,), urn.total.dtype)
        return dirichlet_law.drawn(urn, words_L, jnp.arange(length, dtype=jnp.int32)), NoLatents()

    @staticmethod
    def log_predictive(tables: Urn, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return log (count + weight)/(t + sum of the weights) with the counts of the tokens so far."""
        urn = jax.tree.map(jnp.asarray, tables)
        once_LV = jax.nn.one_hot(jnp.asarray(tokens_L), len(urn.weights_V), dtype=urn.total.dtype)
        count_LV = jnp.cumsum(once_LV, axis=0) - once_LV
        seen_L = jnp.arange(len(tokens_L), dtype=urn.total.dtype)
        return jnp.log(jax.vmap(dirichlet_law.prediction, in_axes=(None, 0, 0))(urn, count_LV, seen_L))

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: sums over the count of a symbol, and a closed form for their limit.

        Beyond `dirichlet_law.MOST_DRAWS` tokens they lie between bounds. All are certain, so no samples are drawn.

        Error: ValueError if a bound is further off than `budget.width`.
        """
        record.check_length(length)
        ends_2L = dirichlet_law.bounds(self.dirichlet(), length)
        curve, epsilon = dirichlet_law.summed(ends_2L, 8.0 * length + self.vocabulary)
        rate = dirichlet_law.mean_entropy(self.dirichlet())
        found = Truth(length=length, curve=curve, epsilon=epsilon, rate=rate, oracle=rate)
        record.check_width(found, budget)
        return found
