"""The memory that pairs of tokens show: pair laws, and the autocovariance of features, each with method and error."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.ground import reading
from testbed.ground.wording import cut, short
from testbed.laws.record import UNIT_ROUNDOFF, Absent, Method
from testbed.laws.source import Source

NOTHING = 1e-12
"""What is smaller, relative to lag 0, is rounding."""
LARGEST = 4096
"""Symbols of which all pairs are laid out: 128 MiB a lag."""
LAGS = range(9)
"""Lags at which features are compared unless others are asked for."""


MOST = 1e100
"""Largest feature: products of two, and their sums, stay finite."""


class PairLaw(NamedTuple):
    """P(X_0 = a, X_lag = b) at a random moment of the long run.

    Error: `error` bounds the sum of the absolute errors of all entries.
    """

    lag: int
    law: Float[np.ndarray, "V V"]
    method: Method
    error: float


class Covariance(NamedTuple):
    """Cov(f(X_0), f(X_lag)) of a feature vector f, at a random moment of the long run.

    Error: `error` bounds the absolute error of every entry.
    """

    lag: int
    matrix: Float[np.ndarray, "M M"]
    method: Method
    error: float


class Autocovariance(NamedTuple):
    """C_k = E[(X_0 - p)(X_k - p)ᵀ] of tokens as one-hot vectors, p their mean, at K lags, relative to lag 0.

    `trace_K` is tr C_k / tr C_0: positive where symbols come back, negative where they avoid it. `norm_K` is
    ‖C_k‖ / ‖C_0‖ (Frobenius), which no cancellation makes small. Both are 0 where one symbol is certain.

    Error: `error_K` bounds that of both.
    """

    lag_K: tuple[int, ...]
    trace_K: Float[np.ndarray, " K"]
    norm_K: Float[np.ndarray, " K"]
    method: Method
    error_K: Float[np.ndarray, " K"]


class SecondOrder(NamedTuple):
    """What was asked for beyond the autocovariance of the tokens themselves; None for what was not."""

    pairs: list[PairLaw] | Absent | None = None
    covariances: list[Covariance] | Absent | None = None


def asked_for(source: Source, lags: Sequence[int] | None, features: str | None) -> SecondOrder:
    """Return the pair laws at these lags, and the autocovariances of features that are written as JSON.

    Error: ValueError if the features are no table of numbers with a row for each symbol.
    """
    features_VM = None if features is None else read_features(features, source.alphabet)
    return SecondOrder(
        None if lags is None else pair_laws(source, lags),
        None if features_VM is None else covariances(source, features_VM, LAGS if lags is None else lags),
    )


def read_features(word: str, symbols: int) -> Float[np.ndarray, "V M"]:
    """Return the features that a word of JSON holds, a row for each symbol."""
    like = f"'{json.dumps([[1.0], [-1.0], *[[0.0]] * (symbols - 2)])}'" if symbols < 8 else "'[[1], [-1], …]'"
    try:
        features_VM = np.asarray(reading.loads(word))
    except ValueError as error:
        raise ValueError(
            f"features {short(word)} cannot be read ({cut(str(error), 120)}): a table in JSON is expected; e.g. {like}."
        ) from None
    if features_VM.dtype.kind not in "iuf" or features_VM.ndim != 2 or len(features_VM) != symbols:
        rule = f"there must be a row of numbers for each of the {symbols} symbols"
        raise ValueError(f"features have the shape {features_VM.shape}: {rule}; e.g. {like}.")
    if not (np.isfinite(features_VM).all() and features_VM.size):
        raise ValueError(f"features {short(word)} are not all finite, or none: give finite numbers; e.g. {like}.")
    if np.abs(features_VM).max() > MOST:
        raise ValueError(
            f"features {short(word)}: a feature has at most {MOST:g}, as its square must be a number; e.g. {like}."
        )
    return features_VM.astype(np.float64)


def pair_laws(source: Source, lags: Sequence[int]) -> list[PairLaw] | Absent:
    """Return the pair laws at these lags.

    Error: as they say.
    """
    if source.alphabet > LARGEST:
        return Absent(f"{source.alphabet} symbols: all pairs are compared up to {LARGEST} symbols")
    found = []
    for lag in lags:
        law_VV = source.pair_law(lag)
        if isinstance(law_VV, Absent):
            return law_VV
        found.append(PairLaw(lag, law_VV, source.pair_method, source.pair_error(lag)))
    return found


def covariances(
    source: Source, features_VM: Float[np.ndarray, "V M"], lags: Sequence[int]
) -> list[Covariance] | Absent:
    """Return the autocovariances of features at these lags.

    Error: as they say, from those of the pair laws: an entry is off by at most the square of the largest feature times
    the errors of both laws and the rounding of the sums.
    """
    laws = pair_laws(source, (0, *lags))
    if isinstance(laws, Absent):
        return laws
    once, *later = laws
    mean_M = np.diag(once.law) @ features_VM
    square = float(np.abs(features_VM).max()) ** 2
    rounding = 2 * once.error + 4 * (len(features_VM) + 2) * UNIT_ROUNDOFF
    return [
        Covariance(
            each.lag,
            features_VM.T @ each.law @ features_VM - np.outer(mean_M, mean_M),
            each.method,
            square * (each.error + rounding),
        )
        for each in later
    ]


def autocovariance(source: Source, lags: Sequence[int]) -> Autocovariance | Absent:
    """Return the autocovariance of the tokens at these lags, at a random moment of the long run.

    Error: as it says, from those of the pair laws; numbers below 1e-12 are rounding and become 0.
    """
    laws = pair_laws(source, (0, *lags))
    if isinstance(laws, Absent):
        return laws
    mean_V = np.diag(laws[0].law)
    start_2, *found = (_sizes(each.law - np.outer(mean_V, mean_V)) for each in laws)
    relative_K2 = np.array(found).reshape(-1, 2) / np.where(start_2 > NOTHING, start_2, np.inf)
    relative_K2[np.abs(relative_K2) < NOTHING] = 0
    error_K = np.array([each.error + 2 * laws[0].error for each in laws[1:]])
    scale = float(start_2.min()) if start_2.min() > NOTHING else np.inf
    return Autocovariance(
        tuple(lags), relative_K2[:, 0], relative_K2[:, 1], source.pair_method, 2 * error_K / scale + NOTHING
    )


def plain(found: Any) -> Any:
    """Return what a record of these holds, as plain values."""
    if isinstance(found, Autocovariance):
        columns = (found.lag_K, found.trace_K.tolist(), found.norm_K.tolist(), found.error_K.tolist())
        rows = [dict(zip(("lag", "trace", "norm", "error"), row, strict=True)) for row in zip(*columns, strict=True)]
        return [{**row, "method": found.method} for row in rows]
    return [{name: _number(value) for name, value in each._asdict().items()} for each in found]


def _number(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _sizes(matrix_VV: Float[np.ndarray, "V V"]) -> Float[np.ndarray, "2"]:
    return np.array([np.trace(matrix_VV), np.linalg.norm(matrix_VV)])
