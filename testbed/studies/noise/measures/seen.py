"""What is fixed before sequences are observed, what remains of a call, and what was seen of all."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Float32, Int

from testbed.stats.streaming import Sums


class View(NamedTuple):
    """What is fixed before the sample: a centre for each query symbol and observed vector, and directions."""

    centre_VOM: Float[Array | np.ndarray, "V O M"]
    direction_OMR: Float[Array | np.ndarray, "O M R"]


class Glance(NamedTuple):
    """What remains of a call: each device's sums for each query symbol and observed vector, and a row a sequence."""

    second_DVOWW: Float[Array, "*D V O W W"]
    effective_DN: Float[Array, "*D N"]
    projected_BOR: Float[Array, "*T B O R"]
    query_B: Int[Array, "*T B"]


class Seen(NamedTuple):
    """What was seen of all sequences of one length; O runs over layers and, within a layer, over `analysis.PARTS`.

    Rows are kept of the first B sequences.
    """

    centre_VOM: Float[np.ndarray, "V O M"]
    second_VOWW: Float[np.ndarray, "V O W W"]
    """Σ z zᵀ for each query symbol, z = (1, x − centre, |x − centre|²): see `testbed.stats.streaming`."""
    direction_OMR: Float[np.ndarray, "O M R"]
    projected_BOR: Float32[np.ndarray, "B O R"]
    """Components of x − centre along the directions."""
    query_B: Int[np.ndarray, " B"]
    """The query's token."""
    effective_N: Float[np.ndarray, " N"]
    """Mean effective sample size 1/Σa² of each layer's last query, over heads and sequences."""

    def groups(self, place: int) -> list[Sums]:
        """Return the sums of each query symbol, for one observed vector."""
        return [Sums(*each) for each in zip(self.centre_VOM[:, place], self.second_VOWW[:, place], strict=True)]
