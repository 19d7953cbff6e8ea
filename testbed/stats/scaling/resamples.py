"""Intervals by resampling: of whole cells or groups of rows, or of the seeds within each cell."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, check_level, critical
from testbed.stats.identified import NoInformation
from testbed.stats.scaling.descent import descend
from testbed.stats.scaling.ends import estimate
from testbed.stats.scaling.fit import Fitted
from testbed.stats.scaling.problem import Problem, of_cells
from testbed.stats.scaling.shorter import noise_of
from testbed.stats.scaling.table import Losses, averaged

RESAMPLES = 1000
ENOUGH = 1e-5
"""Relative fall of the objective at which the fit of a resample is done: some thousandths of a standard error."""

RIVAL, RIVALS = 8.0, 2
"""Rise of the objective, over its noise, up to which another minimum may be the least of a resample; how many are."""
HELD = 4_000_000
"""Rows of resamples that are held at once."""

LEAST = 4
"""Cells that must be left over: with 1 or 2 resamples covered 58 to 83 % at 95 %, as many lack what tells a law."""


class Resampled(NamedTuple):
    """Coordinates fitted to R resamples; degrees of freedom, by which percentiles are widened; and the units."""

    coordinate_RQ: np.ndarray
    freedom_Q: np.ndarray
    units: int
    told: str

    def ends(
        self, value_RX: Float[np.ndarray, "R X"], level: float, freedom_X: Float[np.ndarray, "X"] | None = None
    ) -> Float[np.ndarray, "2 X"]:
        """Return the ends of the intervals of X numbers that have these values in the resamples.

        Without degrees of freedom of their own, those of the worst parameter are taken.

        Error: NoInformation where the percentiles of the level lie beyond all resamples.

        >>> found = Resampled(np.zeros((1, 1)), np.array([1e6]), 9, "")
        >>> found.ends(np.arange(1001.0)[:, None], 0.95).round().ravel().tolist()
        [25.0, 975.0]
        """
        from scipy.special import ndtr

        if freedom_X is None:
            freedom_X = np.full(value_RX.shape[1], self.freedom_Q.min())
        tail_X = [float(ndtr(-critical(level, freedom))) for freedom in freedom_X.tolist()]
        if (1 - level) / 2 * len(value_RX) < 1:
            raise NoInformation(
                f"{len(value_RX)} resamples reach no interval at level {level:g}; take more of them, or a lower level."
            )
        ends = [np.quantile(value_R, [tail, 1 - tail]) for value_R, tail in zip(value_RX.T, tail_X, strict=True)]
        return np.stack(ends, axis=1)


def by_cells(asked: Problem, table: Losses, fitted: Fitted, *, seed: int, resamples: int = RESAMPLES) -> Resampled:
    """Return fits to resamples of whole groups of rows: cells with all their seeds, or what the table says.

    Each group is drawn as often as chance has it, G of G with replacement. The percentiles are those that would give
    Student's t with G − Q degrees of freedom, as Q parameters take up Q of the G residuals.

    Error: covers 93 to 98 % at a level of 95 % with 36 cells, two seeds each (`benchmarks/calibrate_scaling.py`); with
    few groups (below some 20) it is off either way, as resamples then lack whole corners of the design.
    Source: Davison and Hinkley (1997), sections 3.8 and 6.2.4; Hesterberg (2015), section 5.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(12.0) ** 2)))
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["huber"])
    >>> found = by_cells(asked, table, fit(asked), seed=0, resamples=50)
    >>> found.coordinate_RQ.shape, found.freedom_Q.tolist()
    ((50, 3), [9.0, 9.0, 9.0])
    """
    groups = int(table.group_N.max()) + 1
    freedom = groups - asked.free
    least = 1 if table.grouped else LEAST
    if freedom < least:
        raise NoInformation(
            f"{groups} {'groups' if table.grouped else 'cells'} leave {freedom} over for {asked.free} parameters, and"
            f" resampling needs {least}; add some, pin a parameter, or take a profile of squares."
        )
    rng, even_G = np.random.default_rng(seed), np.full(groups, 1 / groups)
    parts = [
        _least(asked, table, fitted, some, weight_RN=asked.weight_N * drawn_RG[:, table.group_N])
        for some in _parts(resamples, len(asked.weight_N))
        for drawn_RG in [rng.multinomial(groups, even_G, size=some)]
    ]
    cells = groups == len(table.first_C)
    told = f"{resamples} resamples of {groups} {'cells' if cells else 'groups'}, widened percentiles"
    freedom_Q = np.full(len(asked.lower_Q), float(freedom))
    return Resampled(np.concatenate(parts), freedom_Q, groups, told)


def by_seeds(asked: Problem, table: Losses, fitted: Fitted, *, seed: int, resamples: int = RESAMPLES) -> Resampled:
    """Return fits to resamples of the seeds within each cell, so that every resample has the whole design.

    The deviations of S seeds from the mean of their log losses are drawn with replacement and widened by √(S/(S − 1)),
    as S seeds scatter that much less around their own mean; percentiles are those of Student's t with the degrees of
    freedom of Satterthwaite, fewer where a few cells decide a parameter.

    Error: takes the form for granted, and seeds for independent: too narrow where a cell's seeds share noise, or the
    form does not fit.
    Source: Davison and Hinkley (1997), section 3.8.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = np.repeat(2.0 ** np.arange(6), 2)
    >>> table = losses(x, x, (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(12.0) ** 2)))
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["huber"])
    >>> bool((by_seeds(asked, table, fit(asked), seed=0, resamples=50).freedom_Q < 6).all())
    True
    """
    seeds_C = table.seeds_C
    if seeds_C.min() < 2:
        lone = int(table.first_C[seeds_C.argmin()])
        raise NoInformation(
            f"the cell of P={table.params_N[lone]:g} and D={table.tokens_N[lone]:g} has one seed, which cannot be"
            " resampled; resample cells instead."
        )
    order_N, first_C = np.argsort(table.cell_N, kind="stable"), np.cumsum(seeds_C) - seeds_C
    own_N = table.cell_N[order_N]
    mean_N = averaged(asked.log_loss_N, table.cell_N)[table.cell_N]
    wide_N = (asked.log_loss_N - mean_N) * np.sqrt(seeds_C / (seeds_C - 1))[table.cell_N]
    rng, parts = np.random.default_rng(seed), []
    for some in _parts(resamples, len(own_N)):
        picked_RN = rng.random((some, len(own_N))) * seeds_C[own_N]
        drawn_RN = np.empty((some, len(own_N)))
        drawn_RN[:, order_N] = wide_N[order_N][first_C[own_N] + picked_RN.astype(np.int64)]
        parts.append(_least(asked, table, fitted, some, log_loss_RN=mean_N + drawn_RN))
    told = f"{resamples} resamples of seeds within {len(seeds_C)} cells, widened percentiles"
    return Resampled(np.concatenate(parts), _satterthwaite(asked, table, fitted), len(seeds_C), told)


def _parts(resamples: int, rows: int) -> list[int]:
    """Return how many resamples are drawn at a time, so that their rows fit the memory."""
    most = max(1, HELD // rows)
    return [min(most, resamples - first) for first in range(0, resamples, most)]


def _least(
    asked: Problem, table: Losses, fitted: Fitted, resamples: int, *, weight_RN: np.ndarray | None = None,
    log_loss_RN: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Return the coordinates fitted to resamples, the least from the best fit and from its near rivals."""
    reach = float(asked.value(fitted.coordinate_Q)) + RIVAL * noise_of(asked, table, fitted).variance
    near = [each_Q for each_Q in fitted.others if float(asked.value(each_Q)) <= reach][:RIVALS]
    ended = [
        descend(asked, np.tile(each_Q, (resamples, 1)), weight_RN=weight_RN, log_loss_RN=log_loss_RN, settled=ENOUGH)
        for each_Q in (fitted.coordinate_Q, *near)
    ]
    first_R = np.argmin([each.value_R for each in ended], axis=0)
    return np.stack([each.coordinate_RQ for each in ended])[first_R, np.arange(resamples)]


