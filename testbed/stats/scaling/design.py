"""What a table leaves open: too few cells, sizes that do not differ, a ray D = k·P^c, a gradient without rank."""

from typing import NamedTuple

import numpy as np

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.fit import Fitted
from testbed.stats.scaling.forms import FORMS, Form
from testbed.stats.scaling.problem import Problem
from testbed.stats.scaling.table import Losses

RAY = 1e-3
"""Share of the scatter of log D that log P must leave open; runs of one ratio D/P to within 1 % leave some 1e-4."""

CONDITION = 1e7
"""Condition number of the scaled gradient above which rounding and starts decide where a fit ends."""


class Design(NamedTuple):
    """How well rows tell parameters apart: the scatter of log D that log P leaves open, and the condition number.

    The condition number is that of the gradient of the residuals by the coordinates, columns of one length: 1 where
    each parameter changes the losses in a way of its own, infinite where two change them alike.
    """

    off_ray: float
    condition: float


def check_design(asked: Problem, table: Losses) -> None:
    """Refuse a table that cannot tell the parameters of a form, whatever its losses.

    Error: `NoInformation` with the reason: fewer cells than parameters and one, one size or one number of tokens only,
    or all on a ray D = k·P^c: there E + A·P^−α + B·D^−β is a constant and two powers of one variable, and its condition
    grows as 1/(α − β)².

    >>> from testbed.stats.identified import told
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(9)
    >>> asked = problem(FORMS["chinchilla"], table := losses(x, 20 * x, 1 + x**-0.5), OBJECTIVES["huber"])
    >>> told(check_design)(asked, table).split(", so")[0]
    'no information: all cells lie on a ray, D = 20·P^1 to 0 % in log D'
    """
    cells = len(table.first_C)
    columns = {"params": asked.log_params_N, "tokens": asked.log_tokens_N}
    for name in asked.form.reads:
        apart = len(set(columns[name].tolist()))
        if apart < 2:
            raise NoInformation(
                f"all {cells} cells have {name} {np.exp(columns[name][0]):.6g}, so nothing tells how loss falls with"
                f" {name}; add runs that differ in it, or fit a form that does not read it."
            )
    if cells <= asked.free:
        raise NoInformation(
            f"{cells} cells (different params and tokens) for {asked.free} parameters of {asked.form.name}; there must"
            f" be at least {asked.free + 1}, so add runs, or pin parameters."
        )
    _check_ray(asked, table)


def design_of(asked: Problem, table: Losses, fitted: Fitted) -> Design:
    """Return how well the rows tell the parameters apart at the best fit.

    Error: `NoInformation` where the condition number is above 1e7, as the parameters of the least objective are then
    any of a line or a surface.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(9)
    >>> asked = problem(FORMS["power_tokens"], table := losses(x, x, 1 + x**-0.5), OBJECTIVES["log-squares"])
    >>> 5 < design_of(asked, table, fit(asked)).condition < 50
    True
    """
    _, slope_NQ = asked.residuals(fitted.coordinate_Q)
    slope_NF = slope_NQ[:, ~asked.pinned_Q] * np.sqrt(asked.weight_N)[:, None]
    length_F = np.linalg.norm(slope_NF, axis=0)
    names_F = np.array(asked.form.names)[~asked.pinned_Q]
    if not (length_F > 1e-12 * length_F.max(initial=0.0)).all():
        idle_F = ~(length_F > 1e-12 * length_F.max(initial=0.0))
        flat = set(names_F[~idle_F].tolist()) <= {"E"}
        raise NoInformation(
            f"at the best fit {', '.join(names_F[idle_F].tolist())} move no loss by more than rounding, so losses do"
            f" not tell them; {'add runs whose losses differ' if flat else remedy(asked.form)}."
        )
    singular_F = np.linalg.svd(slope_NF / length_F, compute_uv=False) if len(length_F) else np.ones(1)
    condition = float(singular_F[0] / singular_F[-1]) if singular_F[-1] > 0 else np.inf
    if condition > CONDITION:
        raise NoInformation(
            f"at the best fit two or more of {', '.join(names_F.tolist())} change the losses alike (condition number"
            f" {condition:.1g}, {CONDITION:.0g} at most); add runs where they differ, or pin one."
        )
    return Design(off_ray(table), condition)


def remedy(form: Form) -> str:
    """Return what to do where losses do not tell all parameters of a form: the forms of fewer, where there are any.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> remedy(FORMS["broken_params"]), remedy(FORMS["power_params"])
    ('fit power_params', 'add runs whose losses differ')
    """
    fewer = [
        name
        for name, each in FORMS.items()
        if set(each.reads) <= set(form.reads) and len(each.parameters) < len(form.parameters)
    ]
    return f"fit {' or '.join(fewer[-2:])}" if fewer else "add runs whose losses differ"


def off_ray(table: Losses) -> float:
    """Return 1 − R² of log D on log P over cells: 0 on a ray D = k·P^c, 1 on a grid; 1 where either does not differ.

    >>> from testbed.stats.scaling.table import losses
    >>> off_ray(losses([1, 1, 2, 2], [1, 2, 1, 2], [1, 1, 1, 1]))
    1.0
    """
    log_P, log_D = (np.log(column[table.first_C]) for column in (table.params_N, table.tokens_N))
    log_P, log_D = log_P - log_P.mean(), log_D - log_D.mean()
    both = float(log_P @ log_P) * float(log_D @ log_D)
    return 1.0 - float(log_P @ log_D) ** 2 / both if both > 0 else 1.0


def _check_ray(asked: Problem, table: Losses) -> None:
    exponents = [
        not parameter.linear and not parameter.scale and not pinned
        for parameter, pinned in zip(asked.form.parameters, asked.pinned_Q, strict=True)
    ]
    left = off_ray(table)
    if len(asked.form.reads) < 2 or sum(exponents) < 2 or left >= RAY:
        return
    log_P, log_D = (np.log(column[table.first_C]) for column in (table.params_N, table.tokens_N))
    power = float(np.polyfit(log_P, log_D, 1)[0])
    ratio = float(np.exp(log_D.mean() - power * log_P.mean()))
    raise NoInformation(
        f"all cells lie on a ray, D = {ratio:.3g}·P^{power:.3g} to {100 * left**0.5:.2g} % in log D, so what falls"
        " with P cannot be told from what falls with D; add runs of other tokens per parameter, or pin the exponents."
    )
