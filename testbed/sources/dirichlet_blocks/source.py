"""Blocks of independent tokens, each block with a law of its own, drawn from a Dirichlet law."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import dirichlet_law, renewal, simplex
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.sources import _blocked
from testbed.sources.dirichlet_blocks import entropies, kernels
from testbed.sources.dirichlet_blocks.fields import Fields
from testbed.sources.dirichlet_blocks.kernels import Latents, Layout, Tables


class DirichletBlocks(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """Blocks of independent tokens of one law per block, drawn afresh from a Dirichlet law; blocks are independent.

    A law of a continuum never comes back, so that a block can only be learned while it lasts. Blocks of fixed length
    that are aligned have boundaries known from the position alone. The oracle knows the boundaries and the laws.
    """

    good_for: ClassVar[str] = (
        "Stationary blocks whose law must be estimated anew in each of them: the Bayes curve is a saw tooth whose teeth"
        " have the height of the cost of learning, and a longer context is worth nothing beyond the present block."
    )

    @classmethod
    def exhibit(cls) -> "DirichletBlocks":
        """Return blocks of sixteen tokens of eight symbols, with known boundaries."""
        return cls(vocabulary=8)

    @property
    def alphabet(self) -> int:
        """Return the number of symbols, the announcer included."""
        return self.vocabulary + self.announced

    def machine(self) -> Absent:
        """Return the reason why there is none."""
        return Absent("the law of a block is one of a continuum")

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment, from the chances that blocks begin there or that one lasts.

        Tokens of one block are two draws of one law, other ones independent of each other and of announcers.
        """
        finite.check_lag(lag)
        weights_V, lengths, begins = self.dirichlet(), self.length_law(), 1 / self.block_length
        mean_V = dirichlet_law.mean_law(weights_V)
        within_VV = dirichlet_law.pair_law(weights_V) if lag else np.diag(mean_V)
        lasts = renewal.tail(lengths, lag + self.announced) * begins
        if not self.announced:
            return np.asarray(lasts * within_VV + (1 - lasts) * np.outer(mean_V, mean_V))
        again = float(renewal.renewals(lengths, lag + 1)[lag])
        apart = max(1 - begins * (2 - again) - lasts, 0.0)  # a difference, which rounding may leave below zero
        own_VV = lasts * within_VV + apart * np.outer(mean_V, mean_V)
        side_V1 = begins * (1 - again) * mean_V[:, None]
        return np.block([[own_VV, side_V1], [side_V1.T, np.full((1, 1), begins * again)]])

    def mixing(self) -> Mixing | Absent:
        """Return how fast tokens far apart become independent: as blocks end, and as announcers come back.

        Power-law lengths of tail index α give the exponent α-1, up to lags well below `longest`.
        """
        return _blocked.mixing(self, Mixing(decay="never", value=1.0))

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        lengths = self.length_law()
        layout = Layout(self.announced, None if self.lengths == "geometric" else len(lengths.hazard_J))
        begins = np.asarray(lengths.met_J[0] if self.phase == "uniform" else 1.0)
        ends = lengths.hazard_J, renewal.residual(lengths), begins
        return Tables(
            layout, dirichlet_law.urn(self.dirichlet(), dtype), *simplex.cast(dtype, *ends), *sampling.events(*ends)
        )

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the number of the block of each token."""
        return kernels.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction: by counts since an announcer, or by exact filtering over the age of the block.

        The latter costs R + V operations a token, where R is the longest block or the window, whichever is less.
        """
        return kernels.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: sums over counts where boundaries are known, and a closed form for the oracle.

        Where they are neither announced nor known from the position, contexts are enumerated or sampled. The rate
        is then a mean over a block for fixed lengths, as not knowing their phase costs at most ln w in all, and an
        interval for others.
        """
        return entropies.truth(self.for_window(length), length, budget)
