"""The law y = C·x^−β, fitted where y is measured: in linear space, so that noise may push a value below zero."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq, minimize_scalar
from scipy.special import fdtrc

from testbed.stats.estimate import Estimate, critical
from testbed.stats.moments import Moments, spread

SEARCHED = (-2.0, 5.0)


class PowerLaw(NamedTuple):
    """Exponent β with its interval, a constant C per curve, and the lack-of-fit p-value (NaN: nothing to test)."""

    exponent: Estimate
    constants_G: np.ndarray
    lack_of_fit: float


class _Problem(NamedTuple):
    """Values, log x and membership of N points in G curves, with the inverse of the working covariance."""

    y_N: np.ndarray
    log_x_N: np.ndarray
    curve_NG: np.ndarray
    precision_NN: np.ndarray

    def basis(self, exponent: float) -> np.ndarray:
        return np.asarray(self.curve_NG * np.exp(-exponent * self.log_x_N)[:, None])

    def constants(self, exponent: float) -> np.ndarray:
        basis_NG = self.basis(exponent)
        weighted_GN = basis_NG.T @ self.precision_NN
        return np.linalg.solve(weighted_GN @ basis_NG, weighted_GN @ self.y_N)

    def misfit(self, exponent: float) -> float:
        residual_N = self.y_N - self.basis(exponent) @ self.constants(exponent)
        return float(residual_N @ self.precision_NN @ residual_N)

    def score(self, exponent: float) -> np.ndarray:
        """Weights of the contrast that vanishes in expectation if and only if the exponent is right."""
        basis_NG = self.basis(exponent)
        direction_N = -self.log_x_N * (basis_NG @ self.constants(exponent))
        weighted_GN = basis_NG.T @ self.precision_NN
        along_N = self.precision_NN @ direction_N
        return np.asarray(along_N - weighted_GN.T @ np.linalg.solve(weighted_GN @ basis_NG, basis_NG.T @ along_N))


def power_law(
    x_N: Float[np.ndarray, "N"], found: Moments, curves: Sequence[int], *, working: Moments, level: float
) -> PowerLaw:
    """Return the exponent shared by one or more curves ``y = C_curve · x^−β``.

    ``found`` holds the N values with the noise that was seen, ``working`` the same with noise smoothed over groups,
    which only sets the weights: weights taken from the noise of three replicates would be as noisy themselves. β
    minimises the weighted squares with the constants projected out; its interval holds every β whose score t-test
    (Satterthwaite) does not reject.

    Error: an end that no exponent in [−2, 5] rejects is infinite. The lack-of-fit test is F, on the working covariance.

    >>> x, y = np.array([1.0, 2.0, 4.0, 8.0]), np.array([8.0, 4.0, 2.0, 1.0])
    >>> from testbed.stats.moments import known
    >>> seen = known(y, np.full(4, 1e-2), np.full(4, 3.0))
    >>> law = power_law(x, seen, [0, 0, 0, 0], working=seen, level=0.95)
    >>> round(law.exponent.value, 6), round(float(law.constants_G[0]), 6)
    (1.0, 8.0)
    """
    names = sorted(set(curves))
    curve_NG = np.array([[float(curve == name) for name in names] for curve in curves])
    if len(x_N) <= len(names):
        raise ValueError(f"{len(x_N)} points on {len(names)} curves leave no slope; each curve needs two abscissae.")
    covariance_NN = working.covariance()
    if np.linalg.matrix_rank(covariance_NN, hermitian=True) < len(x_N):
        raise ValueError(
            "the noise of some points is zero or unknown, so they cannot be weighed; use two replicates or more."
        )
    scale = float(np.exp(np.log(x_N).mean()))
    problem = _Problem(found.mean_Q, np.log(x_N / scale), curve_NG, np.linalg.inv(covariance_NN))
    grid = np.linspace(*SEARCHED, 141)
    start = float(grid[np.argmin([problem.misfit(exponent) for exponent in grid])])
    around = (max(start - 0.05, SEARCHED[0]), min(start + 0.05, SEARCHED[1]))
    exponent = float(minimize_scalar(problem.misfit, bounds=around, method="bounded", options={"xatol": 1e-10}).x)
    low, high = (_end(problem, found, exponent, side, level) for side in (-1, 1))
    spare = len(x_N) - len(names) - 1
    freedom = float(working.freedom_F[working.block_F >= 0].sum())
    p_value = float(fdtrc(spare, freedom, problem.misfit(exponent) / spare)) if spare else float("nan")
    inside = min(exponent - SEARCHED[0], SEARCHED[1] - exponent) > 1e-3
    method = "weighted power law, score t-interval" if inside else "no exponent inside the range that was searched"
    method += f"; lack of fit p = {p_value:.2g}" if spare else ""
    estimate = Estimate(value=exponent, low=low, high=high, level=level, n=found.n, method=method)
    return PowerLaw(estimate, problem.constants(exponent) * scale**exponent, p_value)


def _end(problem: _Problem, found: Moments, exponent: float, side: int, level: float) -> float:
    """Find the first exponent on one side whose score test rejects, or infinity."""

    def excess(candidate: float) -> float:
        weights_N = problem.score(candidate)
        error, freedom = spread(found, weights_N)
        return abs(float(weights_N @ found.mean_Q)) - critical(level, freedom) * error

    inside = exponent
    for outside in np.arange(exponent, SEARCHED[(side + 1) // 2], side * 0.02)[1:]:
        if excess(float(outside)) > 0:
            return float(brentq(excess, inside, outside)) if excess(inside) < 0 else inside
        inside = float(outside)
    return side * np.inf
