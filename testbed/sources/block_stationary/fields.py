"""What gives the world: regimes and blocks; and the numbers that follow."""

from typing import Literal

import numpy as np

from testbed.laws import renewal
from testbed.laws.machines.finite import Informed
from testbed.sources import _blocked
from testbed.sources._blocked import Blocked
from testbed.sources._components import Components


class Fields(Blocked, Components, frozen=True, kw_only=True):
    """What gives the world."""

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

    def informed(self) -> Informed:
        """Return the laws of a token given its regime, where its block began, and the token before it in its block."""
        prior_K, rows_KUV, lengths = self.regime_prior(), self.components(), self.length_law()
        begins = 1 / lengths.mean
        first = begins * float(renewal.survival(lengths, 2)[1]) if self.announced else begins
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
