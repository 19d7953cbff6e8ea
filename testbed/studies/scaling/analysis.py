"""The losses of a grid, what is known of its world, and laws fitted to them under what is assumed of E."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.design import check_design, design_of
from testbed.stats.scaling.fit import Fitted, fit
from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.law import Law, check_ends, scaling_law
from testbed.stats.scaling.objectives import OBJECTIVES, Objective
from testbed.stats.scaling.problem import Problem, problem
from testbed.stats.scaling.resamples import Resampled, by_cells
from testbed.stats.scaling.table import Losses
from testbed.stats.scaling.table import losses as table_of
from testbed.studies.scaling.asked import TRUTH, Asked, World

LOSSES, WORLD = "losses.parquet", "grid.json"
"""What is kept of the grid, so that judging needs its folder no more."""
COLUMNS = ["parameters", "role", "tokens", "draw", "initialisation", "loss"]
"""Columns of the losses; a row for each reported run, loss in nats per token."""
FORM = FORMS["chinchilla"]
ROLES = {"stored": "stored", "fresh": "online"}


@dataclass(frozen=True)
class ScalingAnalysis:
    """The question, the losses of every reported run of the grid, what is known of its world, and the simulations.

    ``losses`` has the columns `COLUMNS`, ``simulations`` those of ``testbed.studies.scaling.simulations``.
    """

    study: Asked
    losses: pd.DataFrame
    world: World
    simulations: pd.DataFrame

    @property
    def table(self) -> Losses:
        """The losses that are fitted: those of the data that is asked for."""
        return fitted_table(self.study, self.losses)


class Pinned(NamedTuple):
    """A best fit with E as it is assumed, and fits to resamples of cells, the same cells whatever is assumed."""

    asked: Problem
    fitted: Fitted
    resampled: Resampled


def fitted_table(study: Asked, frame: pd.DataFrame) -> Losses:
    """Return the table of losses that a study fits.

    Error: NoInformation if there is none.
    """
    own = frame[frame["role"] == ROLES[study.data]]
    if not len(own):
        raise NoInformation(f"no run on {study.data} data finished, so there is nothing to fit; run more, or others.")
    return table_of(own["parameters"].to_numpy(float), own["tokens"].to_numpy(float), own["loss"].to_numpy(float))


def objective(study: Asked) -> Objective:
    """Return what fits of a study minimise."""
    return OBJECTIVES[study.objective]


def within(study: Asked, world: World, name: str) -> Mapping[str, tuple[float, float]]:
    """Return the pin of E under an assumption; none for a free fit.

    Error: NoInformation where the assumption has no value in this world.
    """
    values = study.assumed(world)
    if name not in values:
        raise NoInformation(f"the {name} of this world is not known, so E cannot be pinned to it; assume another.")
    value = values[name]
    return {} if value is None else {"E": (value, value)}


def law(study: Asked, world: World, table: Losses, name: str, *, level: float, interval: str | None = None) -> Law:
    """Return Chinchilla's form fitted with E as it is assumed, each parameter with an interval.

    Error: NoInformation where the losses cannot tell its parameters, or the fit did not settle.
    """
    found = scaling_law(
        table, FORM, objective(study), interval=interval or study.interval, level=level,
        within=within(study, world, name), seed=study.seed, resamples=study.resamples,
    )  # fmt: skip
    check_settled(found.fitted, name)
    return found


def check_settled(found: Fitted, name: str) -> None:
    """Refuse a fit that did not settle."""
    if not found.settled:
        raise NoInformation(f"the fit with E {name} did not settle, so its parameters are none; add runs.")


def pinned(study: Asked, world: World, table: Losses, name: str) -> Pinned:
    """Return the best fit with E as it is assumed, and fits to resamples of whole cells.

    Error: NoInformation where the losses cannot tell its parameters.
    """
    asked = problem(FORM, table, objective(study), within(study, world, name))
    check_design(asked, table)
    found = fit(asked)
    check_ends(asked, found)
    design_of(asked, table, found)
    check_settled(found, name)
    return Pinned(asked, found, by_cells(asked, table, found, seed=study.seed, resamples=study.resamples))


def held_out(study: Asked, table: Losses) -> np.ndarray:
    """Return which rows are forecast: those of the largest size, or of the most data."""
    along_N = table.params_N if study.held == "size" else table.tokens_N
    return np.asarray(along_N == along_N.max())


def truthful(study: Asked, world: World, table: Losses, *, level: float, interval: str | None = None) -> Law:
    """Return the law with E pinned to the truth."""
    return law(study, world, table, TRUTH, level=level, interval=interval)
