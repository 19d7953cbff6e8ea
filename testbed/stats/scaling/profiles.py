"""Profile intervals: every value of a parameter at which the rest can still be fitted well enough."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import NoInformation
from testbed.stats.scaling.descent import descend
from testbed.stats.scaling.ends import estimate
from testbed.stats.scaling.fit import Fitted
from testbed.stats.scaling.problem import Problem, of_cells
from testbed.stats.scaling.table import Losses

DOUBLINGS, HALVINGS = 60, 40
MOST = 6
"""Minima from which ends are sought."""

CLOSE = 3e-6
"""Relative error of an end, in units of the interval's half."""


class Spread(NamedTuple):
    """The variance of a cell's mean times its seeds, the cells beyond parameters, and the covariance of coordinates."""

    variance: float
    freedom: int
    covariance_QQ: np.ndarray


def profiles(asked: Problem, table: Losses, fitted: Fitted, *, level: float) -> dict[str, Estimate]:
    """Return the profile interval of every parameter that was fitted, by name.

    A value stays in if the sum of squares, least over all others, rises by no more than s²·F(level; 1, C − Q): C cells
    with Q parameters, each cell the mean of its seeds, s² the weighed squares that the best fit leaves over C − Q. So
    noise that the seeds of a cell share is counted, and so is a lack of fit that looks like noise.

    Error: covers within 2 % of its level for noise that differs from cell to cell (`benchmarks/calibrate_scaling.py`);
    too narrow where cells share noise, as checkpoints of one run do: then resample groups. Where seeds of cells are of
    unequal number and share noise, it is not the narrowest. An end that no value of the search rejects is open.
    Source: Bates and Watts (1988), section 6.1; Venzon and Moolgavkar (1988).

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(12.0) ** 2)))
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["log-squares"])
    >>> found = profiles(asked, table, fit(asked), level=0.95)["beta"]
    >>> 0.48 < found.low < found.value < found.high < 0.52
    True
    """
    check_level(level)
    if not asked.objective.squares:
        raise NoInformation(f"a profile needs squares and {asked.objective.name} is none; resample cells instead.")
    spread = spread_of(asked, table, fitted)
    end_2Q = region(of_cells(asked, table), fitted, spread.variance, spread.freedom, level=level)
    told = "profile of squares of cell means, F"
    return {
        asked.form.names[place]: estimate(
            asked, int(place), float(fitted.coordinate_Q[place]), (float(end_2Q[0, place]), float(end_2Q[1, place])),
            level=level, n=len(table.first_C), method=told,
        )
        for place in np.flatnonzero(~asked.pinned_Q)
    }  # fmt: skip


def region(asked: Problem, fitted: Fitted, variance: float, freedom: int, *, level: float) -> Float[np.ndarray, "2 Q"]:
    """Return the least and largest value of each coordinate at which the objective can stay below a bound.

    It may rise by ½·variance·t², ``variance`` being what twice a rise by one parameter of chance is on average. The
    search goes out from the best fit and from the other minima of ``fitted`` below the bound, and the ends are those of
    all of them together.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(12.0) ** 2)))
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["huber"])
    >>> low, high = region(asked, fit(asked), 1e-6, 9, level=0.95)[:, 2].tolist()
    >>> 0.48 < low < 0.5 < high < 0.52
    True
    """
    from scipy.special import stdtrit

    bound = float(asked.value(fitted.coordinate_Q)) + 0.5 * variance * float(stdtrit(freedom, (1 + level) / 2)) ** 2
    others = [each_Q for each_Q in fitted.others if float(asked.value(each_Q)) < bound]
    begun_MQ = np.stack([fitted.coordinate_Q, *others][:MOST])
    free_F = np.flatnonzero(~asked.pinned_Q)
    place_E, side_E = np.tile(np.repeat(free_F, 2), len(begun_MQ)), np.tile([-1.0, 1.0], len(begun_MQ) * len(free_F))
    from_E = np.repeat(np.arange(len(begun_MQ)), 2 * len(free_F))
    bent_MQQ = np.stack([_covariance(asked, *asked.residuals(each_Q)) for each_Q in begun_MQ])
    end_E = _ends(asked, begun_MQ[from_E], bent_MQQ[from_E, place_E], place_E, side_E, bound)
    end_MF2 = end_E.reshape(len(begun_MQ), len(free_F), 2)
    end_2Q = np.stack([fitted.coordinate_Q, fitted.coordinate_Q])
    end_2Q[0, free_F], end_2Q[1, free_F] = end_MF2[..., 0].min(axis=0), end_MF2[..., 1].max(axis=0)
    return end_2Q


def spread_of(asked: Problem, table: Losses, fitted: Fitted) -> Spread:
    """Return the variance of what a fit by squares leaves of the means of cells, and the covariance of coordinates.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, 1 + x**-0.5)
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["log-squares"])
    >>> spread_of(asked, table, fit(asked)).freedom
    9
    """
    meant = of_cells(asked, table)
    residual_C, slope_CQ = meant.residuals(fitted.coordinate_Q)
    freedom = len(residual_C) - asked.free
    if freedom < 1:
        raise NoInformation(
            f"{len(residual_C)} cells leave nothing over for {asked.free} parameters; a spread needs one cell more, so"
            " add cells, or pin a parameter."
        )
    variance = float(meant.weight_N @ residual_C**2) / freedom
    return Spread(variance, freedom, _covariance(meant, residual_C, slope_CQ))


