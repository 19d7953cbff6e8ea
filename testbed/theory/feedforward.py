"""The feed-forward network in float64, with its Jacobian: how the noise of attention goes through it."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.theory.attention_noise import Noise, transformed

Elementwise = Callable[[np.ndarray], np.ndarray]

CUBE_ROOT_OF_ROUNDING = 2.0 ** (-52 / 3)
GELU_CUBIC = 0.044715


class FeedForward(NamedTuple):
    """FFN(x) = W₂ᵀ σ(W₁ᵀ x + b₁) + b₂, with σ element by element, and its derivative or None to take differences."""

    up_MF: Float[np.ndarray, "M F"]
    up_F: Float[np.ndarray, "F"]
    down_FM: Float[np.ndarray, "F M"]
    down_M: Float[np.ndarray, "M"]
    nonlinearity: Elementwise
    derivative: Elementwise | None

    def __call__(self, x_M: Float[np.ndarray, "M"]) -> Float[np.ndarray, "M"]:
        """Return FFN(x)."""
        return np.asarray(self.nonlinearity(x_M @ self.up_MF + self.up_F) @ self.down_FM + self.down_M)

    def jacobian(self, x_M: Float[np.ndarray, "M"]) -> Float[np.ndarray, "M M"]:
        """Return J[i, j] = ∂FFN_i/∂x_j.

        Error: rounding with a derivative given, else that of `differences`; no Jacobian exists where σ has a kink.
        """
        u_F = x_M @ self.up_MF + self.up_F
        slope_F = differences(self.nonlinearity, u_F) if self.derivative is None else self.derivative(u_F)
        return np.asarray((self.up_MF * slope_F[None] @ self.down_FM).T)


def through(noise: Noise, network: FeedForward) -> Noise:
    """Return the noise of r = A + FFN(A): (I+J) Σ (I+J)ᵀ around m + FFN(m).

    Error: as `attention_noise.transformed`; for a smooth nonlinearity only.
    """
    slope_MM = np.eye(len(noise.limit_M)) + network.jacobian(noise.limit_M)
    return transformed(noise, noise.limit_M + network(noise.limit_M), slope_MM)


def gelu(x: Float[np.ndarray, "*axes"]) -> Float[np.ndarray, "*axes"]:
    """Return x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, the hyperbolic-tangent form."""
    return np.asarray(x * (1 + np.tanh(_inner(x))) / 2)


def gelu_derivative(x: Float[np.ndarray, "*axes"]) -> Float[np.ndarray, "*axes"]:
    """Return the derivative of `gelu`."""
    tanh = np.tanh(_inner(x))
    return np.asarray((1 + tanh) / 2 + x * (1 - tanh**2) / 2 * math.sqrt(2 / math.pi) * (1 + 3 * GELU_CUBIC * x**2))


def differences(function: Elementwise, x: Float[np.ndarray, "*axes"]) -> Float[np.ndarray, "*axes"]:
    """Return the derivative of an elementwise function by central differences.

    Error: about 1e-10, by curvature and rounding in equal parts, for functions that vary on the scale of 1.
    """
    step = CUBE_ROOT_OF_ROUNDING * np.maximum(1.0, np.abs(x))
    above, below = x + step, x - step
    return np.asarray((function(above) - function(below)) / (above - below))


def jacobian(function: Callable[[np.ndarray], np.ndarray], x_M: Float[np.ndarray, "M"]) -> Float[np.ndarray, "O M"]:
    """Return ∂function_o/∂x_m by central differences, for any map of vectors.

    Error: as `differences`.
    """
    step_M = CUBE_ROOT_OF_ROUNDING * np.maximum(1.0, np.abs(x_M))
    moved_MM = np.diag(step_M)
    columns = [(function(x_M + off_M) - function(x_M - off_M)) / (2 * off_M.max()) for off_M in moved_MM]
    return np.stack(columns, axis=-1)


def _inner(x: np.ndarray) -> np.ndarray:
    return np.asarray(math.sqrt(2 / math.pi) * (x + GELU_CUBIC * x**3))
