"""Forms compared on cells they were not fitted to: each fifth left out in turn, and the largest runs left out.

Where groups share noise, whole groups are left out.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.mean import mean
from testbed.stats.scaling.design import check_design
from testbed.stats.scaling.fit import fit
from testbed.stats.scaling.forms import Form
from testbed.stats.scaling.objectives import Objective
from testbed.stats.scaling.problem import problem
from testbed.stats.scaling.table import Losses, averaged

FOLDS, HELD = 5, 0.2


class Compared(NamedTuple):
    """A form's errors in log loss out of sample: root mean square over folds, and of the largest; their mean there.

    ``behind`` is the mean square over folds less that of the best form, NaN-free: a sentence for the best itself, and
    where the form was refused.
    """

    form: str
    folds: float
    largest: float
    largest_mean: float
    behind: Estimate | str


def compare(
    forms: Sequence[Form], table: Losses, objective: Objective,
    within: Mapping[str, tuple[float, float]], *, level: float, seed: int,
) -> list[Compared]:  # fmt: skip
    """Return how well each form foretells units that it was not fitted to, the best over folds first.

    A unit is a cell, or a group where groups hold several cells: it is left out whole. Errors are log of fitted over
    seen, seeds of a cell averaged. Folds part the units at random into five; the largest are the fifth of the units
    whose FLOPs reach highest. Pins and ranges of parameters that a form lacks are passed over. The difference to the
    best form is a mean over units of paired mean squares, with Student's t.

    Error: folds interpolate, and favour flexible forms that forecast badly: the largest runs are the forecast, but few.
    Units of one fold share a fit, so that the interval of the difference is somewhat narrow. Where every group spans
    all sizes, nothing is forecast by leaving groups out.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> x, y = (each.ravel() for each in np.meshgrid(4.0 ** np.arange(5), 4.0 ** np.arange(5)))
    >>> table = losses(x, y, 1 + 2 * x**-0.5 + 3 * y**-0.3)
    >>> both = [FORMS["power_tokens"], FORMS["chinchilla"]]
    >>> [each.form for each in compare(both, table, OBJECTIVES["log-squares"], {}, level=0.95, seed=0)]
    ['chinchilla', 'power_tokens']
    """
    units = int(table.unit_N.max()) + 1
    if units < 2 * FOLDS:
        raise NoInformation(
            f"{units} {table.unit}s are too few to leave some out; comparing forms needs {2 * FOLDS} or more."
        )
    fold_U = np.random.default_rng(seed).permutation(np.arange(units) % FOLDS)
    reach_U = np.zeros(units)
    np.maximum.at(reach_U, table.unit_N, table.flops_N)
    largest_U = np.zeros(units, bool)
    largest_U[np.argsort(reach_U, kind="stable")[-max(1, round(HELD * units)) :]] = True
    errors: dict[str, np.ndarray] = {}
    told: dict[str, Compared] = {}
    for form in forms:
        try:
            held = [_errors(form, table, objective, within, fold_U == fold) for fold in range(FOLDS)]
            forecast = _errors(form, table, objective, within, largest_U)
        except NoInformation as refusal:
            told[form.name] = Compared(form.name, np.inf, np.inf, np.inf, str(refusal))
            continue
        square_U = np.zeros(units)
        for each in held:
            square_U[each.unit_H] = each.square_H
        errors[form.name] = square_U
        root, last = (float(np.sqrt(np.mean(each))) for each in (square_U, forecast.square_H))
        told[form.name] = Compared(form.name, root, last, float(forecast.mean_H.mean()), "the best of all")
    leader = min(errors, key=lambda name: told[name].folds, default="")
    for name in errors:
        if name != leader:
            told[name] = told[name]._replace(behind=mean(errors[name] - errors[leader], level=level))
    return sorted(told.values(), key=lambda each: each.folds)


class _Held(NamedTuple):
    """Units that were held out, and the mean and the mean square of the errors of the cells of each."""

    unit_H: np.ndarray
    mean_H: np.ndarray
    square_H: np.ndarray


def _errors(
    form: Form, table: Losses, objective: Objective, within: Mapping[str, tuple[float, float]], held_U: np.ndarray
) -> _Held:
    """Return log of fitted over seen of the units that are held out, fitted to the others."""
    own = {name: ends for name, ends in within.items() if name in form.names}
    seen = table.rows(~held_U[table.unit_N])
    asked = problem(form, seen, objective, own)
    check_design(asked, seen)
    held_N = held_U[table.unit_N]
    log_P, log_D, log_L = (np.log(each_N[held_N]) for each_N in (table.params_N, table.tokens_N, table.loss_N))
    error_N = form.log_loss(fit(asked).coordinate_Q, log_P, log_D)[0] - log_L
    pair_2N = np.stack([table.unit_N[held_N], table.cell_N[held_N]])
    pair_2C, part_N = np.unique(pair_2N, axis=1, return_inverse=True)
    error_C = averaged(error_N, part_N.ravel())
    unit_H, at_C = np.unique(pair_2C[0], return_inverse=True)
    count_H = np.bincount(at_C)
    return _Held(unit_H, np.bincount(at_C, error_C) / count_H, np.bincount(at_C, error_C**2) / count_H)