def _satterthwaite(asked: Problem, table: Losses, fitted: Fitted) -> np.ndarray:
    """Return the degrees of freedom of each coordinate's variance, Σ a²·s²/S over cells of weights a and S − 1 each."""
    meant = of_cells(asked, table)
    _, slope_CQ = meant.residuals(fitted.coordinate_Q)
    root_C = np.sqrt(meant.weight_N)
    weight_QC = np.linalg.pinv(root_C[:, None] * slope_CQ[:, ~asked.pinned_Q], rcond=1e-13) * root_C
    part_QC = weight_QC**2 / table.seeds_C
    total_Q = part_QC.sum(axis=1)
    freedom_Q = np.full(len(asked.lower_Q), float(len(table.loss_N) - len(table.first_C)))
    freedom_Q[~asked.pinned_Q] = total_Q**2 / np.sum(part_QC**2 / (table.seeds_C - 1), axis=1)
    return freedom_Q


def intervals(
    asked: Problem, fitted: Fitted, found: Resampled, *, level: float, joined_2Q: np.ndarray | None = None
) -> dict[str, Estimate]:
    """Return the interval of every parameter that was fitted, by name, from fits to resamples.

    Where other ends of coordinates are given, as of `profiles.region`, an interval holds both.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(12.0) ** 2)))
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["huber"])
    >>> best = fit(asked)
    >>> found = intervals(asked, best, by_cells(asked, table, best, seed=0, resamples=200), level=0.95)["beta"]
    >>> 0.4 < found.low < found.value < found.high < 0.6
    True
    """
    check_level(level)
    end_2Q, told = found.ends(found.coordinate_RQ, level, found.freedom_Q), found.told
    if joined_2Q is not None:
        end_2Q = np.stack([np.minimum(end_2Q[0], joined_2Q[0]), np.maximum(end_2Q[1], joined_2Q[1])])
        told += ", joined with all values that fit as well"
    return {
        asked.form.names[place]: estimate(
            asked, int(place), float(fitted.coordinate_Q[place]), (float(end_2Q[0, place]), float(end_2Q[1, place])),
            level=level, n=found.units, method=told,
        )
        for place in np.flatnonzero(~asked.pinned_Q)
    }  # fmt: skip
