"""The memory that pairs of tokens show: the autocovariance of a source at the first lags."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.sources._source import Source
from testbed.sources._truth import Absent

NOTHING = 1e-12
"""What is smaller, relative to lag 0, is rounding."""
LARGEST = 4096
"""Symbols of which all pairs are laid out: 128 MiB a lag."""


class Autocovariance(NamedTuple):
    """C_k = E[(X_0 - p)(X_k - p)ᵀ] of tokens as one-hot vectors, p their mean, at K lags, relative to lag 0.

    `trace_K` is tr C_k / tr C_0: positive where symbols come back, negative where they avoid it. `norm_K` is
    ‖C_k‖ / ‖C_0‖ (Frobenius), which no cancellation makes small. Both are 0 where one symbol is certain.
    """

    lag_K: tuple[int, ...]
    trace_K: Float[np.ndarray, " K"]
    norm_K: Float[np.ndarray, " K"]


def autocovariance(source: Source, lags: Sequence[int]) -> Autocovariance | Absent:
    """Return the autocovariance at these lags, at a random moment of the long run.

    Error: that of the pair law; numbers below 1e-12 are rounding and become 0.
    """
    if source.alphabet > LARGEST:
        return Absent(f"{source.alphabet} symbols: all pairs are compared up to {LARGEST} symbols")
    once_VV = source.pair_law(0)
    if isinstance(once_VV, Absent):
        return once_VV
    mean_V = np.diag(once_VV)
    found = []
    for lag in (0, *lags):
        pairs_VV = source.pair_law(lag)
        if isinstance(pairs_VV, Absent):
            return pairs_VV
        found.append(_sizes(pairs_VV - np.outer(mean_V, mean_V)))
    start_2, later_K2 = found[0], np.array(found[1:]).reshape(-1, 2)
    relative_K2 = later_K2 / np.where(start_2 > NOTHING, start_2, np.inf)
    relative_K2[np.abs(relative_K2) < NOTHING] = 0
    return Autocovariance(tuple(lags), relative_K2[:, 0], relative_K2[:, 1])


def _sizes(matrix_VV: Float[np.ndarray, "V V"]) -> Float[np.ndarray, "2"]:
    return np.array([np.trace(matrix_VV), np.linalg.norm(matrix_VV)])
