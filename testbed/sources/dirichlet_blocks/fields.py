"""What gives the world: blocks whose law is resampled; and the numbers that follow."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from testbed.laws import dirichlet_law, simplex
from testbed.laws.source import Source
from testbed.sources import _blocked
from testbed.sources._blocked import Blocked


class Fields(Blocked, Source, frozen=True, kw_only=True):
    """What gives the world."""

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
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        _blocked.check(self)
        self.dirichlet()

    def dirichlet(self) -> Float[np.ndarray, " V"]:
        """Return the weights of the Dirichlet law, float64."""
        return dirichlet_law.weights(self.vocabulary, self.concentration, self.weights)
