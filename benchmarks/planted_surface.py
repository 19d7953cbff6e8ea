"""Surfaces B(P) + V(P, D) and Ω that are planted, and what is true of them for each claim of a grid."""

from typing import NamedTuple

import numpy as np

SIZES, TOKENS, HORIZONS, STEP = (704, 2_176, 4_416, 7_424), (1_024, 4_096, 16_384), (128, 512, 2_048), 256
"""A grid like the quick preset of ``experiments/bias_variance.py``: parameters, D, steps, and tokens of a step."""
SEEN = STEP * HORIZONS[-1]


class Surface(NamedTuple):
    """What is planted: B of each size, V at each D, Ω at each horizon, and the centers, fresh data last.

    ``shift`` is taken off the cross-entropy of one run, so that it has the excess ``shift``; ``missing`` is taken off
    the parts of one ensemble.
    """

    bias_P: np.ndarray
    variance_PD: np.ndarray
    gap_PH: np.ndarray
    center_PE: np.ndarray
    shift: float | None = None
    missing: float = 0.0


def surface(
    *,
    bias: tuple[float, ...] = (0.32, 0.09, 0.03, 0.006),
    slopes: tuple[float, ...] | tuple[tuple[float, ...], ...] = (1.0, 1.0),
    gamma: float = 1.0,
    share: float | tuple[float, ...] | None = None,
    drift: float = 0.0,
    rises: float = 0.2,
) -> Surface:
    """Return V with these exponents from one D to the next, Ω of exponent gamma, and centers that go as D^−drift.

    The exponents are those of all sizes, or a row for each.

    ``share`` is Ω/(B + Ω) at the longest horizon; if None, Ω is what V is after as many tokens. V grows as P^rises.
    """
    bias_P, sizes_P = np.array(bias), np.array(SIZES, float)
    first_P = 0.6 * (sizes_P / sizes_P[0]) ** rises
    slope_PD = np.broadcast_to(np.array(slopes, float), (len(SIZES), len(TOKENS) - 1))
    falls_PD = np.cumprod(np.hstack([np.ones((len(SIZES), 1)), 4.0**-slope_PD]), axis=1)
    odds_P = np.divide(1.0, 1 / np.array(np.nan if share is None else share) - 1)
    last_P = first_P * TOKENS[0] / SEEN if share is None else bias_P * odds_P
    rung_H = (np.array(HORIZONS) / HORIZONS[-1]) ** -gamma
    data_E = np.array([*TOKENS, SEEN], float)
    center_PE = 0.8 * bias_P[:, None] * (data_E / data_E[-1]) ** -drift
    return Surface(bias_P, first_P[:, None] * falls_PD, last_P[:, None] * rung_H, center_PE)


def truths(planted: Surface, lowest: float) -> dict[str, float]:
    """Return the true value of each quantity; NaN where it does not exist."""
    online_P = planted.bias_P + planted.gap_PH[:, -1]
    exponent_PD = exponents(planted.variance_PD, np.array(TOKENS, float))
    slope_PD = exponents(planted.center_PE, np.array([*TOKENS, SEEN], float))
    one = float(np.ptp(exponent_PD)) < 1e-9 if np.isfinite(exponent_PD).all() else False
    apart_PD = planted.center_PE[:, :-1] - planted.bias_P[:, None]
    return {
        "lowest_excess": lowest,
        "parts_add_up": planted.missing if planted.shift is None else float("nan"),
        "bias_step": float(np.diff(planted.bias_P).max()),
        "online_step": float(np.diff(online_P).max()),
        "bias_on_tokens": float(np.abs(slope_PD).max()),
        "variance_step": float(np.diff(planted.variance_PD, axis=1).max()),
        "variance_departure": float(np.abs(exponent_PD - 1).max()),
        "variance_exponent": float(exponent_PD[0, 0]) if one else float("nan"),
        "biases_apart": float(np.abs(apart_PD).max()),
        "variance_over_bias": float(np.log(planted.variance_PD[:, 0] / planted.bias_P).min()),
        "online_bend": float(np.diff(np.diff(online_P) / np.diff(np.log(SIZES))).min()),
        "optimisation_residue": float(planted.gap_PH[-1, -1] / online_P[-1]),
    }


def exponents(y_PD: np.ndarray, x_D: np.ndarray) -> np.ndarray:
    """Return −d log y / d log x between neighbours; infinite where y falls to zero."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.diff(np.log(y_PD), axis=1) / np.diff(np.log(x_D)))
