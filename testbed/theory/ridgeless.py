"""Least squares without a ridge: the exact risk of the shortest solution, on either side of interpolation."""

from typing import NamedTuple

INFINITE = float("inf")


class Risk(NamedTuple):
    """E|β̂ − β|² in its parts: of the mean over trainings, of the draw of the inputs, and of the noise.

    ``bias`` = |E β̂ − β|²; ``design`` = the variance of E[β̂ | inputs]; ``noise`` = the mean variance given the inputs.
    For isotropic inputs these are parts of the excess of the squared prediction error.
    """

    bias: float
    design: float
    noise: float

    @property
    def total(self) -> float:
        """Return the excess over σ² of the squared error of a new prediction."""
        return self.bias + self.design + self.noise


def risk(samples: int, features: int, *, signal: float, noise: float) -> Risk:
    """Return the risk of β̂ = X⁺y, y = Xβ + ε, for n × p inputs that are standard normal, |β|² = r² and Var ε = σ².

    p < n − 1: noise σ²·p/(n − p − 1), all else 0. p > n + 1: bias r²·(1 − n/p)², design r²·(n/p)·(1 − n/p), which
    together are r²·(1 − n/p), and noise σ²·n/(p − n − 1). For n − 1 ≤ p ≤ n + 1 the noise has no mean.

    Error: none for Gaussian inputs, at any n and p. A peak at p = n, and a second descent beyond it.
    Source: Hastie, Montanari, Rosset and Tibshirani, Surprises in high-dimensional ridgeless least squares
    interpolation (Ann. Statist. 50, 2022), for the limits; the finite forms are means of inverse Wishart matrices.

    >>> risk(10, 4, signal=1.0, noise=0.5), risk(4, 10, signal=1.0, noise=0.5).noise
    (Risk(bias=0.0, design=0.0, noise=0.4), 0.4)
    """
    if min(samples, features) < 1 or min(signal, noise) < 0:
        raise ValueError(
            f"{samples} samples, {features} features, r²={signal}, σ²={noise}: give 1 or more of the first two, and"
            " variances that are not below 0."
        )
    share = min(samples / features, 1.0)
    apart = abs(samples - features) - 1
    spread = noise * min(samples, features) / apart if apart > 0 else INFINITE if noise else 0.0
    return Risk(signal * (1 - share) ** 2, signal * share * (1 - share), spread)
