"""How noise falls with the length n: each T with its error, and the slope of log T against log n."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import NoInformation, abscissae, alike, counted, numbers, positive, short, told
from testbed.stats.moments import known, smoothed
from testbed.stats.power_law import power_law

NO_NOISE = "the noise vanishes or is not finite at some n, so that no decay can be fitted"

RESOLVED = 1e-7
"""Ratio of errors below which the smaller is rounding, and the two cannot be weighed in one fit."""


class Slope(NamedTuple):
    """The slope of log T against log n, T at n = 1, the lack-of-fit p-value (NaN: two points) and scaled residuals.

    Of several curves, the constant is the geometric mean of theirs.
    """

    slope: Estimate
    constant: float
    lack_of_fit: float
    residual_N: np.ndarray


def variance_error(x_SM: Float[np.ndarray, "S M"]) -> tuple[float, float]:
    """Return T = Σ_s ‖x_s − mean‖²/(S − 1) of S independent vectors, and its standard error.

    The error is the jackknife's over sequences, in closed form: with y_s = ‖x_s − mean‖²,
    ``se² = S/((S−1)(S−2)²) · Σ (y_s − mean y)²``. It knows the fourth moments, and that coordinates are correlated.

    Error: too small where fourth moments are infinite, or rest on a few sequences of the sample.

    >>> variance_error(np.array([[1.0], [2.0], [3.0], [6.0]]))[0]
    4.666666666666667
    """
    x_SM, count = numbers(x_SM, "the vectors", axes=2), len(x_SM)
    if count < 3:
        raise ValueError(f"{count} sequences give no error of a variance; use 3, and rather some hundred.")
    square_S = np.sum((x_SM - x_SM.mean(0)) ** 2, axis=1)
    scatter = float(np.sum((square_S - square_S.mean()) ** 2))
    return float(square_S.sum()) / (count - 1), (count / (count - 1) * scatter) ** 0.5 / (count - 2)


@told
def decay_slope(
    n_N: Num[np.ndarray, "N"],
    t_N: Float[np.ndarray, "N"],
    error_N: Float[np.ndarray, "N"],
    sequences_N: Num[np.ndarray, "N"],
    *,
    level: float,
    curves: Sequence[int] | None = None,
) -> Slope | str:
    """Return the weighted least-squares slope of log T against log n, from each T's error over S sequences.

    ``curves`` numbers the curve that each T belongs to, which share the slope and have constants of their own (several
    draws of a model's parameters); all belong to one if it is absent.

    This is ``power_law``: T = C·n^slope fitted to T itself, weighed by one coefficient of variation for
    all n (that of a single n would lean the fit on values that happened to be low), with the interval from the errors
    that were seen.

    Error: covers at its level, within 2 %, from some 400 sequences where fourth moments are finite. Of 95 %, it covers
    93 to 94 % with a hundred sequences and heavy tails (a common scale of t_9 or t_5), and with any number of sequences
    where fourth moments are infinite (t_3). Where lack of fit says that there is no one slope, it is an average. Noise
    that vanishes at some n is told by a sentence, and so are lengths that differ between curves only.

    >>> n = np.array([16.0, 32.0, 64.0, 128.0])
    >>> found = decay_slope(n, 3 / n, 0.02 / n, np.full(4, 400), level=0.95)
    >>> round(found.slope.value, 6), round(found.constant, 6), found.slope.low > -1.02
    (-1.0, 3.0, True)
    """
    check_level(level)
    if not measured(n_N, t_N, error_N, fewest=2):
        return NO_NOISE
    n_N, sequences_N = abscissae(n_N, "lengths"), counted(sequences_N, "sequences", least=2)
    seen, curve_N = known(t_N, error_N, sequences_N - 1.0), [0] * len(n_N) if curves is None else list(curves)
    law = power_law(n_N, seen, curve_N, working=smoothed(seen), level=level)
    part = law.exponent
    slope = Estimate(value=-part.value, low=-part.high, high=-part.low, level=level, n=part.n, method=part.method)
    constant_N = law.constants_G[[sorted(set(curve_N)).index(curve) for curve in curve_N]]
    residual_N = (t_N - constant_N * n_N**slope.value) / error_N
    return Slope(slope, float(np.exp(np.log(law.constants_G).mean())), law.lack_of_fit, residual_N)


def measured(
    n_N: Num[np.ndarray, "N"], t_N: Float[np.ndarray, "N"], error_N: Float[np.ndarray, "N"], *, fewest: int
) -> bool:
    """Return whether every T and its error is positive and finite, and none is rounding beside another.

    Fewer lengths than the fit needs are refused.

    >>> measured(np.array([1.0, 2.0]), np.array([0.5, 0.0]), np.array([0.1, 0.0]), fewest=2)
    False
    """
    alike(lengths=len(n_N), values=len(t_N), errors=len(error_N))
    n_N = abscissae(n_N, "lengths")
    if len(set(n_N.tolist())) < fewest:
        raise NoInformation(f"lengths {short(n_N)} must be {fewest} or more of them different; so add lengths.")
    both = numbers(np.concatenate([t_N, error_N]), "T and its errors", finite=False)
    if not np.all(np.isfinite(both) & (both > 0)):
        return False
    positive(t_N, "T")
    error_N = positive(error_N, "errors")
    return float(error_N.min() / error_N.max()) > RESOLVED
