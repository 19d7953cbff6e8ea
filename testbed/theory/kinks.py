"""Limits of averages that meet a kink: a Gaussian seen through a nonlinearity that is not smooth at its mean."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Shape(NamedTuple):
    """Mean, variance, skewness and excess kurtosis of a law."""

    mean: float
    variance: float
    skewness: float
    excess_kurtosis: float


def two_slopes(deviation: int | float, *, above: int | float, below: int | float) -> Shape:
    """Return the moments of a·X where X > 0 and b·X elsewhere, X ~ N(0, σ²), with a = above and b = below.

    ReLU is (1, 0), and A + ReLU(A) is (2, 1). The variance is σ²·((a²+b²)/2 − (a−b)²/2π): proportional to σ², so that
    its slope against n is that of σ², though the shape is not Gaussian unless a = b.

    Error: rounding.

    >>> round(two_slopes(1.0, above=1.0, below=0.0).variance, 6)
    0.340845
    """
    density = deviation / math.sqrt(2 * math.pi)
    raw = (
        (above - below) * density,
        (above**2 + below**2) / 2 * deviation**2,
        2 * (above**3 - below**3) * density * deviation**2,
        1.5 * (above**4 + below**4) * deviation**4,
    )
    return _shape(*raw)


def signed_power(deviation: int | float, exponent: int | float) -> Shape:
    """Return the moments of sign(X)·|X|^h for X ~ N(0, σ²): the variance is σ^2h · E|Z|^2h.

    Its slope against n is h times that of σ².

    Error: rounding.

    >>> round(signed_power(2.0, 1.0).variance, 12)
    4.0
    """
    second = deviation ** (2 * exponent) * absolute_moment(2 * exponent)
    fourth = deviation ** (4 * exponent) * absolute_moment(4 * exponent)
    return Shape(0.0, second, 0.0, fourth / second**2 - 3)


def absolute_moment(power: int | float) -> float:
    """Return E|Z|^p = 2^{p/2} Γ((p+1)/2) / √π for a standard Gaussian.

    >>> round(absolute_moment(4), 12)
    3.0
    """
    return 2 ** (power / 2) * math.gamma((power + 1) / 2) / math.sqrt(math.pi)


def rectified_covariance(covariance_FF: Float[np.ndarray, "F F"]) -> Float[np.ndarray, "F F"]:
    """Return Cov(max(U, 0)) for U ~ N(0, C), element by element.

    With ρ the correlation, E[U⁺V⁺] = σ_U σ_V (√(1−ρ²) + ρ (π − arccos ρ)) / 2π, and E[U⁺] = σ_U / √2π.

    Error: rounding.

    Source: Cho and Saul, Kernel Methods for Deep Learning (2009), equation 6 (degree 1).
    """
    deviation_F = np.sqrt(np.diag(covariance_FF))
    scale_FF = np.outer(deviation_F, deviation_F)
    certain_FF = np.where(scale_FF > 0, scale_FF, 1.0)
    correlation_FF = np.clip(covariance_FF / certain_FF, -1.0, 1.0)
    product_FF = np.sqrt(1 - correlation_FF**2) + correlation_FF * (np.pi - np.arccos(correlation_FF))
    return np.asarray(scale_FF * (product_FF - 1) / (2 * np.pi))


def _shape(first: float, second: float, third: float, fourth: float) -> Shape:
    """Return the central moments that these raw ones give."""
    variance = second - first**2
    skewed = third - 3 * first * second + 2 * first**3
    peaked = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    return Shape(first, variance, skewed / variance**1.5, peaked / variance**2 - 3)
