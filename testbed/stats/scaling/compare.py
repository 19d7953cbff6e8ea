"""Forms compared on cells they were not fitted to: each fifth left out in turn, and the largest runs left out."""

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
    """Return how well each form foretells cells that it was not fitted to, the best over folds first.

    Errors are log of fitted over seen, a cell's seeds averaged. Folds part the cells at random into five; the largest
    are the fifth of the cells of most FLOPs. Pins and ranges of parameters that a form lacks are passed over. The
    difference to the best form is a mean over cells of paired squares, with Student's t.

    Error: folds interpolate, and favour flexible forms that forecast badly: the largest runs are the forecast, but few.
    Cells of one fold share a fit, so that the interval of the difference is somewhat narrow.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> x, y = (each.ravel() for each in np.meshgrid(4.0 ** np.arange(5), 4.0 ** np.arange(5)))
    >>> table = losses(x, y, 1 + 2 * x**-0.5 + 3 * y**-0.3)
    >>> both = [FORMS["power_tokens"], FORMS["chinchilla"]]
    >>> [each.form for each in compare(both, table, OBJECTIVES["log-squares"], {}, level=0.95, seed=0)]
    ['chinchilla', 'power_tokens']
    """
    cells = len(table.first_C)
    if cells < 2 * FOLDS:
        raise NoInformation(f"{cells} cells are too few to leave some out; comparing forms needs {2 * FOLDS} or more.")
    fold_C = np.random.default_rng(seed).permutation(np.arange(cells) % FOLDS)
    largest_C = np.zeros(cells, bool)
    largest_C[np.argsort(table.flops_N[table.first_C], kind="stable")[-max(1, round(HELD * cells)) :]] = True
    errors: dict[str, np.ndarray] = {}
    told: dict[str, Compared] = {}
    for form in forms:
        try:
            error_C = np.empty(cells)
            for fold in range(FOLDS):
                error_C[fold_C == fold] = _errors(form, table, objective, within, fold_C == fold)
            forecast = _errors(form, table, objective, within, largest_C)
        except NoInformation as refusal:
            told[form.name] = Compared(form.name, np.inf, np.inf, np.inf, str(refusal))
            continue
        errors[form.name] = error_C
        root, last = (float(np.sqrt(np.mean(each**2))) for each in (error_C, forecast))
        told[form.name] = Compared(form.name, root, last, float(forecast.mean()), "the best of all")
    leader = min(errors, key=lambda name: told[name].folds, default="")
    for name in errors:
        if name != leader:
            told[name] = told[name]._replace(behind=mean(errors[name] ** 2 - errors[leader] ** 2, level=level))
    return sorted(told.values(), key=lambda each: each.folds)


def _errors(
    form: Form, table: Losses, objective: Objective, within: Mapping[str, tuple[float, float]], held_C: np.ndarray
) -> np.ndarray:
    """Return log of fitted over seen of the cells that are held out, fitted to the others."""
    own = {name: ends for name, ends in within.items() if name in form.names}
    seen = table.rows(~held_C[table.cell_N])
    asked = problem(form, seen, objective, own)
    check_design(asked, seen)
    first_C = table.first_C[held_C]
    fitted_C, _ = form.log_loss(
        fit(asked).coordinate_Q, np.log(table.params_N[first_C]), np.log(table.tokens_N[first_C])
    )
    return np.asarray(fitted_C - averaged(np.log(table.loss_N), table.cell_N)[held_C])
