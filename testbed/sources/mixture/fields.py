"""What gives the world: parts and weights; and the numbers that follow."""

import numpy as np
from jaxtyping import Float

from testbed.laws import simplex
from testbed.laws.source import Source
from testbed.sources import _any


class Fields(Source, frozen=True, kw_only=True):
    """What gives the world."""

    parts: "tuple[_any.AnySource, ...]"
    """The M sources to choose from, of one alphabet."""
    weights: tuple[float, ...] | None = None
    """Probabilities of the parts; equal if not given."""

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError(f"{len(self.parts)} parts: there must be at least 2; use the part itself instead.")
        sizes = [part.alphabet for part in self.parts]
        if len(set(sizes)) > 1:
            raise ValueError(f"parts of {sizes} symbols: their alphabets must be equal; use one vocabulary for all.")
        if not self.probabilities().all():
            raise ValueError("weights holds 0.0: a part that is never chosen is none; leave it out.")

    def probabilities(self) -> Float[np.ndarray, " M"]:
        """Return the probabilities of the parts, float64."""
        if self.weights is None:
            return np.full(len(self.parts), 1 / len(self.parts))
        return simplex.given_rows("weights", self.weights, (len(self.parts),))
