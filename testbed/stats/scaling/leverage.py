"""What single cells, or groups of them, do to a fit: their leverage, and how far each parameter moves without them."""

from typing import NamedTuple

import numpy as np

from testbed.stats.scaling.descent import descend
from testbed.stats.scaling.fit import Fitted
from testbed.stats.scaling.problem import Problem
from testbed.stats.scaling.table import Losses

REFITS = 500
"""Units whose absence is fitted, those that move the parameters most; of more, the others are told by one step."""

ROWS = 2_000_000
"""Weights of rows that are held at once."""


class Leverage(NamedTuple):
    """For U units: leverage, parameters without it, and their change over the jackknife's error, by coordinate.

    A unit is a cell, or a group where groups hold several cells. The leverages sum to the number of parameters; a unit
    above twice their mean decides much of the fit. A change of more than one error is a parameter that hangs on one
    unit. ``refits`` is the number of units whose absence was fitted.
    """

    hat_U: np.ndarray
    without_UQ: np.ndarray
    shift_UQ: np.ndarray
    refits: int

    @property
    def worst(self) -> tuple[int, int]:
        """The unit and the parameter of the largest change."""
        unit, place = np.unravel_index(int(np.argmax(np.abs(self.shift_UQ))), self.shift_UQ.shape)
        return int(unit), int(place)


def leverage(asked: Problem, table: Losses, fitted: Fitted) -> Leverage:
    """Return the leverage of each unit, and the fits without it.

    Leverage is the part of a unit's rows in the diagonal of J(JᵀWJ)⁺JᵀW; a change is coordinate without the unit less
    coordinate with it, over ``√((U−1)/U · Σ (change − mean)²)``. Of more than 500 units only the 500 of largest change
    by one step of Gauss and Newton are refitted, and that step stands for the change of the others.

    Error: refits begin at the fit of all units, so another minimum far away is not seen. One step is about
    half the change for the Huber loss, and within a tenth of the largest change for squares.
    Source: Belsley, Kuh and Welsch (1980), chapter 2.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(9)
    >>> y = 1 + x**-0.5 + 0.05 * (x == 256)
    >>> asked = problem(FORMS["power_tokens"], table := losses(x, x, y), OBJECTIVES["log-squares"])
    >>> found = leverage(asked, table, fit(asked))
    >>> found.worst[0], round(float(found.hat_U.sum()), 6)
    (8, 3.0)
    """
    unit_N = table.unit_N
    units, size = int(unit_N.max()) + 1, len(fitted.coordinate_Q)
    _, slope_NQ = asked.residuals(fitted.coordinate_Q)
    root_NF = np.sqrt(asked.weight_N)[:, None] * slope_NQ[:, ~asked.pinned_Q]
    basis_NF, _, _ = np.linalg.svd(root_NF / np.maximum(np.linalg.norm(root_NF, axis=0), 1e-300), full_matrices=False)
    change_UQ = np.zeros((units, size))
    refitted = np.arange(units)
    if units > REFITS:
        change_UQ[:, ~asked.pinned_Q] = _stepped(asked, unit_N, fitted)
        scaled_UQ = change_UQ / np.maximum(change_UQ.std(axis=0), 1e-300)
        refitted = np.sort(np.argsort(-np.abs(scaled_UQ).max(axis=1), kind="stable")[:REFITS])
    without_UQ = np.clip(fitted.coordinate_Q + change_UQ, asked.lower_Q, asked.upper_Q)
    at_once = max(1, ROWS // len(unit_N))
    for own in np.array_split(refitted, -(-len(refitted) // at_once)):
        weight_RN = asked.weight_N * (unit_N != own[:, None])
        start_RQ = np.tile(fitted.coordinate_Q, (len(own), 1))
        without_UQ[own] = descend(asked, start_RQ, weight_RN=weight_RN, settled=1e-9).coordinate_RQ
    change_UQ = without_UQ - fitted.coordinate_Q
    error_Q = np.sqrt((units - 1) / units * np.sum((change_UQ - change_UQ.mean(0)) ** 2, axis=0))
    shift_UQ = change_UQ / np.where(error_Q > 0, error_Q, np.inf)
    hat_U = np.bincount(unit_N, np.sum(basis_NF**2, axis=1))
    return Leverage(hat_U, asked.form.values(without_UQ), shift_UQ, len(refitted))


def _stepped(asked: Problem, unit_N: np.ndarray, fitted: Fitted) -> np.ndarray:
    """Return the first step of Gauss and Newton, from the fit, of the fitted coordinates without each unit."""
    residual_N, slope_NQ = asked.residuals(fitted.coordinate_Q)
    weight_N = asked.weight_N * asked.objective.weights(residual_N)
    root_NF = np.sqrt(weight_N)[:, None] * slope_NQ[:, ~asked.pinned_Q]
    unit_F = np.maximum(np.linalg.norm(root_NF, axis=0), 1e-300)
    root_NF = root_NF / unit_F
    units = int(unit_N.max()) + 1
    pull_UF = np.zeros((units, len(unit_F)))
    np.add.at(pull_UF, unit_N, root_NF * (np.sqrt(weight_N) * residual_N)[:, None])
    own_UFF = np.zeros((units, len(unit_F), len(unit_F)))
    np.add.at(own_UFF, unit_N, root_NF[:, :, None] * root_NF[:, None, :])
    inverse_UFF = np.linalg.pinv(root_NF.T @ root_NF - own_UFF, rcond=1e-13, hermitian=True)
    return np.asarray((inverse_UFF @ pull_UF[..., None])[..., 0] / unit_F)
