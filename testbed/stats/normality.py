"""Whether a sample is Gaussian: tests with estimated mean and variance, and control of false discoveries.

With enough values every test rejects every sample that is not exactly Gaussian: p-values are reported, and the distance
beside its floor is judged.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.distance import FEWEST, NO_SPREAD, null_tail, ordered, spread_out, widest
from testbed.stats.identified import LARGEST, numbers, scaled, short

FLAT = 1e-7  # smallest over largest singular value of a sample that lies in a plane but for rounding
BLOCK = 1024  # vectors whose distances to all others are held at once


class Normality(NamedTuple):
    """What a test of normality found in ``n`` values; ``p_value`` is uniform for Gaussian ones."""

    test: str
    statistic: float
    p_value: float
    n: int


class Discoveries(NamedTuple):
    """Which of N hypotheses are rejected, and the smallest rate at which each would be."""

    rejected_N: np.ndarray
    adjusted_N: np.ndarray


def lilliefors(x_N: Float[np.ndarray, "N"]) -> Normality | str:
    """Return the Kolmogorov–Smirnov test against the normal law of the sample's own mean and variance.

    The statistic is D = max abs(F_N(x) − Φ((x − mean)/sd)). Below 0.1 its p-value is the published one at 100 values,
    to which D is brought by the ratio of its null means: statsmodels' own p-values drift beyond some hundred values.

    Error: of p, up to a tenth of it where 0.001 < p < 0.1; above 0.1 (statsmodels' table) some hundredths. A sample
    without spread is told by a sentence, here and below. Source: Lilliefors (1967); Dallal and Wilkinson (1986).

    >>> found = lilliefors(np.random.default_rng(0).standard_normal(500))
    >>> round(found.statistic, 4), found.p_value > 0.1
    (0.0299, True)
    """
    from statsmodels.stats.diagnostic import lilliefors as tabled

    if not spread_out(x_N):
        return NO_SPREAD
    statistic, _, _ = widest(ordered(x_N))
    tail = null_tail(statistic, len(x_N))
    return Normality("Lilliefors", statistic, tail if tail < 0.1 else max(float(tabled(scaled(x_N))[1]), 0.1), len(x_N))


def anderson_darling(x_N: Float[np.ndarray, "N"]) -> Normality | str:
    """Return the Anderson–Darling test with estimated mean and variance: like Lilliefors', but it weighs the tails.

    The statistic is ``A² = −N − Σ_i (2i − 1)/N · (log Φ(z_i) + log Φ(−z_{N+1−i}))`` over the standardised values in
    rising order.

    Error: of p, a few per cent of it; zero beyond A² = 13. Source: D'Agostino and Stephens, Goodness-of-fit techniques
    (1986), table 4.9.

    >>> anderson_darling(np.random.default_rng(0).exponential(size=200)).p_value < 1e-9
    True
    """
    from scipy.special import log_ndtr

    if not spread_out(x_N):
        return NO_SPREAD
    count, z_N = len(x_N), ordered(x_N)
    weight_N = (2 * np.arange(1, count + 1) - 1) / count
    statistic = float(-count - weight_N @ (log_ndtr(z_N) + log_ndtr(-z_N[::-1])))
    scaled = statistic * (1 + 0.75 / count + 2.25 / count**2)
    terms = next(terms for most, terms in _ANDERSON_DARLING if scaled < most)
    tail = float(np.exp(np.polynomial.polynomial.polyval(scaled, terms)))
    return Normality("Anderson–Darling", statistic, 1 - tail if scaled < 0.34 else tail, count)


def skewness(x_N: Float[np.ndarray, "N"]) -> Normality | str:
    """Return the test of zero skewness; the statistic is the sample skewness m_3/m_2^{3/2}.

    Error: tests symmetry of the third moment only. Source: D'Agostino (1970).

    >>> round(skewness(np.arange(21.0) ** 2).statistic, 4)
    0.6604
    """
    if not spread_out(x_N):
        return NO_SPREAD
    n, z_N = len(x_N), _standardised(x_N)
    statistic = float(np.mean(z_N * z_N * z_N))
    fourth = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    square = np.sqrt(2 * (fourth - 1)) - 1
    scaled = statistic * np.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    deviate = np.arcsinh(scaled / np.sqrt(2 / (square - 1))) / np.sqrt(np.log(square) / 2)
    return Normality("skewness", statistic, _two_sided(deviate), n)


def kurtosis(x_N: Float[np.ndarray, "N"]) -> Normality | str:
    """Return the test of zero excess kurtosis; the statistic is the sample's m_4/m_2² − 3.

    Error: p-values below 0.001 are too small by up to a factor of three for a few hundred values. Source: Anscombe and
    Glynn (1983).

    >>> round(kurtosis(np.arange(21.0)).statistic, 4)
    -1.2055
    """
    if not spread_out(x_N):
        return NO_SPREAD
    n, z_N = len(x_N), _standardised(x_N)
    statistic = float(np.mean(z_N * z_N * z_N * z_N)) - 3
    spread = np.sqrt(24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5)))
    scaled = (statistic + 6 / (n + 1)) / spread
    third = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9)) * np.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    freedom = 6 + 8 / third * (2 / third + np.sqrt(1 + 4 / third**2))
    root = np.cbrt((1 - 2 / freedom) / (1 + scaled * np.sqrt(2 / (freedom - 4))))
    return Normality("kurtosis", statistic, _two_sided((1 - 2 / (9 * freedom) - root) / np.sqrt(2 / (9 * freedom))), n)


def henze_zirkler(x_NM: Float[np.ndarray, "N M"]) -> Normality | str:
    """Return the Henze–Zirkler test that N vectors of few dimensions are jointly Gaussian.

    The statistic is the weighted squared distance of the characteristic function of the whitened sample from the normal
    one, with bandwidth β = ((2M+1)N/4)^{1/(M+4)}/√2; p is that of the lognormal law with its null mean and variance.

    Error: of p, about a tenth of it for up to 10 dimensions and 200 vectors or more; the test loses its power beyond
    some 8. The time is of order N²·M. A singular covariance is told by a sentence. Source: Henze and Zirkler (1990).

    >>> x = np.random.default_rng(0).standard_normal((300, 2))
    >>> henze_zirkler(x).p_value > 0.05, henze_zirkler(x**3).p_value < 1e-3
    (True, True)
    """
    from scipy.stats import lognorm

    x_NM = numbers(x_NM, "the vectors", axes=2, finite=False)
    count, width = x_NM.shape
    if count < FEWEST or count <= width or not width:
        raise ValueError(f"{count} vectors of {width} dimensions are too few; use {FEWEST} and more than dimensions.")
    if not all(spread_out(x_N) for x_N in x_NM.T):
        return NO_SPREAD
    x_NM = scaled(x_NM)
    off_NM, spread_M = x_NM - x_NM.mean(0), x_NM.std(0)
    if spread_M.min() < 1 / LARGEST or np.linalg.matrix_rank(off_NM / spread_M, rtol=FLAT) < width:
        return NO_SPREAD
    square = 0.5 * ((2 * width + 1) * count / 4) ** (2 / (width + 4))
    statistic = _henze_zirkler_statistic(x_NM, square)
    mean, variance = _henze_zirkler_moments(width, square)
    log_variance = np.log1p(variance / mean**2)
    p_value = lognorm.sf(statistic, np.sqrt(log_variance), scale=mean * np.exp(-log_variance / 2))
    return Normality("Henze–Zirkler", statistic, float(p_value), count)


def false_discoveries(p_values: Sequence[float], rate: float, *, dependent: bool) -> Discoveries:
    """Return which p-values are discoveries, of which on average at most the share ``rate`` is false.

    Benjamini–Hochberg for independent tests; Benjamini–Yekutieli, which any dependence leaves valid, for projections
    and layers of the same sequences.

    Error: conservative by Σ 1/i over the number of tests where ``dependent`` and the tests are not. A p-value that is
    none, as of a test that could not be made, is refused: it would count as a test, and spoil the others.
    Source: Benjamini and Hochberg (1995); Benjamini and Yekutieli (2001).

    >>> false_discoveries([0.01, 0.02, 0.9], 0.05, dependent=False).rejected_N.tolist()
    [True, True, False]
    >>> false_discoveries([0.01, 0.02, 0.9], 0.05, dependent=True).adjusted_N.round(3).tolist()
    [0.055, 0.055, 1.0]
    """
    from statsmodels.stats.multitest import multipletests

    if not 0 < rate < 1:
        raise ValueError(f"rate {rate} must lie strictly between 0 and 1; 0.05 is usual.")
    p_N = numbers(p_values, "the p-values", finite=False)
    wrong_N = p_N[~((p_N >= 0) & (p_N <= 1))]
    if len(wrong_N) or not len(p_N):
        raise ValueError(
            f"{len(wrong_N)} of {len(p_N)} p-values lie outside [0, 1] ({short(wrong_N)}); leave out and count the"
            " tests that could not be made, and give one p-value or more."
        )
    rejected_N, adjusted_N, _, _ = multipletests(p_N, alpha=rate, method="fdr_by" if dependent else "fdr_bh")
    return Discoveries(np.asarray(rejected_N), np.asarray(adjusted_N))


def _standardised(x_N: np.ndarray) -> np.ndarray:
    """Return the values less their mean and over their standard deviation, of divisor N."""
    x_N = scaled(x_N)
    return np.asarray((x_N - x_N.mean()) / x_N.std())


def _two_sided(deviate: float) -> float:
    from scipy.special import ndtr

    return 2 * float(ndtr(-abs(deviate)))


def _henze_zirkler_statistic(x_NM: np.ndarray, square: float) -> float:
    """N·∫ abs(ψ_N(t) − exp(−t²/2))² dN(0, β²)(t), with β² given."""
    count, width = x_NM.shape
    centred_NM = x_NM - x_NM.mean(0)
    factor_MM = np.linalg.cholesky(centred_NM.T @ centred_NM / count)
    white_NM = np.linalg.solve(factor_MM, centred_NM.T).T
    norm_N = np.sum(white_NM**2, axis=1)
    pairs = sum(
        float(np.exp(-square / 2 * np.maximum(norm_N[rows, None] + norm_N - 2 * white_NM[rows] @ white_NM.T, 0)).sum())
        for rows in (slice(start, start + BLOCK) for start in range(0, count, BLOCK))
    )
    single = float(np.exp(-square / (2 * (1 + square)) * norm_N).sum())
    return pairs / count - 2 * (1 + square) ** (-width / 2) * single + count * (1 + 2 * square) ** (-width / 2)


def _henze_zirkler_moments(width: int, square: float) -> tuple[float, float]:
    """Mean and variance of the statistic under normality."""
    a, b = 1 + 2 * square, (1 + square) * (1 + 3 * square)
    half, twice = width / 2, width * (width + 2)
    mean = 1 - a**-half * (1 + width * square / a + twice * square**2 / (2 * a**2))
    variance = 2 * (1 + 4 * square) ** -half
    variance += 2 * a**-width * (1 + 2 * width * square**2 / a**2 + 3 * twice * square**4 / (4 * a**4))
    variance -= 4 * b**-half * (1 + 3 * width * square**2 / (2 * b) + twice * square**4 / (2 * b**2))
    return mean, variance


_ANDERSON_DARLING = (
    (0.2, (-13.436, 101.14, -223.73)),
    (0.34, (-8.318, 42.796, -59.938)),
    (0.6, (0.9177, -4.279, -1.38)),
    (13.0, (1.2937, -5.709, 0.0186)),
    (np.inf, (-np.inf, 0.0, 0.0)),
)
"""Below which A² (scaled), the terms of a polynomial whose exponential is p, or 1 − p below 0.34."""