def _covariance(asked: Problem, residual_N: np.ndarray, slope_NQ: np.ndarray) -> np.ndarray:
    """Return the inverse of JᵀWJ over the coordinates that are fitted, in Huber's weights."""
    free_Q = ~asked.pinned_Q
    root_NF = np.sqrt(asked.weight_N * asked.objective.weights(residual_N))[:, None] * slope_NQ[:, free_Q]
    unit_F = np.maximum(np.linalg.norm(root_NF, axis=0), 1e-100)
    inverse_FN = np.linalg.pinv(root_NF / unit_F, rcond=1e-13) / unit_F[:, None]
    covariance_QQ = np.zeros((len(free_Q), len(free_Q)))
    covariance_QQ[np.ix_(free_Q, free_Q)] = inverse_FN @ inverse_FN.T
    return covariance_QQ


def _ends(
    asked: Problem, begun_EQ: np.ndarray, spread_EQ: np.ndarray, place_E: np.ndarray, side_E: np.ndarray, bound: float
) -> np.ndarray:
    """Return where the objective has risen to ``bound`` on the way from minima, or the end of the search."""
    rows = np.arange(len(place_E))
    allowed_E = bound - asked.value(begun_EQ)
    at_E, limit_E = begun_EQ[rows, place_E], np.where(side_E < 0, asked.lower_Q[place_E], asked.upper_Q[place_E])
    own_E = np.maximum(spread_EQ[rows, place_E], 1e-300)
    along_EQ = spread_EQ / own_E[:, None]
    half_E = np.sqrt(2 * allowed_E * own_E) + 1e-14 * (1 + np.abs(at_E))
    inside_E, outside_E = np.zeros(len(rows)), np.full(len(rows), np.nan)
    room_E = np.abs(limit_E - at_E)
    known_EQ, try_E = begun_EQ.copy(), np.minimum(half_E, room_E)
    short_E, long_E = np.full(len(rows), -1.0), np.full(len(rows), np.nan)
    done_E = room_E <= 0
    for step in range(DOUBLINGS + HALVINGS):
        live = np.flatnonzero(~done_E)
        if not len(live):
            break
        rise_L, found_LQ = _risen(asked, known_EQ[live], place_E[live], (at_E + side_E * try_E)[live], along_EQ[live])
        share_L = 1 + (rise_L - bound) / np.maximum(allowed_E[live], 1e-300)
        over_L = (
            np.sqrt(np.clip(share_L, 0.0, 1e300)) - 1
        )  # a line in the coordinate, where the objective is a parabola
        stays, goes, near_L = over_L <= CLOSE, over_L > 0, np.abs(over_L) <= CLOSE
        inside_E[live[stays]], short_E[live[stays]], known_EQ[live[stays]] = (
            try_E[live[stays]],
            over_L[stays],
            found_LQ[stays],
        )
        outside_E[live[goes | near_L]], long_E[live[goes | near_L]] = try_E[live[goes | near_L]], over_L[goes | near_L]
        done_E |= (inside_E >= room_E) | (outside_E - inside_E <= 30 * CLOSE * outside_E)
        part_E = np.clip(-short_E / np.maximum(long_E - short_E, 1e-300), 0.02, 0.98)
        cut_E = inside_E + (outside_E - inside_E) * (part_E if step % 3 else 0.5)  # halves where a minimum gives way
        try_E = np.where(np.isnan(outside_E), np.minimum(np.maximum(2 * try_E, half_E), room_E), cut_E)
    closed_E = ~np.isnan(outside_E) & (inside_E < room_E)
    return np.where(closed_E, at_E + side_E * inside_E, limit_E)


def _risen(
    asked: Problem, from_LQ: np.ndarray, place_L: np.ndarray, value_L: np.ndarray, along_LQ: np.ndarray
) -> tuple[Float[np.ndarray, "L"], Float[np.ndarray, "L Q"]]:
    """Return the least objective with one coordinate held, and where: from what is known, and along its tangent."""
    rows, held_LQ = np.arange(len(place_L)), np.zeros(from_LQ.shape, bool)
    held_LQ[rows, place_L] = True
    plain_LQ, tangent_LQ = from_LQ.copy(), from_LQ + along_LQ * (value_L - from_LQ[rows, place_L])[:, None]
    for start_LQ in (plain_LQ, tangent_LQ):
        start_LQ[rows, place_L] = value_L
    both = descend(asked, np.concatenate([tangent_LQ, plain_LQ]), held_RQ=np.tile(held_LQ, (2, 1)), settled=1e-7)
    first = both.value_R[: len(rows)] <= both.value_R[len(rows) :]
    chosen = rows + np.where(first, 0, len(rows))
    return both.value_R[chosen], both.coordinate_RQ[chosen]
