"""Variable projection: parameters in which the loss is linear are solved for, and only exponents are searched."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.problem import Problem

FAINT = 1e-3
"""Share of the loss that a term keeps which the data would rather have below zero, so that a search can move it."""


class Projected(NamedTuple):
    """Parameters by variable projection, linear ones of any sign, and the sum of squared residuals of the loss."""

    value_Q: np.ndarray
    squares: float


def variable_projection(asked: Problem, start_Q: Float[np.ndarray, "Q"]) -> Projected:
    """Return the least squares of the loss itself, Σ w·(Φ(exponents)·c − L)², with the coefficients c solved for.

    Columns of Φ are the derivatives of the loss by its linear parameters. The search, of the exponents only, is that of
    `scipy.optimize.least_squares` with Kaufman's Jacobian, −(1 − ΦΦ⁺)(∂Φ)c. Coefficients take any sign.

    Error: the minimum next to the start; ValueError where the form is linear in none of its parameters.
    Source: Golub and Pereyra (1973); Kaufman (1975).

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 4.0 ** np.arange(5)
    >>> asked = problem(FORMS["power_tokens"], losses(x, x, 3 - x**-0.5), OBJECTIVES["squares"])
    >>> variable_projection(asked, np.array([0.0, 0.0, 0.3])).value_Q.round(6).tolist()
    [3.0, -1.0, 0.5]
    """
    from scipy.optimize import least_squares

    linear_Q, searched_Q = _linear(asked), ~_linear(asked) & ~asked.pinned_Q
    if not linear_Q.any():
        raise ValueError(f"{asked.form.name} is linear in none of its parameters; fit it by another objective.")
    root_N, loss_N = np.sqrt(asked.weight_N), np.exp(asked.log_loss_N)

    def solved(searched: np.ndarray) -> tuple[np.ndarray, ...]:
        column_NK, along_NKX = _columns(asked, _filled(start_Q, searched_Q, searched), searched_Q)
        known_N = _known(asked, start_Q, searched_Q, searched)
        weighed_NK = root_N[:, None] * column_NK
        coefficient_K, *_ = np.linalg.lstsq(weighed_NK, root_N * (loss_N - known_N), rcond=None)
        residual_N = weighed_NK @ coefficient_K - root_N * (loss_N - known_N)
        return residual_N, coefficient_K, weighed_NK, root_N[:, None] * np.einsum("nkx,k->nx", along_NKX, coefficient_K)

    def jacobian(searched: np.ndarray) -> np.ndarray:
        _, _, weighed_NK, along_NX = solved(searched)
        return np.asarray(along_NX - weighed_NK @ np.linalg.lstsq(weighed_NK, along_NX, rcond=None)[0])

    ends = asked.lower_Q[searched_Q], asked.upper_Q[searched_Q]
    begun = np.clip(start_Q[searched_Q], *ends)
    found = begun
    if searched_Q.any():
        found = least_squares(
            lambda x: solved(x)[0], begun, jacobian, bounds=ends, x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15,
            max_nfev=1000,
        ).x  # fmt: skip
    residual_N, coefficient_K, *_ = solved(found)
    value_Q = asked.form.values(_filled(start_Q, searched_Q, found))
    value_Q[asked.pinned_Q] = asked.form.values(asked.lower_Q)[asked.pinned_Q]
    value_Q[linear_Q] = coefficient_K
    return Projected(value_Q, float(residual_N @ residual_N))


def starts(asked: Problem) -> Float[np.ndarray, "S Q"]:
    """Return where a search may begin: exponents on the form's grid, linear parameters the best above zero for each.

    Best are the squares of relative residuals, or of residuals where the objective is one of losses; each set of
    coefficients that are not zero is tried.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 4.0 ** np.arange(5)
    >>> asked = problem(FORMS["power_tokens"], losses(x, x, 1 + x**-0.45), OBJECTIVES["huber"])
    >>> starts(asked)[3].round(6).tolist()
    [1.0, 0.0, 0.45]
    """
    start_SQ = asked.form.starts(asked.log_params_N, asked.log_tokens_N, asked.log_loss_N)
    start_SQ = np.clip(start_SQ, asked.lower_Q, asked.upper_Q)
    linear_Q = _linear(asked)
    start_SQ = np.unique(np.where(linear_Q, 0.0, start_SQ), axis=0)
    return np.stack([_solved(asked, start_Q, linear_Q) for start_Q in start_SQ]) if linear_Q.any() else start_SQ


def _linear(asked: Problem) -> np.ndarray:
    """Return which coordinates are linear, and fitted."""
    return np.array([parameter.linear for parameter in asked.form.parameters]) & ~asked.pinned_Q


def _solved(asked: Problem, start_Q: np.ndarray, linear_Q: np.ndarray) -> np.ndarray:
    """Return a start with its linear coordinates solved for, within their range."""
    none_Q = np.zeros(len(start_Q), bool)
    column_NK, _ = _columns(asked, start_Q, none_Q)
    loss_N = np.exp(asked.log_loss_N)
    weight_N = np.sqrt(asked.weight_N) / (loss_N if asked.objective.log else 1.0)
    target_N = weight_N * (loss_N - _known(asked, start_Q, none_Q, np.empty(0)))
    size_K = np.maximum(np.linalg.norm(weight_N[:, None] * column_NK, axis=0), 1e-300)
    unit_NK = weight_N[:, None] * column_NK / size_K
    best_K, least = np.zeros(len(size_K)), np.inf
    for chosen in itertools.product([True, False], repeat=len(size_K)):
        if any(chosen):
            found_K, *_ = np.linalg.lstsq(unit_NK[:, list(chosen)], target_N, rcond=None)
            left = float(np.sum((unit_NK[:, list(chosen)] @ found_K - target_N) ** 2))
            if (found_K > 0).all() and left < least:
                best_K, least = np.zeros(len(size_K)), left
                best_K[list(chosen)] = found_K
    faint = FAINT * float(np.linalg.norm(target_N))
    scale_K = np.array([parameter.scale for parameter in asked.form.parameters])[linear_Q]
    value_K = np.where(scale_K, np.log(np.maximum(best_K, faint + 1e-300) / size_K), best_K / size_K)
    return np.clip(_filled(start_Q, linear_Q, value_K), asked.lower_Q, asked.upper_Q)


def _filled(start_Q: np.ndarray, places_Q: np.ndarray, values: np.ndarray) -> np.ndarray:
    full_Q = start_Q.copy()
    full_Q[places_Q] = values
    return full_Q


def _columns(asked: Problem, coordinate_Q: np.ndarray, searched_Q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the derivatives of the loss by its linear parameters, and theirs by those that are searched.

    Each column is the loss with its parameter at 1 and other linear ones at nothing, so both come from the form's own.
    """
    linear_Q = _linear(asked)
    columns, alongs = [], []
    for place in np.flatnonzero(linear_Q):
        alone_Q = _alone(asked, coordinate_Q, int(place))
        log_N, slope_NQ = asked.form.log_loss(alone_Q, asked.log_params_N, asked.log_tokens_N)
        column_N = np.exp(log_N)
        columns.append(column_N)
        alongs.append(column_N[:, None] * slope_NQ[:, searched_Q])
    if not np.isfinite(columns).all():
        raise NoInformation("a term of the law overflows at the exponents tried; change the units of P and D.")
    return np.stack(columns, axis=1), np.stack(alongs, axis=1)


