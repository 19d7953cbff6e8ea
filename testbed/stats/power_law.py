"""The law y = C·x^−β, fitted where y is measured: in linear space, so that noise may push a value below zero."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import fdtrc, stdtrit

from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import RANK, NoInformation, abscissae, alike, check_slope
from testbed.stats.moments import Moments, spreads
from testbed.stats.profile import least

SEARCHED = (-2.0, 5.0)
ROUNDED = 1e-13  # smallest over largest variance of combinations of points, below which rounding made it
POINTS = 32  # exponents that are tried at once


class PowerLaw(NamedTuple):
    """Exponent β with its interval, a constant C per curve, and the lack-of-fit p-value (NaN: nothing to test)."""

    exponent: Estimate
    constants_G: np.ndarray
    lack_of_fit: float


class _Problem(NamedTuple):
    """Values, log x and membership of N points in G curves; Cholesky root and inverse of the working covariance."""

    y_N: np.ndarray
    log_x_N: np.ndarray
    curve_NG: np.ndarray
    root_NN: np.ndarray
    precision_NN: np.ndarray

    def basis(self, exponent_E: np.ndarray) -> np.ndarray:
        """Return x^−β on its curve, of shape (E, N, G)."""
        return np.asarray(self.curve_NG * np.exp(-exponent_E[:, None, None] * self.log_x_N[:, None]))

    def solved(self, exponent_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the best constants of each exponent, of shape (E, G), and their weighted squares."""
        basis_ENG = self.basis(exponent_E)
        weighted_EGN = np.swapaxes(basis_ENG, 1, 2) @ self.precision_NN
        constant_EG1 = np.linalg.solve(weighted_EGN @ basis_ENG, weighted_EGN @ self.y_N[:, None])
        left_EN = self.y_N - (basis_ENG @ constant_EG1)[..., 0]
        return constant_EG1[..., 0], np.sum(left_EN @ self.precision_NN * left_EN, axis=1)

    def misfit(self, exponent_E: np.ndarray) -> np.ndarray:
        return self.solved(exponent_E)[1]

    def check_told(self, exponent: float) -> None:
        """Refuse curves of which those whose abscissae differ lie at zero: any exponent fits them.

        The change of the fitted curve with the exponent, less what the constants undo, must be more than rounding.
        """
        along_N = self.score(np.array([exponent]))[0]
        size = float(np.linalg.norm(np.linalg.solve(self.root_NN, self.y_N))) * (1 + float(np.abs(self.log_x_N).max()))
        if not float(np.linalg.norm(self.root_NN.T @ along_N)) > RANK * size:
            raise NoInformation(
                "the values are zero wherever the abscissae of a curve differ, so every exponent fits; measure where"
                " they are not."
            )

    def score(self, exponent_E: np.ndarray) -> np.ndarray:
        """Return the weights, of shape (E, N), of contrasts that vanish in expectation if and only if β is right."""
        basis_ENG = self.basis(exponent_E)
        weighted_EGN = np.swapaxes(basis_ENG, 1, 2) @ self.precision_NN
        own_EGG = weighted_EGN @ basis_ENG
        fitted_EN1 = basis_ENG @ np.linalg.solve(own_EGG, weighted_EGN @ self.y_N[:, None])
        along_EN1 = self.precision_NN @ (-self.log_x_N[:, None] * fitted_EN1)
        common_EG1 = np.linalg.solve(own_EGG, np.swapaxes(basis_ENG, 1, 2) @ along_EN1)
        return np.asarray(along_EN1 - np.swapaxes(weighted_EGN, 1, 2) @ common_EG1)[..., 0]


