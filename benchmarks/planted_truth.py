"""What is true of a planted surface, for each estimate that the claims of ``experiments/bias_variance.py`` name."""

import numpy as np
from planted_grid import SEEN, TOKENS, Surface


def truths(planted: Surface, lowest: float) -> dict[str, float]:
    """Return the true value of each quantity; NaN where it does not exist."""
    online_P = planted.bias_P + planted.gap_PH[:, -1]
    exponent_PD = exponents(planted.variance_PD, np.array(TOKENS, float))
    slope_PD = exponents(planted.center_PE, np.array([*TOKENS, SEEN], float))
    one = float(np.ptp(exponent_PD)) < 1e-9 if np.isfinite(exponent_PD).all() else False
    return {
        "lowest_excess": lowest,
        "parts_add_up": planted.missing,
        "bias_step": float(np.diff(planted.bias_P).max()),
        "online_step": float(np.diff(online_P).max()),
        "bias_on_tokens": float(np.abs(slope_PD).max()),
        "variance_step": float(np.diff(planted.variance_PD, axis=1).max()),
        "variance_departure": float(np.abs(exponent_PD - 1).max()),
        "variance_exponent": float(exponent_PD[0, 0]) if one else float("nan"),
        "optimisation_residue": float(planted.gap_PH[-1, -1] / online_P[-1]),
    }


def exponents(y_PD: np.ndarray, x_D: np.ndarray) -> np.ndarray:
    """Return −d log y / d log x between neighbours; infinite where y falls to zero."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.diff(np.log(y_PD), axis=1) / np.diff(np.log(x_D)))
