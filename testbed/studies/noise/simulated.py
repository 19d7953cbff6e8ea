"""An observed vector that was never observed: levels and shapes as a run would leave them, about a planted law."""

import functools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from testbed.stats.distance import Distance, distance
from testbed.studies.noise.analysis import About, NoiseAnalysis
from testbed.studies.noise.arms import Arm
from testbed.studies.noise.asked import Asked

DIRECTIONS = ("random 1", "random 2", "random 3", "principal 1", "principal 2")
FARTHEST = 0.3
"""Greatest distance from a normal law that is planted."""
_IQR = 1.166
"""Relative standard error of the interquartile range of a Gaussian sample, times the root of its size."""


class Curves(NamedTuple):
    """What is true of an observed vector at each length, and the scatter about it."""

    n_N: Float[np.ndarray, " N"]
    t_N: Float[np.ndarray, " N"]
    """T."""
    predicted_N: Float[np.ndarray, " N"]
    """T as theory has it."""
    iqr_N: Float[np.ndarray, " N"]
    distance_N: Float[np.ndarray, " N"] | None
    """Distance from a normal law, of every direction; None where nothing asks for it."""
    dimensions: float
    retraining: float


def simulated(
    study: Asked, arm: Arm, where: About, described: dict[str, Any], curves: Curves, rng: np.random.Generator
) -> NoiseAnalysis:
    """Return the tables of one vector of one arm, drawn with as many sequences, lengths and draws as are asked for.

    T is log-normal about the truth, with the error of a variance of that many dimensions; models that are trained anew
    scatter besides. Distances are those of samples of a shifted gamma law that truly is so far from normal.

    Error: sequences given one query count together; directions are independent, where those of a run are not quite.
    """
    levels, shapes = [], []
    place = {"arm": arm.name, "layer": where.layer, "part": where.part, "given": where.given}
    for draw in range(arm.draws):
        for at, length in enumerate(curves.n_N.astype(int).tolist()):
            count = study.sequences_of(arm, length)
            anew = float(np.exp(curves.retraining * rng.standard_normal())) if described["refitted"] else 1.0
            relative = float(np.sqrt(2 / (count * curves.dimensions)))
            seen = curves.t_N[at] * anew * float(np.exp(relative * rng.standard_normal() - relative**2 / 2))
            key = place | {"draw": draw, "length": length}
            row = {"sequences": count, "variance": seen, "error": relative * seen, "effective": float(length)}
            levels.append(key | row | {"predicted": curves.predicted_N[at] * anew})
            kept = min(study.kept, count)
            spread = _IQR / np.sqrt(kept)
            iqr = curves.iqr_N[at] * np.sqrt(anew) * (1 + spread * rng.standard_normal())
            told = {"count": kept, "iqr": iqr, "iqr_error": spread * iqr}
            shapes += [key | {"direction": name} | told | _distance(curves, at, kept, rng) for name in DIRECTIONS]
    nothing = pd.DataFrame()
    return NoiseAnalysis(
        arms=pd.DataFrame([described]), levels=pd.DataFrame(levels), shapes=pd.DataFrame(shapes), joint=nothing,
        assumed=nothing, trained=nothing, expected=len(levels), planned=0,
    )  # fmt: skip


def _distance(curves: Curves, at: int, count: int, rng: np.random.Generator) -> dict[str, float]:
    """Return what a sample shows of the distance; NaN where nothing asks for it."""
    row = dict.fromkeys(("distance", "distance_error", "floor", "floor_95"), np.nan)
    if curves.distance_N is None or not np.isfinite(curves.distance_N[at]):
        return row
    found = distance(_sample(float(curves.distance_N[at]), count, rng), level=0.95)
    if not isinstance(found, Distance):
        return row
    return {
        "distance": found.estimate.value, "distance_error": found.error, "floor": found.floor,
        "floor_95": found.floor_95,
    }  # fmt: skip


def _sample(far: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return a sample of a gamma law that is so far from normal; of a normal one where that is nearer than 0.001."""
    if far < 1e-3:
        return rng.standard_normal(count)
    shape_K, far_K = _gammas()
    return rng.gamma(np.exp(np.interp(np.log(far), np.log(far_K[::-1]), np.log(shape_K[::-1]))), size=count)


@functools.cache
def _gammas() -> tuple[np.ndarray, np.ndarray]:
    """Return shapes of gamma laws, rising, and their distances from the normal law of their mean and variance."""
    from scipy.special import gammainc, ndtr

    shape_K = np.exp(np.linspace(np.log(0.02), np.log(5e4), 400))
    z = np.linspace(-4, 4, 4001)
    far_K = [np.abs(gammainc(k, np.maximum(k + z * np.sqrt(k), 0.0)) - ndtr(z)).max() for k in shape_K]
    return shape_K, np.minimum.accumulate(far_K)
