"""Two symbols at order 1: means over both chances to leave a state, by a quadrature."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import entr

from testbed.laws import record as records
from testbed.laws.record import Quantity
from testbed.sources.in_context_markov.fields import Fields

STEP, SURE = 1 / 32, 700.0
"""Step of the rule; a chance below e^-SURE counts as that."""


def rate(source: Fields) -> Quantity:
    """Return the rate of two symbols at order 1, E[(b·H(a) + a·H(b)) / (a + b)] = 2·E[b·H(a) / (a + b)]."""
    grid = _grid(source.concentration)
    entropy_Q = entr(grid.chance_Q) + entr(grid.other_Q)
    value, error = _mean(grid, 2 * entropy_Q[:, None] * _ratio(grid).T)
    return records.rounded(value, 64 + error / records.UNIT_ROUNDOFF, method="enumeration")


def pair_law(source: Fields, lag: int) -> Float[np.ndarray, "2 2"]:
    """Return E[π_x·(P^lag)_xy] for two symbols and order 1: P(0, 1) = E[a·b/(a+b)²·(1 - (1-a-b)^lag)]."""
    differs, _ = _differs(source, lag)
    return np.array([[0.5 - differs, differs], [differs, 0.5 - differs]])


def pair_error(source: Fields, lag: int) -> float:
    """Return a bound on the sum of the absolute errors of the entries of the pair law."""
    return 4 * _differs(source, lag)[1] + 64 * (1 + lag) * records.UNIT_ROUNDOFF


def _differs(source: Fields, lag: int) -> tuple[float, float]:
    """Return P(X_0 = 0, X_lag = 1) and its error."""
    grid = _grid(source.concentration)
    second_QQ = grid.other_Q[:, None] - grid.chance_Q[None, :]  # the second eigenvalue 1 - a - b
    return _mean(grid, _ratio(grid) * _ratio(grid).T * (1 - second_QQ**lag))


class Grid(NamedTuple):
    """The chance a to leave a state, 1-a, and ln a, at the points of a quadrature, and two rules of sum 1 for them.

    `coarse_Q` uses every second point of those that `weight_Q` uses.
    """

    chance_Q: Float[np.ndarray, " Q"]
    other_Q: Float[np.ndarray, " Q"]
    log_Q: Float[np.ndarray, " Q"]
    weight_Q: Float[np.ndarray, " Q"]
    coarse_Q: Float[np.ndarray, " Q"]


@functools.lru_cache(maxsize=4)
def _grid(concentration: float) -> Grid:
    """Return the trapezoidal rule for Beta(c, c) in x, where a = 1/(1 + exp(-sinh x)).

    The integrand is analytic and falls doubly exponentially, so that the rule converges exponentially in 1/step. The
    density is ∝ cosh(½·sinh x)^-2c·cosh x. Points at which a or 1-a is below e^-SURE are all moved there: neither
    entropies nor the products a·b/(a+b)² that count can tell them apart.
    Source: Takahasi and Mori (1974), "Double exponential formulas for numerical integration".
    """
    step, tail = STEP * min(1.0, 10 / concentration**0.5), 20 / concentration
    reach = 2 * (tail + np.log1p(np.sqrt(-np.expm1(-2 * tail))))  # where the density has fallen by a factor of e^40
    count = 2 * np.ceil(np.arcsinh(reach) / step / 2)
    x_X = step * np.arange(-count, count + 1)
    density_X = np.exp(-2 * concentration * _log_cosh(np.sinh(x_X) / 2)) * np.cosh(x_X)
    told_Q = np.flatnonzero(np.abs(np.sinh(x_X)) <= SURE)
    place_X, odds_Q = np.clip(np.arange(len(x_X)) - told_Q[0], 0, len(told_Q) - 1), np.sinh(x_X[told_Q])
    log_Q, log_other_Q = -np.logaddexp(0, -odds_Q), -np.logaddexp(0, odds_Q)
    rules = np.bincount(place_X, density_X), np.bincount(place_X[::2], density_X[::2], len(odds_Q))
    return Grid(np.exp(log_Q), np.exp(log_other_Q), log_Q, *(rule / rule.sum() for rule in rules))


def _log_cosh(u_X: Float[np.ndarray, " X"]) -> Float[np.ndarray, " X"]:
    """Return ln cosh u, all digits of it near 0 and without overflow."""
    far_X = np.abs(u_X)
    near_X = np.log1p(2 * np.sinh(np.minimum(far_X, 1) / 2) ** 2)
    return np.where(far_X < 1, near_X, far_X + np.log1p(np.exp(-2 * far_X)) - np.log(2))


def _ratio(grid: Grid) -> Float[np.ndarray, "Q Q"]:
    """Return a/(a + b) for all pairs of points."""
    return np.exp(-np.logaddexp(0, grid.log_Q[None, :] - grid.log_Q[:, None]))


def _mean(grid: Grid, value_QQ: Float[np.ndarray, "Q Q"]) -> tuple[float, float]:
    """Return the mean over both chances, and its difference from that of every second point."""
    mean = float(grid.weight_Q @ value_QQ @ grid.weight_Q)
    return mean, abs(mean - float(grid.coarse_Q @ value_QQ @ grid.coarse_Q))
