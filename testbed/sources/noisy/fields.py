"""What gives the world: noise; and the numbers that follow."""

import numpy as np
from jaxtyping import Float

from testbed.laws import simplex
from testbed.sources._wrapped import Wrapper, check_machine


class Fields(Wrapper, frozen=True, kw_only=True):
    """What gives the world."""

    sigma: float
    """Probability σ that a token is replaced."""

    def __post_init__(self) -> None:
        simplex.fraction("sigma", self.sigma)
        check_machine(self.base)

    def blurred(self, measure_V: Float[np.ndarray, "*rows V"]) -> Float[np.ndarray, "*rows V"]:
        """Return what noise makes of a measure on the symbols, whatever its total."""
        return (1 - self.sigma) * measure_V + self.sigma / self.alphabet * measure_V.sum(-1, keepdims=True)
