"""A ratio of signal to noise with its interval, whichever way the two were read."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import NoInformation, alike, counted, numbers

LONGEST = 700.0
"""Logarithms beyond which float64 has no exponential."""


class Reading(NamedTuple):
    """SNR = signal/noise, both unbiased; the standard error of log SNR; and the naive ratio, which is biased upward.

    SNR may come out negative, and the ends of its interval are not cut (`mean_squares.at_least_zero` cuts). An interval
    that reaches 0 leaves log SNR open below: `combine.logarithm` then ends at −∞. ``log_error`` is infinite where SNR
    is not above 0, so that there is no logarithm to weigh.
    """

    snr: Estimate
    log_error: float
    signal: float
    noise: float
    naive: float


class Terms(NamedTuple):
    """The raw signal, which holds some noise, the unbiased one, the unbiased noise, and the naive ratio.

    ``least`` and ``most`` bound what noise adds to raw/noise.
    """

    raw: float
    signal: float
    noise: float
    naive: float
    least: float
    most: float


def reading(
    terms: Terms,
    variance_F: Float[np.ndarray, "F"],
    freedom_F: Float[np.ndarray, "F"],
    *,
    units: int,
    level: float,
    method: str,
) -> Reading:
    """Return SNR with an interval that is Student's on log(raw/noise), less what noise adds to the raw signal.

    With ρ = raw/noise = SNR + β, β from β_least to β_most, and se² the sum of the variances of log ρ from F independent
    kinds of noise, the ends are ρ·exp(−t·se) − β_most and ρ·exp(t·se) − β_least, with Satterthwaite's degrees of
    freedom: Tukey's interval of a log ratio where signal outweighs noise, and the shape of the F-interval of a random
    effect where it vanishes, as raw is above zero then too.

    Error: takes both β as known. NoInformation where raw or noise are zero.

    >>> terms = Terms(raw=3.0, signal=2.0, noise=1.0, naive=3.0, least=1.0, most=1.0)
    >>> found = reading(terms, np.array([0.01]), np.array([9.0]), units=10, level=0.95, method="t")
    >>> round(found.snr.low, 3), found.snr.value, round(found.snr.high, 3), round(found.log_error, 3)
    (1.393, 2.0, 2.762, 0.15)
    """
    variance_F, freedom_F = numbers(variance_F, "variances"), counted(freedom_F, "degrees of freedom", least=1)
    alike(variances=len(variance_F), freedoms=len(freedom_F))
    raw, signal, noise, naive, least, most = numbers(terms, "the terms").tolist()
    if not (raw > 0 and noise > 0):
        raise NoInformation(f"the raw signal is {raw:g} and the noise {noise:g}; both must be above 0, so add data.")
    variance = float(variance_F.sum())
    if not (variance_F >= 0).all() or not variance > 0:
        raise NoInformation("nothing changes the ratio when it is left out, as with copies; give data of their own.")
    share_F = variance_F / variance
    error, freedom = math.sqrt(variance), 1 / float(np.sum(share_F**2 / freedom_F))
    half = critical(level, freedom) * error
    ratio, value = raw / noise, signal / noise
    high = ratio * math.exp(half) if half < LONGEST else math.inf
    low, high = min(ratio * math.exp(-half) - most, value), max(high - least, value)
    snr = Estimate(value=value, low=low, high=high, level=level, n=units, method=method)
    return Reading(snr, error * ratio / value if value > 0 else math.inf, signal, noise, naive)


def tukey(without_K: Float[np.ndarray, "K"]) -> float:
    """Return the jackknife variance of a statistic from its values with one of K units left out.

    >>> tukey(np.array([1.0, 2.0, 3.0]))
    1.3333333333333333
    """
    without_K = numbers(without_K, "the statistic with one left out")
    count = len(without_K)
    if count < 2:
        raise NoInformation(f"{count} unit cannot be left out; give 2 or more.")
    return float((count - 1) / count * np.sum((without_K - without_K.mean()) ** 2))


def logs(raw_K: Float[np.ndarray, "K"], noise_K: Float[np.ndarray, "K"]) -> Float[np.ndarray, " K"]:
    """Return log(raw/noise) with one unit left out at a time, or refuse what has no logarithm.

    >>> logs(np.array([2.0]), np.array([1.0])).round(3).tolist()
    [0.693]
    """
    raw_K, noise_K = numbers(raw_K, "the raw signal with one left out"), numbers(noise_K, "the noise with one left out")
    alike(signals=len(raw_K), noises=len(noise_K))
    if not ((raw_K > 0).all() and (noise_K > 0).all()):
        raise NoInformation("the signal or the noise vanishes when one unit is left out; give more units.")
    return np.asarray(np.log(raw_K) - np.log(noise_K))
