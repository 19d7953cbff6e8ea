"""Blocks of stationary tokens: each block has a regime of its own, drawn afresh, and blocks are independent."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed import catalog
from testbed.sources import _blocks, _laws
from testbed.sources._blocks import Latents, Tables
from testbed.sources._machine import Machine
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Truth


class BlockStationary(Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Blocks of i.i.d. or Markov tokens, each from one of K component laws chosen afresh; blocks are independent.

    Inside a block a Markov component starts from its own stationary law.
    """

    good_for: ClassVar[str] = (
        "The paper's own assumption on data: stationary blocks, of which only the number grows with the context. The"
        " Bayes curve, the rate and the oracle differ visibly, so mistaking one for another shows."
    )

    vocabulary: int = 32
    """Number of symbols V, announcers not counted."""
    regimes: int = 4
    """Number K of component laws."""
    block_length: int = 16
    """Mean block length w in tokens, announcer included."""
    lengths: Literal["fixed", "geometric"] = "fixed"
    """Law of the block lengths."""
    phase: Literal["aligned", "uniform"] = "aligned"
    """Whether a block begins at the first position, or the process is met at a random moment."""
    boundaries: Literal["hidden", "announced"] = "hidden"
    """Whether each block begins with a symbol V+k that names its regime k."""
    order: Literal[0, 1] = 1
    """Order of the components: 0 for i.i.d., 1 for Markov."""
    concentration: float = 0.15
    """Concentration of the symmetric Dirichlet law of the component rows (not used if `laws` are given)."""
    smoothing: float = 0.02
    """Weight of the uniform row mixed into each drawn row (not used if `laws` are given)."""
    seed: int = 0
    """Seed of the draw (not used if `laws` are given)."""
    laws: tuple[tuple[tuple[float, ...], ...], ...] | None = None
    """The component rows themselves: K × 1 × V for order 0, K × V × V for order 1."""
    prior: tuple[float, ...] | None = None
    """Probabilities of the regimes; uniform if not given."""

    def __post_init__(self) -> None:
        _laws.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        _laws.at_least("regimes", self.regimes, 1, "a block needs a law to draw from")
        _laws.one_of("lengths", self.lengths, ("fixed", "geometric"))
        _laws.one_of("phase", self.phase, ("aligned", "uniform"))
        _laws.one_of("boundaries", self.boundaries, ("hidden", "announced"))
        _laws.one_of("order", self.order, (0, 1))
        least, remedy = (2, "make room for a token after the announcer") if self.announced else (1, "use whole tokens")
        _laws.at_least("block_length", self.block_length, least, remedy)
        _laws.chain_size(self.vocabulary)
        _laws.positive("concentration", self.concentration)
        _laws.fraction("smoothing", self.smoothing)
        self.regime_prior()
        for component in self.components():
            if self.order:
                _laws.recurrent("a component chain", component)

    @classmethod
    def exhibit(cls) -> "BlockStationary":
        """Return the world of the main experiment."""
        return cls()

    @property
    def stationary(self) -> bool:
        """Return whether the window begins at a random moment of the process."""
        return self.phase == "uniform"

    def machine(self) -> Machine | Absent:
        """Return the machine of regime, age and previous symbol."""
        return Absent("not written yet")

    @property
    def alphabet(self) -> int:
        """Return the number of symbols, announcers included."""
        return self.vocabulary + (self.regimes if self.announced else 0)

    @property
    def announced(self) -> bool:
        """Return whether blocks begin with an announcer."""
        return self.boundaries == "announced"

    def regime_prior(self) -> Float[np.ndarray, " K"]:
        """Return the law of a block's regime, float64."""
        if self.prior is None:
            return np.full(self.regimes, 1 / self.regimes)
        return _laws.given_rows("prior", self.prior, (self.regimes,))

    def components(self) -> Float[np.ndarray, "K U V"]:
        """Return the component laws without announcers, float64: one row each for order 0, V rows for order 1."""
        shape = (self.regimes, self.vocabulary if self.order else 1, self.vocabulary)
        if self.laws is not None:
            return _laws.given_rows("laws", self.laws, shape)
        return _laws.dirichlet_rows(shape, self.concentration, seed=self.seed, smoothing=self.smoothing)

    def stationary_laws(self) -> Float[np.ndarray, "K V"]:
        """Return the stationary law of each component, float64."""
        if self.order == 0:
            return self.components()[:, 0]
        return np.stack([_laws.stationary("a component chain", chain) for chain in self.components()])

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        prior_K, rows_KUV = self.regime_prior(), _rows(self)
        hazard_J, age_J = _ages(self)
        initial_KJ = prior_K[:, None] * age_J
        cdfs = _laws.cumulative(prior_K), _laws.cumulative(initial_KJ.reshape(-1)), _laws.cumulative(rows_KUV)
        return Tables(*_laws.cast(dtype, prior_K, hazard_J, initial_KJ, rows_KUV, *cdfs))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the regime and the age in its block of each token."""
        return _blocks.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over regime and age, at K·(V + J) operations a token."""
        return _blocks.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; closed forms where boundaries are announced and aligned, and for the oracle."""
        from testbed.sources import _block_truth  # late, as it is about this class

        return _block_truth.truth(self, length, budget)


def _rows(source: BlockStationary) -> Float[np.ndarray, "K U V"]:
    """Return the symbol laws given regime and context; see `Tables`."""
    start_K1V = source.stationary_laws()[:, None]
    previous = source.components() if source.order else start_K1V[:, :0]
    if not source.announced:
        return np.concatenate([previous, start_K1V, start_K1V], axis=1)
    after_announcer = np.repeat(start_K1V, source.regimes if source.order else 0, axis=1)
    padded = np.concatenate([previous, after_announcer, start_K1V], axis=1)
    padded = np.pad(padded, ((0, 0), (0, 0), (0, source.regimes)))
    announcer_K1V = np.eye(source.regimes, source.alphabet, source.vocabulary)[:, None]
    return np.concatenate([padded, announcer_K1V], axis=1)


def _ages(source: BlockStationary) -> tuple[Float[np.ndarray, " J"], Float[np.ndarray, " J"]]:
    """Return, per age, the chance that the block ends there and the probability of meeting it at position 1."""
    length = source.block_length
    if source.lengths == "fixed":
        hazard_J = np.eye(length)[-1]
        met_J = np.full(length, 1 / length)
    else:
        hazard_J = np.full(2, 1 / length)
        met_J = np.array([1 / length, 1 - 1 / length])
    return hazard_J, met_J if source.phase == "uniform" else np.eye(len(met_J))[0]
