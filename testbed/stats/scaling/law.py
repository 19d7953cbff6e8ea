"""A scaling law fitted to a table of losses: the one call behind `testbed fit`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import NoInformation
from testbed.stats.scaling.design import Design, check_design, design_of, remedy
from testbed.stats.scaling.fit import Fitted, fit
from testbed.stats.scaling.forms import Form
from testbed.stats.scaling.objectives import Objective
from testbed.stats.scaling.problem import NOTHING, Problem, of_cells, problem
from testbed.stats.scaling.profiles import profiles, region, spread_of
from testbed.stats.scaling.resamples import RESAMPLES, Resampled, by_cells, by_seeds, intervals
from testbed.stats.scaling.shorter import WEAK, noise_of, shortened, strengths
from testbed.stats.scaling.table import Losses, check_rows

RESAMPLED: Mapping[str, Callable[..., Resampled]] = MappingProxyType({"cells": by_cells, "seeds": by_seeds})
INTERVALS = ("profile", *RESAMPLED)
"""Kinds of interval; a profile is of squares only."""


class Law(NamedTuple):
    """A fitted form: estimates of what was fitted, values of what was pinned, and how the fit ended.

    ``status`` is "converged", "at a bound" or "not converged". ``scatter`` is the standard deviation of log loss around
    the fit (of a run, Q parameters counted). ``lack_of_fit`` is the p-value of F over seeds within cells, and
    ``pinned_fits`` that of F of the pins of E against a free E; None where there is none. ``without`` holds the p-value
    of each term that can be left out, by its parameter: large where a fit without it is as good.
    """

    form: Form
    asked: Problem
    fitted: Fitted
    design: Design
    parameters: Mapping[str, Estimate]
    pinned: Mapping[str, float]
    resampled: Resampled | None
    status: str
    scatter: float
    lack_of_fit: float | None
    pinned_fits: float | None
    without: Mapping[str, float]


def scaling_law(
    table: Losses,
    form: Form,
    objective: Objective,
    *,
    interval: str,
    level: float,
    within: Mapping[str, tuple[float, float]] = NOTHING,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Law:
    """Return a form fitted to a table, each parameter with an interval of the kind that is named.

    ``within`` holds parameters between two ends: equal ends pin a parameter (E to the known entropy), others assume a
    range.

    Error: `NoInformation` where the table cannot tell the parameters apart, with the reason. Intervals as `profiles`,
    `by_cells` and `by_seeds` say.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> x, y = (each.ravel() for each in np.meshgrid(4.0 ** np.arange(5), 4.0 ** np.arange(5)))
    >>> seen = (1 + 2 * x**-0.5 + 3 * y**-0.3) * np.exp(0.001 * np.cos(np.arange(25.0) ** 2))
    >>> squares = OBJECTIVES["log-squares"]
    >>> law = scaling_law(losses(x, y, seen), FORMS["chinchilla"], squares, interval="profile", level=0.95)
    >>> law.status, law.parameters["E"].low < 1 < law.parameters["E"].high, law.parameters["E"].n
    ('converged', True, 25)
    """
    check_level(level)
    check_rows(table)
    _check_interval(table, objective, interval, resamples)
    asked = problem(form, table, objective, within)
    check_entropy(asked, table)
    check_design(asked, table)
    fitted = fit(asked)
    check_ends(asked, fitted)
    design = design_of(asked, table, fitted)
    short, resampled = shortened(asked), None
    fitted = fitted._replace(others=(*fitted.others, *(each.fitted.coordinate_Q for each in short)))
    strength = strengths(asked, table, fitted, short)
    if interval == "profile":
        found = profiles(asked, table, fitted, level=level)
    else:
        resampled = RESAMPLED[interval](asked, table, fitted, seed=seed, resamples=resamples)
        joined_2Q = None
        if min((ratio for ratio, _ in strength.values()), default=WEAK) < WEAK:
            joined_2Q = region(asked, fitted, *noise_of(asked, table, fitted), level=level)
        found = intervals(asked, fitted, resampled, level=level, joined_2Q=joined_2Q)
    value_Q = form.values(fitted.coordinate_Q).tolist()
    pinned = {name: value for name, value in zip(form.names, value_Q, strict=True) if name not in found}
    status = "at a bound" if fitted.at_bound else "converged" if fitted.settled else "not converged"
    return Law(
        form, asked, fitted, design, found, pinned, resampled, status, scatter(asked, table, fitted),
        lack_of_fit(asked, table, fitted), pinned_fits(asked, table, fitted),
        {name: chance for name, (_, chance) in strength.items()},
    )  # fmt: skip


def _check_interval(table: Losses, objective: Objective, interval: str, resamples: int) -> None:
    """Refuse a kind of interval that there is not, or that does not fit the objective or the table."""
    if interval not in INTERVALS:
        raise ValueError(f"interval {interval}: it must be one of {', '.join(INTERVALS)}; choose one.")
    if interval == "profile" and not objective.squares:
        raise ValueError("interval profile: it is of squares, not of huber; resample cells, or fit log-squares.")
    if interval != "cells" and table.grouped:
        raise ValueError(
            f"interval {interval}: it takes cells as independent, and the table names groups of them; resample cells, "
            "which resamples the groups, or leave the groups out."
        )
    if resamples < 100:
        raise ValueError(f"resamples {resamples}: an interval rests on 100 at least; 1000 is usual.")


def check_entropy(asked: Problem, table: Losses) -> None:
    """Refuse an E that is held above every loss, as this form has no loss below E.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> check_entropy(problem(FORMS["power_tokens"], table := losses([1], [1], [2]), OBJECTIVES["huber"]), table)
    """
    least = float(asked.lower_Q[asked.form.names.index("E")]) if "E" in asked.form.names else 0.0
    if least >= table.loss_N.max():
        raise ValueError(
            f"E {least:.6g}: it must lie below the losses, and the largest is {table.loss_N.max():.6g}; give a lower E,"
            " in the unit of the losses."
        )


def check_ends(asked: Problem, fitted: Fitted) -> None:
    """Refuse a fit whose factor rose as far as it is searched: losses tell no value of it, nor of what goes with it.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> asked = problem(FORMS["power_tokens"], losses([1], [1], [2]), OBJECTIVES["huber"])
    >>> check_ends(asked, Fitted(np.array([0.0, 1.0, 0.3]), 0.0, 1.0, True, ("E",)))
    """
    endless = [
        one.name
        for one, value, most in zip(asked.form.parameters, fitted.coordinate_Q, asked.upper_Q, strict=True)
        if one.scale and one.name in fitted.at_bound and value > most - 1 and most == one.most
    ]
    if endless:
        raise NoInformation(
            f"{', '.join(endless)} of {asked.form.name} rose without end, so that losses this flat tell none of its"
            f" parameters; {remedy(asked.form)}."
        )


def scatter(asked: Problem, table: Losses, fitted: Fitted) -> float:
    """Return the standard deviation of log loss around a fit, √(Σ r² / (N − Q)); 0 where no row is left over.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> table = losses([1, 1, 1, 1], [1, 2, 4, 8], [2, 2, 2, 2])
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["huber"], {"B": (1.0, 1.0)})
    >>> scatter(asked, table, Fitted(np.array([1.0, 0.0, 0.0]), 0.0, 1.0, True, ()))
    0.0
    """
    fitted_N, _ = asked.form.log_loss(fitted.coordinate_Q, asked.log_params_N, asked.log_tokens_N)
    spare = len(fitted_N) - asked.free
    return float(np.sqrt(np.sum((fitted_N - asked.log_loss_N) ** 2) / spare)) if spare > 0 else 0.0


def lack_of_fit(asked: Problem, table: Losses, fitted: Fitted) -> float | None:
    """Return the p-value of cells lying further from the fit than their seeds from each other, or None.

    ``F = (squares of cell means / (C − Q)) / (squares within cells / (N − C))``, for fits by squares. It is
    None without seeds, and where cells of one group share noise: how seeds scatter then says nothing of how cells may.

    Error: noise that seeds of a cell share rejects too: it then says that cells differ, not that the form is wrong.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> x = np.repeat(2.0 ** np.arange(9), 2)
    >>> y = (1 + x**-0.5 + x**-2) * np.exp(0.001 * np.tile([-1, 1], 9))
    >>> asked = problem(FORMS["power_tokens"], table := losses(x, x, y), OBJECTIVES["log-squares"])
    >>> lack_of_fit(asked, table, fit(asked)) < 1e-6
    True
    """
    from scipy.special import fdtrc

    within = len(table.loss_N) - len(table.first_C)
    if not asked.objective.squares or within < 1 or table.grouped:
        return None
    meant = of_cells(asked, table)
    unit = (lambda log_N: log_N) if asked.objective.log else np.exp
    own_N = unit(asked.log_loss_N) - unit(meant.log_loss_N)[table.cell_N]
    spread, inside = spread_of(asked, table, fitted), float(np.sum(own_N**2)) / within
    return float(fdtrc(spread.freedom, within, spread.variance / inside)) if inside > 0 else None


def pinned_fits(asked: Problem, table: Losses, fitted: Fitted) -> float | None:
    """Return the p-value of a pinned E against a free one, F over cells, or None.

    It is None where E is not pinned, or not fitted by squares, or where cells of one group share noise.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(9)
    >>> y = (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(9.0) ** 2))
    >>> asked = problem(FORMS["power_tokens"], table := losses(x, x, y), OBJECTIVES["log-squares"], {"E": (0.8, 0.8)})
    >>> pinned_fits(asked, table, fit(asked)) < 1e-6
    True
    """
    from scipy.special import fdtrc

    place = asked.form.names.index("E") if "E" in asked.form.names else -1
    if not asked.objective.squares or table.grouped or place < 0 or not asked.pinned_Q[place]:
        return None
    lower_Q, upper_Q = asked.lower_Q.copy(), asked.upper_Q.copy()
    lower_Q[place], upper_Q[place] = asked.form.parameters[place].least, asked.form.parameters[place].most
    freed = asked._replace(lower_Q=lower_Q, upper_Q=upper_Q)
    try:
        check_design(freed, table)
        best = fit(freed)
        spread = spread_of(freed, table, best)
    except NoInformation:
        return None
    rise = max(2 * (fitted.objective - best.objective), 0.0)
    return float(fdtrc(1, spread.freedom, rise / spread.variance)) if spread.variance > 0 else None
