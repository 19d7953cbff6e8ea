"""Levenberg–Marquardt within bounds, of many fits at once: resamples, profiles and starts are rows of one array."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from testbed.stats.scaling.problem import Problem

ROUNDS = 200
SETTLED = 1e-13
"""Relative fall of an objective, as foreseen, below which a fit is done."""

ROUNDED = 1e-12
"""Relative fall that rounding of the sum may hide."""

LAST = 8
"""Steps within rounding after which a fit is done, whatever is foreseen: where rows scatter, no less can be seen."""

STIFF = 1e12
"""Damping at which no step falls any more."""

ROOM = 2_000_000
"""Numbers of the derivatives that are held at once."""


class Descended(NamedTuple):
    """Where R fits ended, their objectives, and whether each settled."""

    coordinate_RQ: np.ndarray
    value_R: np.ndarray
    settled_R: np.ndarray


class _State(NamedTuple):
    """Places, objectives, gradients and curvatures (of Gauss and Newton, with Huber's weights) of R fits."""

    coordinate_RQ: np.ndarray
    value_R: np.ndarray
    slope_RQ: np.ndarray
    bend_RQQ: np.ndarray


def descend(
    asked: Problem,
    start_RQ: Float[np.ndarray, "R Q"],
    *,
    weight_RN: Float[np.ndarray, "R N"] | None = None,
    log_loss_RN: Float[np.ndarray, "R N"] | None = None,
    held_RQ: Bool[np.ndarray, "R Q"] | None = None,
    settled: float = SETTLED,
    rounds: int = ROUNDS,
) -> Descended:
    """Return the minima next to R starts; each may have its own weights of rows, losses, and coordinates held.

    The Huber loss is descended by squares that are weighed anew at each step, which never rise.

    Error: a minimum nearby, not the least of all; a fit that has not settled says so.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 4.0 ** np.arange(5)
    >>> asked = problem(FORMS["power_tokens"], losses(x, x, 1 + x**-0.5), OBJECTIVES["log-squares"])
    >>> descend(asked, np.array([[0.5, 0.3, 0.3]])).coordinate_RQ.round(6).tolist()
    [[1.0, 0.0, 0.5]]
    """
    count, (rows, size) = len(start_RQ), (len(asked.log_loss_N), len(asked.lower_Q))
    step = max(1, ROOM // (rows * size))
    weight_RN = np.broadcast_to(asked.weight_N, (count, rows)) if weight_RN is None else weight_RN
    log_loss_RN = np.broadcast_to(asked.log_loss_N, (count, rows)) if log_loss_RN is None else log_loss_RN
    held_RQ = np.zeros((count, size), bool) if held_RQ is None else held_RQ
    parts = [
        _descended(asked, start_RQ[at], weight_RN[at], log_loss_RN[at], held_RQ[at] | asked.pinned_Q, settled, rounds)
        for at in (slice(first, first + step) for first in range(0, count, step))
    ]
    return Descended(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _descended(
    asked: Problem, start_RQ: np.ndarray, weight_RN: np.ndarray, log_loss_RN: np.ndarray, held_RQ: np.ndarray,
    settled: float, rounds: int,
) -> Descended:  # fmt: skip
    now = _state(asked, np.clip(start_RQ, asked.lower_Q, asked.upper_Q), weight_RN, log_loss_RN)
    damping_R, done_R = np.full(len(start_RQ), 1e-3), np.zeros(len(start_RQ), bool)
    tiny_R = np.zeros(len(start_RQ), int)
    for _ in range(rounds):
        at = np.flatnonzero(~done_R)
        if not len(at):
            break
        here = _State(*(part[at] for part in now))
        step_AQ = _step(asked, here, held_RQ[at], damping_R[at])
        to_AQ = np.clip(here.coordinate_RQ + step_AQ, asked.lower_Q, asked.upper_Q)
        new = _state(asked, to_AQ, weight_RN[at], log_loss_RN[at])
        foreseen_A = -0.5 * np.sum(here.slope_RQ * step_AQ, axis=1)
        tiny_A = (foreseen_A <= ROUNDED * here.value_R) & (damping_R[at] < 1e-2)
        better_A = new.value_R < here.value_R + np.where(tiny_A, ROUNDED * here.value_R, 0.0)
        for part, other in zip(now, new, strict=True):
            part[at[better_A]] = other[better_A]
        damping_R[at] = np.where(better_A, np.maximum(damping_R[at] / 8, 1e-12), damping_R[at] * 8)
        tiny_R[at] += tiny_A
        enough_A = (foreseen_A <= settled * here.value_R) | (tiny_R[at] >= LAST)
        done_R[at] = (tiny_A & enough_A) | (damping_R[at] > STIFF) | (here.value_R == 0)
    return Descended(now.coordinate_RQ, now.value_R, done_R)


def _state(asked: Problem, coordinate_RQ: np.ndarray, weight_RN: np.ndarray, log_loss_RN: np.ndarray) -> _State:
    residual_RN, slope_RNQ = asked.residuals(coordinate_RQ, log_loss_RN)
    value_R = np.sum(weight_RN * asked.objective.terms(residual_RN), axis=1)
    weighed_RQN = np.swapaxes(slope_RNQ, 1, 2) * (weight_RN * asked.objective.weights(residual_RN))[:, None, :]
    slope_RQ = (weighed_RQN @ residual_RN[..., None])[..., 0]
    return _State(coordinate_RQ, np.where(np.isfinite(value_R), value_R, np.inf), slope_RQ, weighed_RQN @ slope_RNQ)


def _step(asked: Problem, here: _State, held_RQ: np.ndarray, damping_R: np.ndarray) -> np.ndarray:
    """Return the damped step of the coordinates that may move: not held, and not at an end that they press against."""
    held_RQ = held_RQ | ((here.coordinate_RQ <= asked.lower_Q) & (here.slope_RQ > 0))
    held_RQ = held_RQ | ((here.coordinate_RQ >= asked.upper_Q) & (here.slope_RQ < 0))
    size_RQ = np.sqrt(np.diagonal(here.bend_RQQ, axis1=1, axis2=2))
    held_RQ = held_RQ | ~(size_RQ > 1e-150)
    unit_RQ = np.where(held_RQ, 1.0, size_RQ)
    scaled_RQQ = here.bend_RQQ / unit_RQ[:, :, None] / unit_RQ[:, None, :]
    scaled_RQQ = np.where(held_RQ[:, :, None] | held_RQ[:, None, :], 0.0, scaled_RQQ)
    eye_QQ = np.eye(held_RQ.shape[1])
    scaled_RQQ = scaled_RQQ + eye_QQ * np.where(held_RQ, 1.0, damping_R[:, None])[:, None, :]
    slope_RQ = np.where(held_RQ, 0.0, here.slope_RQ / unit_RQ)
    return np.asarray(-np.linalg.solve(scaled_RQQ, slope_RQ[..., None])[..., 0] / unit_RQ)
