"""One regime for ever: a component law is chosen once, and all tokens of the sequence come from it."""

from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import simplex
from testbed.laws.kernels import blocks, sampling
from testbed.laws.kernels.blocks import Tables
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.sources import _components
from testbed.sources._components import Components
from testbed.sources.one_regime import entropies


class Latents(NamedTuple):
    """The regime of the sequence."""

    regime: Int32[Array, ""]


class OneRegime(Components, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """Tokens of one of K component laws, i.i.d. or Markov, chosen once for the whole sequence."""

    good_for: ClassVar[str] = (
        "The limit in which averages do not converge: a window holds a single block however long it is, so the spread"
        " of a mean stays where the regimes put it, while the Bayes prediction soon knows the regime."
    )

    @classmethod
    def exhibit(cls) -> "OneRegime":
        """Return four chains on twelve symbols."""
        return cls(vocabulary=12, concentration=0.5)

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return True: each component starts from its stationary law."""
        return True

    @property
    def exchangeable(self) -> bool:
        """Return whether tokens of one regime are independent."""
        return self.order == 0

    def machine(self) -> Machine | Absent:
        """Return the machine of regime and, for order 1, previous symbol."""
        return _components.machine(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return Σ_z P(z)·diag(π_z)·P_z^lag."""
        finite.check_lag(lag)
        return _components.pair_law(self, lag)

    def mixing(self) -> Mixing | Absent:
        """Return "never", or if all regimes have one symbol law, the decay inside a regime."""
        return _components.mixing(self)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law: those of a block that begins at the first position and never ends."""
        prior_K, start_K1V = self.regime_prior(), self.stationary_laws()[:, None]
        previous = self.components() if self.order else start_K1V[:, :0]
        rows_KUV = np.concatenate([previous, start_K1V, start_K1V], axis=1)
        never_J = np.zeros(2)
        initial_K2 = np.stack([prior_K, np.zeros_like(prior_K)], axis=1)
        cuts = sampling.laws(prior_K, prior_K, rows_KUV)
        floats = simplex.cast(dtype, prior_K, never_J, never_J, initial_K2, rows_KUV)
        return Tables(*floats, *cuts, *sampling.events(never_J))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence and its regime."""
        tokens_L, latents = blocks.sampled(tables, key, length)
        return tokens_L, Latents(latents.regime_L[0])

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over the regime, at K·V operations a token."""
        return blocks.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; the rate is the oracle, as the regime is learned in the end or makes no difference.

        It is a closed form. The curve is a sum over the distinct posteriors of the regime (for order 0, over counts)
        as far as the budget goes, and sampled beyond.
        """
        return entropies.truth(self, length, budget)