def _alone(asked: Problem, coordinate_Q: np.ndarray, kept: int) -> np.ndarray:
    """Return coordinates at which all linear parameters but one, which is 1, are as good as absent."""
    alone_Q = coordinate_Q.copy()
    for place, parameter in enumerate(asked.form.parameters):
        if parameter.linear:
            absent, present = (-LARGE, 0.0) if parameter.scale else (0.0, 1.0)
            alone_Q[place] = present if place == kept else absent
    return alone_Q


LARGE = 550.0
"""A logarithm so large that its negative stands for nothing."""


def _known(asked: Problem, start_Q: np.ndarray, searched_Q: np.ndarray, searched: np.ndarray) -> np.ndarray:
    """Return what the pinned linear parameters add to the loss."""
    total_N = np.zeros(len(asked.log_loss_N))
    full_Q = _filled(start_Q, searched_Q, searched)
    value_Q = asked.form.values(asked.lower_Q)
    for place, parameter in enumerate(asked.form.parameters):
        if parameter.linear and asked.pinned_Q[place] and value_Q[place] > 0:
            alone_Q = _alone(asked, full_Q, place)
            fitted_N, _ = asked.form.log_loss(alone_Q, asked.log_params_N, asked.log_tokens_N)
            total_N += value_Q[place] * np.exp(fitted_N)
    return total_N
