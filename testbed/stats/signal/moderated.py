"""Errors that rest on few degrees of freedom each, steadied by what those of other cells have in common."""

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation, alike, counted, positive, short

MOST = 1e6
"""Degrees of freedom beyond which Student's t is normal to six digits."""

RESOLVED = 1e-7
"""Ratio of errors below which the smaller is rounding, and the two cannot be weighed in one fit."""

FEWEST = 3
"""Errors below which nothing is said of how they vary."""


def moderated(
    error_N: Float[np.ndarray, "N"], freedom_N: Float[np.ndarray, "N"]
) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
    """Return the errors of N cells with degrees of freedom that each has more of, as all are draws of one law.

    If true variances vary as ν₀s₀²/χ²_ν₀, that of a cell given its s² on ν degrees of freedom is told by
    (ν₀s₀² + νs²)/(ν₀ + ν), with ν₀ + ν degrees. log s² of all cells has the variance trigamma(ν/2) + trigamma(ν₀/2) and
    gives ν₀ and s₀²; where it varies no more than noise does, all errors are one.

    Error: fewer than three errors stay as they are. A true error far outside the law of the others is pulled to them.
    Source: Smyth (Stat. Appl. Genet. Mol. Biol. 3, 2004), section 6.2.

    >>> error_N, freedom_N = moderated(np.array([1.0, 0.8, 1.25]), np.full(3, 2.0))
    >>> error_N.round(3).tolist(), freedom_N.tolist()
    ([1.335, 1.335, 1.335], [1000000.0, 1000000.0, 1000000.0])
    """
    from scipy.optimize import brentq
    from scipy.special import polygamma

    error_N, freedom_N = positive(error_N, "errors"), counted(freedom_N, "degrees of freedom", least=1)
    alike(errors=len(error_N), freedoms=len(freedom_N))
    freedom_N = np.minimum(freedom_N, MOST)
    if error_N.min() < RESOLVED * error_N.max():
        raise NoInformation(f"errors {short(error_N)} are seven digits apart, so that they cannot be weighed together.")
    if len(error_N) < FEWEST:
        return error_N, freedom_N
    log_N = 2 * np.log(error_N) - _bias(freedom_N)
    beyond = float(np.var(log_N, ddof=1) - polygamma(1, freedom_N / 2).mean())
    if not beyond > float(polygamma(1, MOST / 2)):
        return np.full(len(error_N), np.exp(log_N.mean() / 2)), np.full(len(error_N), MOST)
    prior = 2 * float(brentq(lambda half: float(polygamma(1, half)) - beyond, 1e-4, MOST))
    squared = np.exp(log_N.mean() - _bias(prior))
    total_N = np.minimum(prior + freedom_N, MOST)
    return np.sqrt((prior * squared + freedom_N * error_N**2) / (prior + freedom_N)), total_N


def _bias(freedom: float | np.ndarray) -> np.ndarray:
    """Return the mean of log(χ²/ν) of so many degrees of freedom."""
    from scipy.special import digamma

    return np.asarray(digamma(np.asarray(freedom) / 2) - np.log(np.asarray(freedom) / 2))
