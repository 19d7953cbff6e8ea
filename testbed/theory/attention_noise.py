"""The noise of attention at layer 1 without positions: its limit, the influence of a token, and n times its covariance.

For a query q, attention over n tokens is a ratio of two averages over tokens, of g·v and of g. Around its limit it is
an average of influences, so that what a window or a long run does to averages tells all of its noise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.laws.record import Absent
from testbed.laws.source import Source
from testbed.theory import lags
from testbed.theory.laws import Law, averaged


class Heads(NamedTuple):
    """One query and what each symbol offers it: keys and values per symbol and head, and the mix of the heads."""

    query_HK: Float[np.ndarray, "H K"]
    key_VHK: Float[np.ndarray, "V H K"]
    value_VHK: Float[np.ndarray, "V H K"]
    mix_HKM: Float[np.ndarray, "H K M"]
    scale: float


class Noise(NamedTuple):
    """Limit m of A given q, n·Cov(A given q), a bound on the nuclear norm of what was left out, largest lag used."""

    limit_M: Float[np.ndarray, "M"]
    covariance_MM: Float[np.ndarray, "M M"]
    error: float
    lags: int

    @property
    def trace(self) -> float:
        """Return n·T."""
        return float(np.trace(self.covariance_MM))


def limit(heads: Heads, law_V: Float[np.ndarray, " V"]) -> Float[np.ndarray, "M"]:
    """Return m = E[g·v]/E[g] of every head, mixed, for tokens of this law; g(x) = exp(scale·q·k(x)).

    Error: rounding.
    """
    return np.einsum("hk,hkm->m", _limits(heads, law_V), heads.mix_HKM)


def influence(heads: Heads, law_V: Float[np.ndarray, " V"]) -> Float[np.ndarray, "V M"]:
    """Return φ(x) = g(x)·(v(x) − m)/E[g] of every head, mixed: the derivative of the limit in the law of the tokens.

    Its mean under that law is zero.

    Error: rounding.
    """
    mass_VH = _mass(heads)
    off_VHK = heads.value_VHK - _limits(heads, law_V)[None]
    per_head_VHK = (mass_VH / (law_V @ mass_VH)[None])[:, :, None] * off_VHK
    return np.einsum("vhk,hkm->vm", per_head_VHK, heads.mix_HKM)


def long_run(source: Source, heads: Heads, *, tolerance: float = 1e-10) -> Noise | Law | Absent:
    """Return Σ = Σ_{k∈ℤ} Cov(φ(X_0), φ(X_k)), the limit of n·Cov(A given q); where there is none, the law of T(n).

    Error: as `lags.long_run`. At finite n the covariance differs by terms of relative order 1/n: those of the lags
    (`window`), the second order of the ratio, and the query's own token, which is one of the n and draws its neighbours
    with it.

    Source: central limit theorem for mixing sequences, and the delta method for a ratio of means.
    """
    mixing = source.mixing()
    if isinstance(mixing, Absent):
        return mixing
    law = averaged(mixing)
    if not law.gaussian or law.slope != -1:
        return law
    law_V = lags.marginal(source)
    found = lags.long_run(source, influence(heads, law_V), tolerance=tolerance)
    return Noise(limit(heads, law_V), *found)


def window(source: Source, heads: Heads, lengths: Sequence[int], *, tolerance: float = 1e-10) -> tuple[Noise, ...]:
    """Return n·Cov of the mean influence over n tokens, for each length n, whether or not a limit exists.

    Error: as `lags.windows` for the mean influence. For A itself it is the leading term, good where the mean influence
    is small: not on a plateau, for which see `plateau`.
    """
    law_V = lags.marginal(source)
    found = lags.windows(source, influence(heads, law_V), lengths, tolerance=tolerance)
    centre_M = limit(heads, law_V)
    return tuple(Noise(centre_M, *each) for each in found)


def transformed(noise: Noise, image_O: Float[np.ndarray, "O"], slope_OM: Float[np.ndarray, "O M"]) -> Noise:
    """Return the noise of a smooth function of A, from its value and its Jacobian at the limit: J Σ Jᵀ.

    Error: that of the noise times |J|², and the function's curvature, of relative order 1/n.
    """
    covariance_OO = slope_OM @ noise.covariance_MM @ slope_OM.T
    return Noise(image_O, covariance_OO, noise.error * float(np.linalg.norm(slope_OM, 2)) ** 2, noise.lags)


def _mass(heads: Heads) -> Float[np.ndarray, "V H"]:
    """Return g up to a factor per head, which no ratio sees."""
    scores_VH = heads.scale * np.einsum("hk,vhk->vh", heads.query_HK, heads.key_VHK)
    return np.asarray(np.exp(scores_VH - scores_VH.max(0)))


def _limits(heads: Heads, law_V: Float[np.ndarray, " V"]) -> Float[np.ndarray, "H K"]:
    weighed_VH = law_V[:, None] * _mass(heads)
    return np.einsum("vh,vhk->hk", weighed_VH / weighed_VH.sum(0), heads.value_VHK)
