"""Blocks of stationary tokens: each block has a regime of its own, drawn afresh, and blocks are independent."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed import catalog
from testbed.sources import _blocked, _blocks, _components, _draws, _laws, _machine, _renewal
from testbed.sources._blocked import Blocked
from testbed.sources._blocks import Latents, Tables
from testbed.sources._components import Components
from testbed.sources._machine import Informed, Machine
from testbed.sources._truth import Absent, Budget, Mixing, Truth


class BlockStationary(Blocked, Components, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Blocks of i.i.d. or Markov tokens, each from one of K component laws chosen afresh; blocks are independent.

    Inside a block a Markov component starts from its own stationary law.
    """

    good_for: ClassVar[str] = (
        "The paper's own assumption on data: stationary blocks, of which only the number grows with the context. The"
        " Bayes curve, the rate and the oracle differ visibly, so mistaking one for another shows."
    )

    block_length: int = 16
    """Mean block length w in tokens, announcer included (not used if `block_share` is given)."""
    block_share: float | None = None
    """Let w grow with the window: blocks of this share ρ of it, w = ρ·n rounded."""
    lengths: Literal["fixed", "geometric", "power_law"] = "fixed"
    """Law of the block lengths."""
    tail: float | None = None
    """Tail index α > 1 of power-law lengths, P(length > s) ∝ (1+s/c)^-α - (1+longest/c)^-α with c set by the mean."""
    longest: int = 65536
    """Where power-law lengths are cut; correlations follow the power law only at lags well below it."""
    phase: Literal["aligned", "uniform"] = "aligned"
    """Whether a block begins at the first position, or the process is met at a random moment."""
    boundaries: Literal["hidden", "announced"] = "hidden"
    """Whether each block begins with a symbol V+k that names its regime k."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _blocked.check(self)

    @classmethod
    def exhibit(cls) -> "BlockStationary":
        """Return the world of the main experiment."""
        return cls()

    @property
    def alphabet(self) -> int:
        """Return the number of symbols, announcers included."""
        return self.vocabulary + (self.regimes if self.announced else 0)

    @property
    def stationary(self) -> bool:
        """Return whether blocks are met at any place alike, or are all alike and i.i.d. inside."""
        alike = self.regimes == 1 or (self.laws is not None and len(set(self.laws)) == 1)
        return super().stationary or (alike and self.order == 0 and not self.announced)

    def machine(self) -> Machine | Absent:
        """Return the machine of regime, age and previous symbol."""
        from testbed.sources import _block_machine  # late, as it is about this class

        return _block_machine.machine(self)

    def informed(self) -> Informed:
        """Return the laws of a token given its regime, where its block began, and the token before it in its block."""
        prior_K, rows_KUV, lengths = self.regime_prior(), self.components(), self.length_law()
        begins = 1 / lengths.mean
        first = begins * float(_renewal.survival(lengths, 2)[1]) if self.announced else begins
        named = begins if self.announced else 0.0
        seen_KU = self.stationary_laws() if self.order else np.ones((self.regimes, 1))
        later_KU = (1 - named - first) * prior_K[:, None] * seen_KU
        rows_SV = np.concatenate([self.stationary_laws(), rows_KUV.reshape(-1, self.vocabulary)])
        weight_S = np.concatenate([first * prior_K, later_KU.reshape(-1)])
        if not self.announced:
            return Informed(weight_S, rows_SV)
        rows_SV = np.pad(rows_SV, ((0, self.regimes), (0, self.regimes)))
        rows_SV[-self.regimes :, self.vocabulary :] = np.eye(self.regimes)
        return Informed(np.concatenate([weight_S, named * prior_K]), rows_SV)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment, from the chance that both lie in one block."""
        from testbed.sources import _block_dependence  # late, as it is about this class

        _machine.check_lag(lag)
        return _block_dependence.pair_law(self, lag)

    def mixing(self) -> Mixing | Absent:
        """Return how fast tokens far apart become independent.

        Power-law lengths of tail index α give the exponent α-1. That holds up to lags well below `longest`, beyond
        which nothing is left; where the cut leaves less than a factor of ten in the lag, the cut is what is told.
        """
        return _blocked.mixing(self, _components.mixing(self))

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        prior_K, rows_KUV, lengths = self.regime_prior(), _rows(self), self.length_law()
        age_A = lengths.met_J if self.phase == "uniform" else np.ones(1)
        initial_KA = prior_K[:, None] * age_A
        initial_K2 = np.stack([initial_KA[:, 0], initial_KA[:, 1:].sum(1)], axis=1)
        cuts = _draws.laws(prior_K, initial_KA.reshape(-1), rows_KUV)
        hazards = lengths.hazard_J, _renewal.residual(lengths)
        floats = _laws.cast(dtype, prior_K, *hazards, initial_K2, rows_KUV)
        return Tables(*floats, *cuts, *_draws.events(lengths.hazard_J))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the regime and the age in its block of each token."""
        return _blocks.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over regime and age.

        A token costs K·(V + J) operations, where blocks have J ages or the window has J tokens, whichever is less.
        """
        return _blocks.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: closed forms where boundaries are announced and aligned, and for the oracle.

        Others are sums over contexts as far as the budget goes, and sampled beyond.
        """
        from testbed.sources import _block_truth  # late, as it is about this class

        return _block_truth.truth(self.for_window(length), length, budget)


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
