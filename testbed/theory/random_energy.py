"""Attention with Gaussian logits: how much averaging is left at any number of positions, exactly."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

WEIGHTS_MASS = 9.0
"""Standard deviations beyond which Gaussian probability is rounding."""


class Participation(NamedTuple):
    """n·E[Σ a²] of softmax weights a over n Gaussian logits, its error, and its limit exp(s²) for n → ∞."""

    value: float
    error: float
    limit: float


def participation(deviation: int | float, positions: int) -> Participation:
    """Return n·E[Σ g²/(Σ g)²] with g = exp(s·Z) over n independent standard Gaussians Z.

    For values with covariance C that are independent of the keys, n·Cov(A given q) is C times this number. As 1/S² is
    ∫ t·exp(−t·S) dt, and with t = e^y and w(x) = exp(2x − e^x), it is n² ∫ E[w(y+sZ)] · E[exp(−e^{y+sZ})]^{n−1} dy:
    two nested integrals of smooth functions that vanish at both ends, where the trapezoidal rule converges
    exponentially.

    Error: `error` is the change when the number of nodes is doubled in both integrals, plus rounding (1e-13); tested
    for s up to 3 and n up to 10⁶.

    >>> round(participation(1.0, 64).value / math.exp(1.0), 2)
    0.91
    """
    if positions < 1 or deviation < 0:
        raise ValueError(f"deviation={deviation}, positions={positions}: give s >= 0 and at least 1 position.")
    coarse, fine = (_integral(float(deviation), positions, step) for step in (0.1, 0.05))
    return Participation(fine, abs(fine - coarse) + 1e-13 * fine, math.exp(deviation**2))


def slope_between(deviation: int | float, fewer: int, more: int) -> float:
    """Return the slope of log T against log n between two numbers of positions: −1 where all average, 0 if frozen.

    Error: that of `participation`, as a share of its values, over log(more/fewer).
    """
    ratio = participation(deviation, more).value / participation(deviation, fewer).value
    return math.log(ratio) / math.log(more / fewer) - 1


def freezing(positions: int) -> float:
    """Return √(2 ln n), the deviation of logits above which the largest of n of them holds a finite share of weight.

    Source: Derrida, Random-energy model: an exactly solvable model of disordered systems, Phys. Rev. B 24 (1981).
    """
    return math.sqrt(2 * math.log(positions))


def _integral(deviation: float, positions: int, step: float) -> float:
    reach = WEIGHTS_MASS * deviation
    low = -(math.log(positions) + deviation**2 / 2 + reach + 20)
    y_Y = np.arange(low, reach + 5, step)
    density_Y, spent_Y = _inner(deviation, y_Y, step / max(1.0, deviation))
    survives_Y = np.exp((positions - 1) * np.log1p(-spent_Y)) if positions > 1 else np.ones_like(y_Y)
    return float(positions**2 * step * (density_Y * survives_Y).sum())


def _inner(
    deviation: float, y_Y: Float[np.ndarray, " Y"], step: float
) -> tuple[Float[np.ndarray, " Y"], Float[np.ndarray, " Y"]]:
    """Return E[w(y+sZ)] and E[1 − exp(−e^{y+sZ})], Gaussian averages by the trapezoidal rule.

    The square of a weight moves the bulk of the first average up to 2s, so that is how far the nodes go.
    """
    z_Z = np.arange(-WEIGHTS_MASS - 1, WEIGHTS_MASS + 1 + 2 * deviation, step)
    weight_Z = np.exp(-(z_Z**2) / 2) * (step / math.sqrt(2 * math.pi))
    x_YZ = np.minimum(y_Y[:, None] + deviation * z_Z, 6.0)  # beyond, w and exp(−e^x) are zero to rounding
    size_YZ = np.exp(x_YZ)
    return np.exp(2 * x_YZ - size_YZ) @ weight_Z, np.minimum(-np.expm1(-size_YZ) @ weight_Z, 1 - 2.0**-53)
