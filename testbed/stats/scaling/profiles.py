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
CLOSE = 1e-6
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
    from scipy.special import stdtrit

    meant, spread = of_cells(asked, table), spread_of(asked, table, fitted)
    allowed = 0.5 * spread.variance * float(stdtrit(spread.freedom, (1 + level) / 2)) ** 2
    place_E = np.repeat(np.flatnonzero(~asked.pinned_Q), 2)
    side_E = np.tile([-1.0, 1.0], len(place_E) // 2)
    end_E = _ends(meant, fitted.coordinate_Q, spread.covariance_QQ, place_E, side_E, allowed)
    told = "profile of squares of cell means, F"
    return {
        asked.form.names[place]: estimate(
            asked, int(place), float(fitted.coordinate_Q[place]), (float(end_E[2 * at]), float(end_E[2 * at + 1])),
            level=level, n=len(meant.log_loss_N), method=told,
        )
        for at, place in enumerate(place_E[::2])
    }  # fmt: skip


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
    free_Q = ~asked.pinned_Q
    root_CF = np.sqrt(meant.weight_N)[:, None] * slope_CQ[:, free_Q]
    unit_F = np.maximum(np.linalg.norm(root_CF, axis=0), 1e-300)
    inverse_FC = np.linalg.pinv(root_CF / unit_F, rcond=1e-13) / unit_F[:, None]
    covariance_QQ = np.zeros((len(free_Q), len(free_Q)))
    covariance_QQ[np.ix_(free_Q, free_Q)] = inverse_FC @ inverse_FC.T
    return Spread(variance, freedom, covariance_QQ)


def _ends(
    asked: Problem, best_Q: np.ndarray, covariance_QQ: np.ndarray, place_E: np.ndarray, side_E: np.ndarray,
    allowed: float,
) -> np.ndarray:  # fmt: skip
    """Return where the objective has risen by ``allowed``, or the end of the search."""
    least = float(asked.value(best_Q))
    at_E, limit_E = best_Q[place_E], np.where(side_E < 0, asked.lower_Q[place_E], asked.upper_Q[place_E])
    own_E = np.maximum(covariance_QQ[place_E, place_E], 1e-300)
    along_EQ = covariance_QQ[place_E] / own_E[:, None]
    half_E = np.sqrt(2 * allowed * own_E) + 1e-14 * (1 + np.abs(at_E))
    inside_E, outside_E = np.zeros(len(place_E)), np.full(len(place_E), np.nan)
    room_E = np.abs(limit_E - at_E)
    known_EQ, try_E = np.tile(best_Q, (len(place_E), 1)), np.minimum(half_E, room_E)
    rise_in_E, rise_out_E = np.full(len(place_E), -allowed), np.full(len(place_E), np.nan)
    done_E = room_E <= 0
    for _ in range(DOUBLINGS + HALVINGS):
        live = np.flatnonzero(~done_E)
        if not len(live):
            break
        rise_L, found_LQ = _risen(asked, known_EQ[live], place_E[live], (at_E + side_E * try_E)[live], along_EQ[live])
        excess_L = rise_L - least - allowed
        stays, goes = live[excess_L <= 0], live[excess_L > 0]
        inside_E[stays], rise_in_E[stays], known_EQ[stays] = (
            try_E[stays],
            excess_L[excess_L <= 0],
            found_LQ[excess_L <= 0],
        )
        outside_E[goes], rise_out_E[goes] = try_E[goes], excess_L[excess_L > 0]
        done_E |= (inside_E >= room_E) | (outside_E - inside_E <= CLOSE * outside_E)
        cut_E = inside_E + (outside_E - inside_E) * np.clip(-rise_in_E / (rise_out_E - rise_in_E), 0.08, 0.92)
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
