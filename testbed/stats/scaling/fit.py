"""The best fit of a form: many starts by variable projection, then descent of a sum over rows."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.descent import SETTLED, descend
from testbed.stats.scaling.problem import Problem
from testbed.stats.scaling.projection import starts

BEGUN = 12
"""Starts, the best of the grid, that are descended."""

SAME = 1e-6
"""Relative difference of objectives below which two starts ended in one minimum."""

EXACT = 1e-20
"""Relative fall of a sum of squares below which it is done; steps are squared each time, so it costs one more."""

APART = 1e-2
"""Distance of a coordinate, relative to it, from which descents ended in different minima."""

REACHED = 1e-9
"""Distance to an end of the search, relative to it, at which a parameter is told to be at it."""


class Fitted(NamedTuple):
    """The least objective, where it is, what share of the starts led there, and which parameters ended at a bound.

    ``others`` are coordinates of other minima that starts led to, by rising objective.
    """

    coordinate_Q: np.ndarray
    objective: float
    agreeing: float
    settled: bool
    at_bound: tuple[str, ...]
    others: tuple[np.ndarray, ...] = ()


def fit(asked: Problem) -> Fitted:
    """Return the least of the objective over the starts of the form.

    The sum over rows of squares, or of the Huber loss, of residuals, as `Objective` says. Starts are the exponents of
    a grid with the other parameters solved for; the twelve best are descended by Levenberg–Marquardt, and for the Huber
    loss, whose sum has corners, the three best of those by L-BFGS-B too.

    Error: a least value that no start leads to is missed; ``agreeing`` near 1 makes that unlikely.
    Source: Hoffmann et al. (2022), section D.2; Besiroglu et al. (2024) on sums and means.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x, y = (each.ravel() for each in np.meshgrid(4.0 ** np.arange(5), 4.0 ** np.arange(5)))
    >>> table = losses(x, y, 1 + 2 * x**-0.5 + 3 * y**-0.3)
    >>> found = fit(problem(FORMS["chinchilla"], table, OBJECTIVES["huber"]))
    >>> FORMS["chinchilla"].values(found.coordinate_Q).round(6).tolist(), found.settled
    ([1.0, 2.0, 3.0, 0.5, 0.3], True)
    """
    with np.errstate(over="ignore"):
        begun_SQ = starts(asked)
    order_S = np.argsort(asked.value(begun_SQ), kind="stable")[:BEGUN]
    ended = descend(asked, begun_SQ[order_S], settled=EXACT if asked.objective.squares else SETTLED)
    if not np.isfinite(ended.value_R).any():
        raise NoInformation("the objective is finite at no start; change the units of params, tokens and loss.")
    if not asked.objective.squares:
        best_SQ = ended.coordinate_RQ[np.argsort(ended.value_R, kind="stable")[:3]]
        quasi_SQ = np.stack([quasi_newton(asked, best_Q) for best_Q in best_SQ])
        again = descend(asked, quasi_SQ)
        ended = type(ended)(*(np.concatenate(pair) for pair in zip(ended, again, strict=True)))
    least = int(np.argmin(ended.value_R))
    value = float(ended.value_R[least])
    agreeing = float(np.mean(ended.value_R[: len(order_S)] <= value * (1 + SAME) + 1e-25))
    coordinate_Q = ended.coordinate_RQ[least]
    rising_RQ = ended.coordinate_RQ[np.argsort(ended.value_R, kind="stable")]
    return Fitted(
        coordinate_Q, value, agreeing, bool(ended.settled_R[least]), at_bound(asked, coordinate_Q),
        _others(rising_RQ[: int(np.isfinite(ended.value_R).sum())]),
    )  # fmt: skip


def _others(rising_RQ: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the places, of those where descents ended, that are none of the ones before."""
    found: list[np.ndarray] = []
    for place_Q in rising_RQ:
        if all((np.abs(place_Q - other_Q) > APART * (1 + np.abs(other_Q))).any() for other_Q in found):
            found.append(place_Q)
    return tuple(found[1:])


def quasi_newton(
    asked: Problem, start_Q: Float[np.ndarray, "Q"], *, share: float = 1.0, tolerance: float = 1e-15
) -> Float[np.ndarray, "Q"]:
    """Return where L-BFGS-B ends, from a start, on the objective times ``share``, in coordinates of even curvature.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 4.0 ** np.arange(5)
    >>> asked = problem(FORMS["power_tokens"], losses(x, x, 1 + x**-0.5), OBJECTIVES["log-squares"])
    >>> quasi_newton(asked, np.array([0.9, 0.1, 0.4])).round(4).tolist() == [1.0, 0.0, 0.5]
    True
    """
    from scipy.optimize import minimize

    _, slope_NQ = asked.residuals(start_Q)
    unit_Q = 1 / np.maximum(np.sqrt(asked.weight_N @ slope_NQ**2), 1e-12)

    def value(scaled_Q: np.ndarray) -> tuple[float, np.ndarray]:
        residual_N, slope_NQ = asked.residuals(np.clip(scaled_Q * unit_Q, asked.lower_Q, asked.upper_Q))
        total = float(asked.weight_N @ asked.objective.terms(residual_N))
        pull_N = asked.weight_N * asked.objective.weights(residual_N) * residual_N
        return share * total, share * (pull_N @ slope_NQ) * unit_Q

    ends = list(zip(asked.lower_Q / unit_Q, asked.upper_Q / unit_Q, strict=True))
    options = {"maxiter": 5000, "maxfun": 20000, "ftol": tolerance, "gtol": tolerance, "maxcor": 20}
    found = minimize(value, start_Q / unit_Q, jac=True, method="L-BFGS-B", bounds=ends, options=options)
    return np.clip(found.x * unit_Q, asked.lower_Q, asked.upper_Q)


def at_bound(asked: Problem, coordinate_Q: Float[np.ndarray, "Q"]) -> tuple[str, ...]:
    """Return the names of the fitted parameters that lie at an end of their search.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> asked = problem(FORMS["power_tokens"], losses([1], [1], [2]), OBJECTIVES["huber"])
    >>> at_bound(asked, np.array([0.0, 1.0, 0.3]))
    ('E',)
    """
    low_Q = coordinate_Q - asked.lower_Q <= REACHED * (1 + np.abs(asked.lower_Q))
    high_Q = asked.upper_Q - coordinate_Q <= REACHED * (1 + np.abs(np.where(np.isinf(asked.upper_Q), 0, asked.upper_Q)))
    reached_Q = (low_Q | high_Q) & ~asked.pinned_Q
    return tuple(name for name, reached in zip(asked.form.names, reached_Q, strict=True) if reached)
