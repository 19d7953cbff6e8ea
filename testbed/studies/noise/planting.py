"""How the law of a vector's noise is bent so that an estimate truly has a given value: a planter for each estimate."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from testbed.studies.noise.guess import Guess
from testbed.studies.noise.simulated import FARTHEST, Curves

LEAST = 0.01
"""Least distance of a planted value from the edge of its region."""

Bend = Callable[[Curves, float], Curves]


@dataclass(frozen=True)
class Planter:
    """What the theory or the guess says of a number, and the curves on which it has another value."""

    own: Callable[[dict[str, Any], Guess], float]
    bent: Bend
    domain: tuple[float, float] = (-math.inf, math.inf)


def expected(n: tuple[int, ...], described: dict[str, Any], guess: Guess) -> Curves:
    """Return the curves that theory has, of T = n^slope, with the scatter of a guess."""
    n_N = np.array(n, dtype=float)
    law_N = n_N ** (_slope(described, guess) if described["predicted_measure"] == "variance" else -1.0)
    iqr_N = n_N ** _spread(described, guess)
    return Curves(n_N, law_N, law_N, iqr_N, None, guess.dimensions, guess.retraining)


def _slope(described: dict[str, Any], guess: Guess) -> float:
    slope = float(described["predicted_slope"])
    return slope if math.isfinite(slope) and described["predicted_measure"] == "variance" else -1.0


def _spread(described: dict[str, Any], guess: Guess) -> float:
    slope = float(described["predicted_slope"])
    return slope if math.isfinite(slope) and described["predicted_measure"] != "variance" else -0.5


def _ratio(shape: Callable[[np.ndarray, float], np.ndarray]) -> Bend:
    """Return the bend by which T over theory's T is a function of n and the value."""
    return lambda curves, value: curves._replace(t_N=curves.predicted_N * shape(curves.n_N, value))


def _departed(curves: Curves, value: float) -> Curves:
    """Return T, and the interquartile range, whose slopes are off theory's by so much."""
    off_N = (curves.n_N / curves.n_N[0]) ** value
    return curves._replace(t_N=curves.t_N * off_N, iqr_N=curves.iqr_N * off_N)


def _last(curves: Curves, value: float) -> Curves:
    t_N = curves.t_N.copy()
    t_N[-1] = t_N[-2] * (curves.n_N[-1] / curves.n_N[-2]) ** value
    return curves._replace(t_N=t_N)


def _farthest(curves: Curves, value: float) -> Curves:
    """Return curves whose last length is so far from normal; the others are not asked for."""
    return curves._replace(distance_N=np.append(np.full(len(curves.n_N) - 1, np.nan), value))


def _approaching(curves: Curves, value: float, first: float) -> Curves:
    far_N = first * (curves.n_N / curves.n_N[0]) ** -value
    return curves._replace(distance_N=np.clip(far_N, 0.0, FARTHEST))


def planters(guess: Guess) -> dict[str, Planter]:
    """Return the planter of each estimate, by its name."""
    positive, share = (0.0, math.inf), (0.0, 1.0)
    return {
        "noise_slope": Planter(_slope, lambda c, v: c._replace(t_N=c.n_N**v)),
        "noise_spread_slope": Planter(_spread, lambda c, v: c._replace(iqr_N=c.n_N**v)),
        "noise_slope_departure": Planter(lambda d, g: 0.0, _departed),
        "noise_last_slope": Planter(_slope, _last),
        "noise_constant": Planter(lambda d, g: 1.0, _ratio(lambda n_N, v: np.full(len(n_N), v)), positive),
        "noise_departure": Planter(
            lambda d, g: 0.0, _ratio(lambda n_N, v: np.where(n_N == n_N[0], 1 + v, 1.0)), positive
        ),
        "noise_last_ratio": Planter(
            lambda d, g: 1.0, _ratio(lambda n_N, v: np.where(n_N == n_N[-1], v, 1.0)), positive
        ),
        "noise_plateau_share": Planter(
            lambda d, g: 0.0, lambda c, v: c._replace(t_N=v + (1 - v) * c.n_N[0] / c.n_N), share
        ),
        "noise_normal_distance": Planter(lambda d, g: g.distance, _farthest, (0.0, FARTHEST)),
        "noise_distance_exponent": Planter(lambda d, g: 0.5, lambda c, v: _approaching(c, v, guess.first_distance)),
    }
