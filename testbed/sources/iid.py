"""Independent tokens of one law."""

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed import catalog
from testbed.sources import _draws, _laws, _machine, _truth, _zipf
from testbed.sources._draws import Cuts
from testbed.sources._machine import Machine
from testbed.sources._source import NoLatents, Source
from testbed.sources._truth import Budget, Mixing, Truth


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
        _laws.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        _laws.laid_out(f"vocabulary={self.vocabulary}", self.vocabulary)
        _laws.seed(self.seed)
        given = [name for name in ("zipf", "concentration", "weights") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given: a source has one law; leave only one of them.")
        if self.zipf is not None:
            _zipf.check("zipf", self.zipf, self.vocabulary)
        if self.concentration is not None:
            _laws.concentration("concentration", self.concentration)
            _laws.uncertain(self.concentration, self.law())
        if self.weights is not None:
            _laws.given_rows("weights", self.weights, (self.vocabulary,))

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
        return _machine.from_matrices(self.law()[:, None, None], one_S, one_S)

    def law(self) -> Float[np.ndarray, " V"]:
        """Return P(X_t = v), float64."""
        if self.weights is not None:
            return _laws.given_rows("weights", self.weights, (self.vocabulary,))
        if self.concentration is not None:
            return _laws.dirichlet_rows((self.vocabulary,), self.concentration, seed=self.seed)
        return _zipf.law(self.vocabulary, self.zipf or 0.0)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(a)·P(b), and at lag 0 one token."""
        _machine.check_lag(lag)
        law_V = self.law()
        return np.outer(law_V, law_V) if lag else np.diag(law_V)

    def mixing(self) -> Mixing:
        """Return "independent"."""
        return Mixing(decay="independent", value=0.0)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        law_V = self.law()
        return Tables(*_laws.cast(dtype, _laws.logarithm(law_V)), *_draws.laws(law_V))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], NoLatents]:
        """Return one sequence; there are no latents."""
        tables = jax.tree.map(jnp.asarray, tables)
        return _draws.drawn(tables.cuts, _draws.words(key, (length,), tables.log_law_V.dtype)), NoLatents()

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the same row of log-probabilities at every position."""
        log_law_V = jnp.asarray(tables.log_law_V)
        return jnp.broadcast_to(log_law_V, (tokens_L.shape[0], log_law_V.shape[0]))

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies, all of them equal to that of the law: a closed form, so the budget is not used."""
        _truth.check_length(length)
        entropy = _truth.rounded(float(_laws.entropy(self.law())), self.vocabulary)
        return Truth(length=length, curve=(entropy,) * length, epsilon=entropy, rate=entropy, oracle=entropy)
