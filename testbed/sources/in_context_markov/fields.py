"""What gives the world: order and concentration of the matrix; and the numbers that follow."""

import math

import numpy as np
from jaxtyping import Float

from testbed.laws import dirichlet_law, simplex
from testbed.laws.source import Source

LARGEST_BITS = 20


class Fields(Source, frozen=True, kw_only=True):
    """What gives the world."""

    vocabulary: int
    """Number of symbols V."""
    order: int = 1
    """Number k of previous symbols that the next one depends on."""
    concentration: float = 1.0
    """Weight of every symbol in the Dirichlet law of a row."""

    def __post_init__(self) -> None:
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        simplex.at_least("order", self.order, 1, "use the source polya for independent tokens")
        self.dirichlet()
        if (self.order + 1) * math.log2(self.vocabulary) > LARGEST_BITS:
            raise ValueError(
                f"vocabulary={self.vocabulary} with order={self.order} has {self.vocabulary}^{self.order + 1}"
                f" transitions: at most {2**LARGEST_BITS} are supported, as each is counted in each sequence; lower the"
                " vocabulary or the order."
            )

    def dirichlet(self) -> Float[np.ndarray, " V"]:
        """Return the weights of the Dirichlet law of a row, float64."""
        return dirichlet_law.weights(self.vocabulary, self.concentration, None)
