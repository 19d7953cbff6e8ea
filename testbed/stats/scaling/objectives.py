"""What a fit minimises: a sum over rows of the Huber loss, or of squares, of residuals of log loss or of loss."""

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

DELTA = 1e-3
"""Where the Huber loss turns from squares to absolute values, in log loss; that of Hoffmann et al."""


class Objective(NamedTuple):
    """A sum over rows: of the Huber loss with this ``delta``, infinite for squares, in ``log`` loss or in loss.

    The sum, not the mean: an optimiser stops at absolute changes, and a mean over N rows changes N times less.
    """

    name: str
    log: bool
    delta: float

    @property
    def squares(self) -> bool:
        """Whether it is a sum of squares."""
        return not np.isfinite(self.delta)

    def terms(self, residual_RN: Float[np.ndarray, "*R N"]) -> Float[np.ndarray, "*R N"]:
        """Return ½r² up to delta, delta·(abs(r) − ½ delta) beyond it.

        >>> OBJECTIVES["huber"].terms(np.array([0.001, 0.003])).tolist()
        [5e-07, 2.5e-06]
        """
        if self.squares:
            return 0.5 * residual_RN**2
        size_RN = np.abs(residual_RN)
        inside_RN = np.minimum(size_RN, self.delta)
        return inside_RN * (size_RN - 0.5 * inside_RN)

    def weights(self, residual_RN: Float[np.ndarray, "*R N"]) -> Float[np.ndarray, "*R N"]:
        """Return the derivative of each term over its residual: with these weights squares have the same gradient.

        >>> OBJECTIVES["huber"].weights(np.array([0.0005, 0.002])).tolist()
        [1.0, 0.5]
        """
        if self.squares:
            return np.ones_like(residual_RN)
        return self.delta / np.maximum(np.abs(residual_RN), self.delta)


OBJECTIVES = MappingProxyType(
    {
        "huber": Objective("huber", log=True, delta=DELTA),
        "log-squares": Objective("log-squares", log=True, delta=np.inf),
        "squares": Objective("squares", log=False, delta=np.inf),
    }
)
"""Every objective by its name."""
