"""Sums of correlations over lags: the variance of an average over tokens, in the limit and in windows of any length."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.laws.record import Absent, Mixing
from testbed.laws.source import Source

MOST_LAGS = 2**14


class LagSum(NamedTuple):
    """A sum of autocovariances, a bound on the nuclear norm of what was left out of it, and the largest lag used.

    The bound holds for the trace and for every entry too. It is infinite where nothing tells how the sum goes on.
    """

    covariance_MM: Float[np.ndarray, "M M"]
    error: float
    lags: int


class _Sum(NamedTuple):
    """Σ Cov_k and Σ |k|·Cov_k over the lags up to one, both signs, and a bound on all that larger lags can add."""

    lag: int
    plain_MM: Float[np.ndarray, "M M"]
    weighted_MM: Float[np.ndarray, "M M"]
    rest: float

    def window(self, length: int | float, error: float) -> LagSum:
        """Return Σ (1−|k|/n)·Cov_k."""
        return LagSum(self.plain_MM - self.weighted_MM / length, error, self.lag)


def long_run(
    source: Source, features_VM: Float[np.ndarray, "V M"], *, tolerance: float = 1e-10, most: int = MOST_LAGS
) -> LagSum:
    """Return Σ_{k∈ℤ} Cov(f(X_0), f(X_k)), the limit of n·Cov of the mean of f over n tokens.

    Lags are added until the rest is below `tolerance` times what lag 0 gives, or `most` lags are used.

    Error: `error` bounds the rest by the decay that `source.mixing()` tells, with the largest constant seen at the
    lags used. It is infinite, and the sum then has no meaning, where the source never mixes, is periodic, or has
    correlations that fall no faster than 1/k. ValueError where the source has no pair laws.
    """
    *_, last = _sums(source, features_VM, most, tolerance)
    return last.window(np.inf, last.rest)


def windows(
    source: Source, features_VM: Float[np.ndarray, "V M"], lengths: Sequence[int], *, tolerance: float = 1e-10
) -> tuple[LagSum, ...]:
    """Return n·Cov of the mean of f over n tokens, Σ_{|k|<n} (1−|k|/n)·Cov(f(X_0), f(X_k)), for each length n.

    Every lag below n is added, save where the rest is below `tolerance` times what lag 0 gives. Mixing is not needed.

    Error: rounding, and where lags were left out `error`. The window begins at a random moment of the long run; blocks
    that are aligned with the window differ from that by terms of the order 1/n. ValueError where the source has no
    pair laws.
    """
    if not lengths or min(lengths) < 1:
        raise ValueError(f"lengths={list(lengths)}: a window holds at least 1 token; give positive lengths.")
    found, wanted = {}, set(lengths)
    for last in _sums(source, features_VM, max(lengths) - 1, tolerance):
        if last.lag + 1 in wanted:
            found[last.lag + 1] = last.window(last.lag + 1, 0.0)
    return tuple(found[n] if n in found else last.window(n, last.rest) for n in lengths)


def marginal(source: Source) -> Float[np.ndarray, " V"]:
    """Return P(X = v) at a random moment of the long run.

    Error: rounding; ValueError where the source has no pair laws.
    """
    return np.diag(_pairs(source, 0)).copy()


def _sums(source: Source, features_VM: np.ndarray, most: int, tolerance: float) -> Iterator[_Sum]:
    """Yield the sums up to the lags 0, 1, … until what follows is small; features are centred, to lose no digits."""
    mixing, centred_VM = source.mixing(), features_VM - marginal(source) @ features_VM
    plain_MM = weighted_MM = np.zeros((features_VM.shape[1],) * 2)
    bound = enough = 0.0
    for lag in range(most + 1):
        once_MM = centred_VM.T @ _pairs(source, lag) @ centred_VM
        both_MM = once_MM + once_MM.T if lag else once_MM
        plain_MM, weighted_MM = plain_MM + both_MM, weighted_MM + lag * both_MM
        size = float(np.sqrt(len(once_MM)) * np.linalg.norm(once_MM))  # no smaller than the nuclear norm
        bound = max(bound * _step(mixing, lag), size)
        enough = enough if lag else tolerance * size
        rest = _rest(mixing, lag, bound)
        yield _Sum(lag, plain_MM, weighted_MM, rest)
        if rest <= enough:
            return


def _pairs(source: Source, lag: int) -> Float[np.ndarray, "V V"]:
    pair_VV = source.pair_law(lag)
    if isinstance(pair_VV, Absent):
        raise ValueError(f"no pair law at lag {lag}: {pair_VV.reason}; use a source that has pair laws.")
    return pair_VV


def _step(mixing: Mixing | Absent, lag: int) -> float:
    """Return the factor by which the bound of a correlation falls from the lag before to this one."""
    if isinstance(mixing, Mixing) and mixing.decay == "geometric":
        return abs(mixing.value)
    if isinstance(mixing, Mixing) and mixing.decay == "power law" and lag > 1:
        return float((1 - 1 / lag) ** mixing.value)
    return 1.0


def _rest(mixing: Mixing | Absent, lag: int, bound: float) -> float:
    """Return a bound on the nuclear norm of Σ_{|k| > lag}, given one on that of the covariance at this lag."""
    if isinstance(mixing, Absent):
        return np.inf
    if mixing.decay in ("independent", "finite"):
        return 0.0 if lag >= mixing.value else np.inf
    if mixing.decay == "geometric":
        return 2 * bound * abs(mixing.value) / (1 - abs(mixing.value))
    if mixing.decay == "power law" and mixing.value > 1 and lag:
        return 2 * bound * lag / (mixing.value - 1)
    return np.inf