def power_law(
    x_N: Float[np.ndarray, "N"], found: Moments, curves: Sequence[int], *, working: Moments, level: float
) -> PowerLaw:
    """Return the exponent shared by one or more curves ``y = C_curve · x^−β``.

    ``found`` holds the N values with the noise that was seen, ``working`` the same with noise smoothed over groups,
    which only sets the weights: weights taken from the noise of three replicates would be as noisy themselves. β
    minimises the weighted squares with the constants projected out; its interval holds every β whose score t-test
    (Satterthwaite) does not reject.

    Error: an end that no exponent in [−2, 5] rejects is infinite. The lack-of-fit test is F, on the working covariance.
    `NoInformation` where the abscissae leave the slope open, or noise is zero or unknown.

    >>> x, y = np.array([1.0, 2.0, 4.0, 8.0]), np.array([8.0, 4.0, 2.0, 1.0])
    >>> from testbed.stats.moments import known
    >>> seen = known(y, np.full(4, 1e-2), np.full(4, 3.0))
    >>> law = power_law(x, seen, [0, 0, 0, 0], working=seen, level=0.95)
    >>> round(law.exponent.value, 6), round(float(law.constants_G[0]), 6)
    (1.0, 8.0)
    """
    check_level(level)
    x_N, names = abscissae(x_N, "abscissae"), sorted(set(curves))
    alike(abscissae=len(x_N), curves=len(curves), values=len(found.mean_Q), weighed=len(working.mean_Q))
    check_slope(x_N, curves, logarithmic=True)
    curve_NG = np.array([[float(curve == name) for name in names] for curve in curves])
    covariance_NN = working.covariance()
    if not full_rank(covariance_NN):
        raise NoInformation(
            "the noise of some points is zero or unknown, so they cannot be weighed; use two replicates or more."
        )
    check_slope(x_N, curves, covariance_NN, logarithmic=True)
    scale = float(np.exp(np.log(x_N).mean()))
    root_NN, precision_NN = np.linalg.cholesky(covariance_NN), np.linalg.inv(covariance_NN)
    problem = _Problem(found.mean_Q, np.log(x_N / scale), curve_NG, root_NN, precision_NN)
    grid_E = np.linspace(*SEARCHED, 141)
    exponent = float(least(problem.misfit, grid_E, problem.misfit(grid_E))[0])
    problem.check_told(exponent)
    constant_EG, square_E = problem.solved(np.array([exponent]))
    low, high = (_end(problem, found, exponent, side, level) for side in (-1, 1))
    spare = len(x_N) - len(names) - 1
    freedom = float(working.freedom_F[working.block_F >= 0].sum())
    p_value = float(fdtrc(spare, freedom, square_E[0] / spare)) if spare and freedom else float("nan")
    inside = min(exponent - SEARCHED[0], SEARCHED[1] - exponent) > 1e-3
    method = "weighted power law, score t-interval" if inside else "no exponent inside the range that was searched"
    method += f"; lack of fit p = {p_value:.2g}" if spare and freedom else ""
    estimate = Estimate(value=exponent, low=low, high=high, level=level, n=found.n, method=method)
    return PowerLaw(estimate, constant_EG[0] * scale**exponent, p_value)


def full_rank(covariance_NN: Float[np.ndarray, "N N"]) -> bool:
    """Return whether no combination of points is free of noise, to rounding, each in units of its own noise.

    >>> full_rank(np.eye(2)), full_rank(np.ones((2, 2)))
    (True, False)
    """
    error_N = np.sqrt(covariance_NN.diagonal())
    if not (error_N > 0).all():
        return False
    unit_NN = covariance_NN / np.outer(error_N, error_N)
    return int(np.linalg.matrix_rank(unit_NN, rtol=ROUNDED, hermitian=True)) == len(error_N)


def _end(problem: _Problem, found: Moments, exponent: float, side: int, level: float) -> float:
    """Return the first exponent on one side whose score test rejects, or infinity."""
    edge_E = np.arange(exponent, SEARCHED[(side + 1) // 2], side * 0.02)
    for start in range(1, len(edge_E), POINTS):
        rejected_E = _excess(problem, found, edge_E[start : start + POINTS], level) > 0
        if rejected_E.any():
            first = start + int(rejected_E.argmax())
            return _crossing(problem, found, edge_E[first - 1 : first + 1], level)
    return side * np.inf


def _crossing(problem: _Problem, found: Moments, between_2: np.ndarray, level: float) -> float:
    """Return where the score test begins to reject between two exponents: twice divided, then on a line."""
    for _ in range(2):
        edge_E = np.linspace(between_2[0], between_2[1], POINTS + 1)
        excess_E = _excess(problem, found, edge_E, level)
        last = max(int((excess_E > 0).argmax()), 1)
        between_2, (below, above) = edge_E[last - 1 : last + 1], excess_E[last - 1 : last + 1]
    inside, outside = (float(each) for each in between_2)
    return inside - float(below / (above - below)) * (outside - inside) if below < 0 else inside


def _excess(problem: _Problem, found: Moments, exponent_E: np.ndarray, level: float) -> np.ndarray:
    """Return by how much each exponent's score exceeds its critical value."""
    weights_EN = problem.score(exponent_E)
    error_E, freedom_E = spreads(found, weights_EN)
    return np.asarray(np.abs(weights_EN @ found.mean_Q) - stdtrit(freedom_E, (1 + level) / 2) * error_E)
