"""Blocks of independent tokens, each block with a law of its own, drawn from a Dirichlet law."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed import catalog
from testbed.sources import _blocked, _dirichlet, _dirichlet_kernels, _draws, _laws, _machine, _renewal
from testbed.sources._blocked import Blocked
from testbed.sources._dirichlet_kernels import Latents, Layout, Tables
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Mixing, Truth


class DirichletBlocks(Blocked, Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Blocks of independent tokens of one law per block, drawn afresh from a Dirichlet law; blocks are independent.

    A law of a continuum never comes back, so that a block can only be learned while it lasts. Blocks of fixed length
    that are aligned have boundaries known from the position alone. The oracle knows the boundaries and the laws.
    """

    good_for: ClassVar[str] = (
        "Stationary blocks whose law must be estimated anew in each of them: the Bayes curve is a saw tooth whose teeth"
        " have the height of the cost of learning, and a longer context is worth nothing beyond the present block."
    )

    vocabulary: int
    """Number of symbols V, the announcer not counted."""
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
    """Whether each block begins with the symbol V, which announces a block and says nothing of its law."""
    concentration: float = 1.0
    """Weight of every symbol in the Dirichlet law (not used if `weights` are given)."""
    weights: tuple[float, ...] | None = None
    """Weights of the symbols in the Dirichlet law; their mean law is proportional to them."""

    def __post_init__(self) -> None:
        _laws.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        _blocked.check(self)
        self.dirichlet()

    @classmethod
    def exhibit(cls) -> "DirichletBlocks":
        """Return blocks of sixteen tokens of eight symbols, with known boundaries."""
        return cls(vocabulary=8)

    @property
    def alphabet(self) -> int:
        """Return the number of symbols, the announcer included."""
        return self.vocabulary + self.announced

    def dirichlet(self) -> Float[np.ndarray, " V"]:
        """Return the weights of the Dirichlet law, float64."""
        return _dirichlet.weights(self.vocabulary, self.concentration, self.weights)

    def machine(self) -> Absent:
        """Return the reason why there is none."""
        return Absent("the law of a block is one of a continuum")

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment, from the chances that blocks begin there or that one lasts.

        Tokens of one block are two draws of one law, other ones independent of each other and of announcers.
        """
        _machine.check_lag(lag)
        weights_V, lengths, begins = self.dirichlet(), self.length_law(), 1 / self.block_length
        mean_V = _dirichlet.mean_law(weights_V)
        within_VV = _dirichlet.pair_law(weights_V) if lag else np.diag(mean_V)
        lasts = _renewal.tail(lengths, lag + self.announced) * begins
        if not self.announced:
            return np.asarray(lasts * within_VV + (1 - lasts) * np.outer(mean_V, mean_V))
        again = float(_renewal.renewals(lengths, lag + 1)[lag])
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
        ends = lengths.hazard_J, _renewal.residual(lengths), begins
        return Tables(layout, _dirichlet.urn(self.dirichlet(), dtype), *_laws.cast(dtype, *ends), *_draws.events(*ends))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the number of the block of each token."""
        return _dirichlet_kernels.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction: by counts since an announcer, or by exact filtering over the age of the block.

        The latter costs R + V operations a token, where R is the longest block or the window, whichever is less.
        """
        return _dirichlet_kernels.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: sums over counts where boundaries are known, and a closed form for the oracle.

        Where they are neither announced nor known from the position, contexts are enumerated or sampled. The rate
        is then a mean over a block for fixed lengths, as not knowing their phase costs at most ln w in all, and an
        interval for others.
        """
        from testbed.sources import _dirichlet_truth  # late, as it is about this class

        return _dirichlet_truth.truth(self.for_window(length), length, budget)
