"""A fit as a value: a form, rows, an objective, and the range in which each parameter is searched."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.scaling.forms import Form
from testbed.stats.scaling.objectives import Objective
from testbed.stats.scaling.table import Losses, averaged

HIGHEST = 150.0
"""Largest logarithm of a loss, whose square times a derivative's stays inside float64."""

NOTHING: Mapping[str, tuple[float, float]] = MappingProxyType({})


class Problem(NamedTuple):
    """log P, log D, log loss and weight of N rows, and the ends of the search of Q coordinates; equal ends pin one."""

    form: Form
    objective: Objective
    log_params_N: np.ndarray
    log_tokens_N: np.ndarray
    log_loss_N: np.ndarray
    weight_N: np.ndarray
    lower_Q: np.ndarray
    upper_Q: np.ndarray

    @property
    def pinned_Q(self) -> np.ndarray:
        """Which parameters are not fitted."""
        return np.asarray(self.lower_Q == self.upper_Q)

    @property
    def free(self) -> int:
        """The number of parameters that are fitted."""
        return int(np.sum(~self.pinned_Q))

    def residuals(
        self, coordinate_RQ: Float[np.ndarray, "*R Q"], log_loss_RN: Float[np.ndarray, "*R N"] | None = None
    ) -> tuple[Float[np.ndarray, "*R N"], Float[np.ndarray, "*R N Q"]]:
        """Return residuals, fitted less seen, and their derivatives, of other losses if they are given.

        >>> from testbed.stats.scaling.forms import FORMS
        >>> from testbed.stats.scaling.objectives import OBJECTIVES
        >>> from testbed.stats.scaling.table import losses
        >>> asked = problem(FORMS["power_tokens"], losses([1, 1], [1, 4], [2, 2]), OBJECTIVES["squares"])
        >>> asked.residuals(np.array([1.0, 0.0, 0.5]))[0].tolist()
        [0.0, -0.5]
        """
        seen_RN = self.log_loss_N if log_loss_RN is None else log_loss_RN
        fitted_RN, slope_RNQ = self.form.log_loss(coordinate_RQ, self.log_params_N, self.log_tokens_N)
        if self.objective.log:
            return fitted_RN - seen_RN, slope_RNQ
        loss_RN = np.exp(np.clip(fitted_RN, -HIGHEST, HIGHEST))
        return loss_RN - np.exp(seen_RN), slope_RNQ * loss_RN[..., None]

    def value(self, coordinate_RQ: Float[np.ndarray, "*R Q"]) -> Float[np.ndarray, "*R"]:
        """Return the objective, a sum over rows.

        >>> from testbed.stats.scaling.forms import FORMS
        >>> from testbed.stats.scaling.objectives import OBJECTIVES
        >>> from testbed.stats.scaling.table import losses
        >>> asked = problem(FORMS["power_tokens"], losses([1, 1], [1, 4], [2, 2]), OBJECTIVES["squares"])
        >>> float(asked.value(np.array([1.0, 0.0, 0.5])))
        0.125
        """
        return np.asarray(self.objective.terms(self.residuals(coordinate_RQ)[0]) @ self.weight_N)


def problem(
    form: Form, table: Losses, objective: Objective, within: Mapping[str, tuple[float, float]] = NOTHING
) -> Problem:
    """Return the fit of a form to the rows of a table; ``within`` narrows the range of parameters, or pins them.

    Error: ValueError if the form has no such parameter, or the range holds none of its values.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> asked = problem(FORMS["power_tokens"], losses([1], [1], [2]), OBJECTIVES["huber"], {"E": (1.5, 1.5)})
    >>> asked.pinned_Q.tolist(), asked.free
    ([True, False, False], 2)
    """
    lower_Q = np.array([parameter.least for parameter in form.parameters])
    upper_Q = np.array([parameter.most for parameter in form.parameters])
    for name, (low, high) in within.items():
        if name not in form.names:
            raise ValueError(f"{name}: {form.name} has no such parameter; name one of {', '.join(form.names)}.")
        place = form.names.index(name)
        scale = form.parameters[place].scale
        ends = np.array([low, high], dtype=np.float64)
        least = 0.0 if scale else form.parameters[place].floor
        if not (np.isfinite(ends).all() and low <= high and low >= least and (low > 0 or not scale)):
            rule = f"both must be finite, in rising order and {'above' if scale else 'not below'} {least:g}"
            raise ValueError(f"{name} within {low:g} and {high:g}: {rule}; give others.")
        lower_Q[place], upper_Q[place] = np.log(ends) if scale else ends
    log_P, log_D, log_L = (np.log(column_N) for column_N in (table.params_N, table.tokens_N, table.loss_N))
    return Problem(form, objective, log_P, log_D, log_L, np.ones(len(table.loss_N)), lower_Q, upper_Q)


def of_cells(asked: Problem, table: Losses) -> Problem:
    """Return the same fit to the mean of each cell, in the objective's own unit, weighed by the number of its seeds.

    Sums of squares have the same minimum; the cell is then the unit whose scatter says how far a fit can be trusted.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> table = losses([1, 1, 1], [1, 1, 4], [2, 4, 3])
    >>> asked = of_cells(problem(FORMS["power_tokens"], table, OBJECTIVES["squares"]), table)
    >>> np.exp(asked.log_loss_N).round(9).tolist(), asked.weight_N.tolist()
    ([3.0, 3.0], [2.0, 1.0])
    """
    first_C = table.first_C
    log = asked.objective.log
    mean_C = averaged(asked.log_loss_N if log else np.exp(asked.log_loss_N), table.cell_N)
    return asked._replace(
        log_params_N=asked.log_params_N[first_C], log_tokens_N=asked.log_tokens_N[first_C],
        log_loss_N=mean_C if log else np.log(mean_C), weight_N=table.seeds_C.astype(np.float64),
    )  # fmt: skip
