"""Surfaces simulated from the fit with E pinned to the truth: how often does the interval of a free E cover ε?"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.law import Law
from testbed.stats.scaling.table import Losses, averaged, losses
from testbed.studies.scaling.analysis import FORM, fitted_table, law, truthful
from testbed.studies.scaling.asked import Asked, World

TABLE = "simulations.parquet"
COLUMNS = ["simulation", "E", "low", "high", "sentence"]


def simulate(study: Asked, world: World, frame: pd.DataFrame, advance: Callable[[float], None]) -> pd.DataFrame:
    """Return a row for each simulated surface: E fitted free with its interval at the study's level, in nats.

    Each surface has the design of the grid and the losses of the law with E pinned to ε, times the exponential of
    Gaussian noise: one deviation for each cell and one for each run, of the variances that the fit leaves between
    cells and between seeds. Where a fit is refused, the numbers are NaN and the sentence says why.

    Error: a lack of fit counts as noise between cells. If the pinned law itself is refused, all rows are.
    """
    try:
        table = fitted_table(study, frame)
        pinned = truthful(study, world, table, level=study.level, interval="cells")
    except NoInformation as refusal:
        advance(float(study.surfaces))
        return pd.DataFrame([(at, *[np.nan] * 3, str(refusal)) for at in range(study.surfaces)], columns=COLUMNS)
    rows = []
    for at in range(study.surfaces):
        rows.append((at, *_one(study, world, drawn(pinned, table, np.random.default_rng([study.seed, at])))))
        advance(1.0)
    return pd.DataFrame(rows, columns=COLUMNS)


def drawn(pinned: Law, table: Losses, rng: np.random.Generator) -> Losses:
    """Return a surface of a law, with the noise that it leaves between cells and between seeds."""
    between, inside = noise(pinned, table)
    exact_N = FORM.loss(pinned.fitted.coordinate_Q, table.params_N, table.tokens_N)
    shared_C = np.sqrt(between) * rng.standard_normal(len(table.first_C))
    own_N = np.sqrt(inside) * rng.standard_normal(len(exact_N))
    return losses(table.params_N, table.tokens_N, exact_N * np.exp(shared_C[table.cell_N] + own_N))


def noise(pinned: Law, table: Losses) -> tuple[float, float]:
    """Return the variances of log loss around a law between cells, and between the seeds of a cell.

    The first is what cell means scatter beyond their seeds, Q parameters counted; not below 0.
    """
    exact_N = FORM.loss(pinned.fitted.coordinate_Q, table.params_N, table.tokens_N)
    residual_N = np.log(table.loss_N / exact_N)
    mean_C = averaged(residual_N, table.cell_N)
    spare = len(residual_N) - len(mean_C)
    inside = float(np.sum((residual_N - mean_C[table.cell_N]) ** 2)) / spare if spare else 0.0
    means = float(np.sum(mean_C**2)) / (len(mean_C) - pinned.asked.free)
    return max(means - inside * float(np.mean(1 / table.seeds_C)), 0.0), inside


def _one(study: Asked, world: World, table: Losses) -> tuple[float, float, float, str]:
    try:
        found = law(study, world, table, "free", level=study.level).parameters["E"]
    except NoInformation as refusal:
        return np.nan, np.nan, np.nan, str(refusal)
    return found.value, found.low, found.high, ""
