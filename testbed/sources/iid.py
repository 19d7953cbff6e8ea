"""Independent tokens of one law."""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import record, simplex, zipf_law
from testbed.laws.kernels import sampling
from testbed.laws.kernels.sampling import Cuts
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Budget, Mixing, Truth
from testbed.laws.source import NoLatents, Source


class Tables(NamedTuple):
    """The law as log-probabilities (nats), and for draws."""

    log_law_V: Float[Array, " V"]
    cuts: Cuts


class Iid(Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Independent tokens: uniform, or of the one law that `zipf`, `concentration` or `weights` gives."""

    good_for: ClassVar[str] = (
        "The control: no context helps, so every law of averages holds in its simplest form and any gain from a longer"
        " context is a fault of the instrument."
    )

    vocabulary: int
    """Number of symbols V."""
    zipf: float | None = None
    """Exponent a of P(v) ∝ (v+1)^-a."""
    concentration: float | None = None
    """Draw the law from the symmetric Dirichlet of this concentration."""
    seed: int = 0
    """Seed of that draw."""
    weights: tuple[float, ...] | None = None
    """The probabilities themselves."""

    def __post_init__(self) -> None:
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        simplex.laid_out(f"vocabulary={self.vocabulary}", self.vocabulary)
        simplex.seed(self.seed)
        given = [name for name in ("zipf", "concentration", "weights") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given: a source has one law; leave only one of them.")
        if self.zipf is not None:
            zipf_law.check("zipf", self.zipf, self.vocabulary)
        if self.concentration is not None:
            simplex.concentration("concentration", self.concentration)
            simplex.uncertain(self.concentration, self.law())
        if self.weights is not None:
            simplex.given_rows("weights", self.weights, (self.vocabulary,))

    @classmethod
    def exhibit(cls) -> "Iid":
        """Return sixteen symbols with Zipf's law."""
        return cls(vocabulary=16, zipf=1.0)

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return True."""
        return True

    @property
    def exchangeable(self) -> bool:
        """Return True."""
        return True

    def machine(self) -> Machine:
        """Return the machine of one state."""
        one_S = np.ones(1)
        return finite.from_matrices(self.law()[:, None, None], one_S, one_S)

    def law(self) -> Float[np.ndarray, " V"]:
        """Return P(X_t = v), float64."""
        if self.weights is not None:
            return simplex.given_rows("weights", self.weights, (self.vocabulary,))
        if self.concentration is not None:
            return simplex.dirichlet_rows((self.vocabulary,), self.concentration, seed=self.seed)
        return zipf_law.law(self.vocabulary, self.zipf or 0.0)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(a)·P(b), and at lag 0 one token."""
        finite.check_lag(lag)
        law_V = self.law()
        return np.outer(law_V, law_V) if lag else np.diag(law_V)

    def mixing(self) -> Mixing:
        """Return "independent"."""
        return Mixing(decay="independent", value=0.0)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        law_V = self.law()
        return Tables(*simplex.cast(dtype, simplex.logarithm(law_V)), *sampling.laws(law_V))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], NoLatents]:
        """Return one sequence; there are no latents."""
        tables = jax.tree.map(jnp.asarray, tables)
        return sampling.drawn(tables.cuts, sampling.words(key, (length,), tables.log_law_V.dtype)), NoLatents()

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the same row of log-probabilities at every position."""
        log_law_V = jnp.asarray(tables.log_law_V)
        return jnp.broadcast_to(log_law_V, (tokens_L.shape[0], log_law_V.shape[0]))

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies, all of them equal to that of the law: a closed form, so the budget is not used."""
        record.check_length(length)
        entropy = record.rounded(float(simplex.entropy(self.law())), self.vocabulary)
        return Truth(length=length, curve=(entropy,) * length, epsilon=entropy, rate=entropy, oracle=entropy)
