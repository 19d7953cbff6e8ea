"""What single cells do to a fit: their leverage, and how far each parameter moves without them."""

from typing import NamedTuple

import numpy as np

from testbed.stats.scaling.descent import descend
from testbed.stats.scaling.fit import Fitted
from testbed.stats.scaling.problem import Problem, of_cells
from testbed.stats.scaling.table import Losses

AT_ONCE = 500
"""Cells whose absence is fitted at once, so that the weights of many rows fit the memory."""


class Leverage(NamedTuple):
    """For C cells: leverage, parameters without it, and their change over the jackknife's error, by coordinate.

    The leverages sum to the number of parameters; a cell above twice their mean decides much of the fit. A change of
    more than one error is a parameter that hangs on one cell.
    """

    hat_C: np.ndarray
    without_CQ: np.ndarray
    shift_CQ: np.ndarray

    @property
    def worst(self) -> tuple[int, int]:
        """The cell and the parameter of the largest change."""
        cell, place = np.unravel_index(int(np.argmax(np.abs(self.shift_CQ))), self.shift_CQ.shape)
        return int(cell), int(place)


def leverage(asked: Problem, table: Losses, fitted: Fitted) -> Leverage:
    """Return the leverage of each cell, and the fits without it.

    Leverage is the diagonal of J(JᵀWJ)⁺JᵀW over cells; a change is coordinate without the cell less coordinate with it,
    over ``√((C−1)/C · Σ (change − mean)²)``.

    Error: refits begin at the fit of all cells, so another minimum far away is not seen.
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
    >>> found.worst[0], round(float(found.hat_C.sum()), 6)
    (8, 3.0)
    """
    meant = of_cells(asked, table)
    _, slope_CQ = meant.residuals(fitted.coordinate_Q)
    root_CF = np.sqrt(meant.weight_N)[:, None] * slope_CQ[:, ~asked.pinned_Q]
    basis_CF, _, _ = np.linalg.svd(root_CF / np.maximum(np.linalg.norm(root_CF, axis=0), 1e-300), full_matrices=False)
    cells = len(table.first_C)
    parts = []
    for own in np.array_split(np.arange(cells), -(-cells // AT_ONCE)):
        weight_CN = asked.weight_N * (table.cell_N != own[:, None])
        start_CQ = np.tile(fitted.coordinate_Q, (len(own), 1))
        parts.append(descend(asked, start_CQ, weight_RN=weight_CN, settled=1e-9).coordinate_RQ)
    without_CQ = np.concatenate(parts)
    change_CQ = without_CQ - fitted.coordinate_Q
    error_Q = np.sqrt((cells - 1) / cells * np.sum((change_CQ - change_CQ.mean(0)) ** 2, axis=0))
    shift_CQ = change_CQ / np.where(error_Q > 0, error_Q, np.inf)
    return Leverage(np.sum(basis_CF**2, axis=1), asked.form.values(without_CQ), shift_CQ)
