"""Blocks of stationary tokens: each block has a regime of its own, drawn afresh, and blocks are independent."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import renewal, simplex
from testbed.laws.kernels import blocks, sampling
from testbed.laws.kernels.blocks import Latents, Tables
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.laws.source import KnownLaws
from testbed.sources import _blocked, _components
from testbed.sources.block_stationary import chain, dependence, entropies
from testbed.sources.block_stationary.fields import Fields


class BlockStationary(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """Blocks of i.i.d. or Markov tokens, each from one of K component laws chosen afresh; blocks are independent.

    Inside a block a Markov component starts from its own stationary law.
    """

    good_for: ClassVar[str] = (
        "The paper's own assumption on data: stationary blocks, of which only the number grows with the context. The"
        " Bayes curve, the rate and the oracle differ visibly, so mistaking one for another shows."
    )

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
        return chain.machine(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment, from the chance that both lie in one block."""
        finite.check_lag(lag)
        return dependence.pair_law(self, lag)

    def known_laws(self, length: int) -> KnownLaws | Absent:
        """Return the component laws, where blocks begin aligned with a symbol that names them and are i.i.d. inside.

        The tokens that name a component are left out.
        """
        if not (self.announced and self.order == 0 and self.phase == "aligned"):
            return Absent("only announced, aligned blocks of independent tokens tell their law for sure")
        lengths = self.for_window(length).length_law()
        inside = 1 - float(renewal.renewals(lengths, length).mean())
        return KnownLaws(inside * self.regime_prior(), self.stationary_laws())

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
        cuts = sampling.laws(prior_K, initial_KA.reshape(-1), rows_KUV)
        hazards = lengths.hazard_J, renewal.residual(lengths)
        floats = simplex.cast(dtype, prior_K, *hazards, initial_K2, rows_KUV)
        return Tables(*floats, *cuts, *sampling.events(lengths.hazard_J))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the regime and the age in its block of each token."""
        return blocks.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over regime and age.

        A token costs K·(V + J) operations, where blocks have J ages or the window has J tokens, whichever is less.
        """
        return blocks.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: closed forms where boundaries are announced and aligned, and for the oracle.

        Others are sums over contexts as far as the budget goes, and sampled beyond.
        """
        return entropies.truth(self.for_window(length), length, budget)


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
