"""How the noise of A passes the feed-forward network: by its Jacobian where it is smooth, by closed forms at a kink."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.studies.noise.predictions.heads import Fed
from testbed.theory import kinks
from testbed.theory.feedforward import FeedForward, jacobian

STEP = 1e-3
"""Of second differences, as a share of a standard deviation."""


def is_smooth(nonlinearity: Any) -> bool:
    """Return whether a nonlinearity has a derivative that varies smoothly."""
    return isinstance(nonlinearity, Gelu)


def exponent(nonlinearity: Any) -> float | None:
    """Return the power with which a nonlinearity lets a deviation from zero through; None if it is smooth there."""
    if isinstance(nonlinearity, Holder):
        return float(nonlinearity.exponent)
    return {Relu: 1.0, Step: 0.0}.get(type(nonlinearity))


def parts(fed: Fed, attention_M: Float[np.ndarray, " M"]) -> Float[np.ndarray, "3 M"]:
    """Return A, FFN(A) and their sum, which is the representation up to what the query's own token adds."""
    fed_M = fed(attention_M)
    return np.stack([attention_M, fed_M, attention_M + fed_M])


def slopes(fed: Fed, mean_M: Float[np.ndarray, " M"]) -> Float[np.ndarray, "3 M M"]:
    """Return the derivatives in A of A, of FFN(A) and of their sum.

    Error: that of `feedforward.jacobian`, unless FFN has a derivative of its own.
    """
    one_MM = np.eye(len(mean_M))
    slope_MM = fed.jacobian(mean_M) if isinstance(fed, FeedForward) else jacobian(fed, mean_M)
    return np.stack([one_MM, slope_MM, one_MM + slope_MM])


def kinked(network: FeedForward, nonlinearity: Any, covariance_MM: Float[np.ndarray, "M M"]) -> Float[np.ndarray, "3"]:
    """Return tr Cov of A, of FFN(A) and of their sum where A is Gaussian and hidden units are zero at its mean.

    With U hidden, Cov(A, σ(U)) = Cov(A, U)·E[U·σ(U)]/Var U. The last two are NaN for several hidden units that are not
    ReLU, and where they never vary.

    Error: rounding; for an average of n tokens, its distance from a Gaussian, of relative order n^(−1/2).
    """
    hidden_MF = covariance_MM @ network.up_MF
    covariance_FF, slope = _hidden(nonlinearity, network.up_MF.T @ hidden_MF)
    alone = float(np.trace(covariance_MM))
    fed = float(np.einsum("fm,fg,gm->", network.down_FM, covariance_FF, network.down_FM))
    both = float(np.einsum("mf,fm->", hidden_MF, network.down_FM)) * slope
    return np.array([alone, fed, alone + 2 * both + fed])


def expected(function: Callable[[np.ndarray], np.ndarray], mean_X: np.ndarray, covariance_XX: np.ndarray) -> np.ndarray:
    """Return f + ½ Σ C_xy ∂²f/∂x∂y: the mean of a smooth function of a variable of little noise.

    Error: the fourth order in the noise; about 1e-9 of f, from second differences along the principal axes.
    """
    values_X, axes_XX = np.linalg.eigh(covariance_XX)
    steps_XX = (STEP * np.sqrt(np.maximum(values_X, 0.0)) * axes_XX).T
    middle = function(mean_X)
    bends = sum(function(mean_X + step_X) - 2 * middle + function(mean_X - step_X) for step_X in steps_XX)
    return np.asarray(middle + bends / (2 * STEP**2))


def _hidden(nonlinearity: Any, covariance_FF: np.ndarray) -> tuple[np.ndarray, float]:
    """Return Cov σ(U) and E[U·σ(U)]/Var U for U ~ N(0, C), the same for all units."""
    if isinstance(nonlinearity, Relu):
        return kinks.rectified_covariance(covariance_FF), 0.5
    power, deviation = exponent(nonlinearity), math.sqrt(covariance_FF[0, 0])
    if power is None or len(covariance_FF) > 1 or deviation == 0:
        return np.full_like(covariance_FF, np.nan), math.nan
    variance = kinks.signed_power(deviation, power).variance
    return np.full((1, 1), variance), deviation ** (power - 1) * kinks.absolute_moment(1 + power)
