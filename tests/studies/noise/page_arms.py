"""Arms whose laws are known, for the tables of a page."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

NAN = float("nan")
LENGTHS = (64, 256, 1024, 4096, 16384, 65536)


def gaussian(rng, count, n):
    return rng.standard_normal(count) + 1.5 / n**0.5 * (rng.standard_normal(count) ** 2 - 1)


def mixture(rng, count, n):
    return rng.choice([-1.4, 0.3, 1.1], count) + 0.2 * rng.standard_normal(count)


def skewed(rng, count, n):
    return rng.gamma(2.0, size=count)


def rectified(rng, count, n):
    return np.maximum(rng.standard_normal(count), 0)


def signed_root(rng, count, n):
    x = rng.standard_normal(count)
    return np.sign(x) * np.abs(x) ** 0.5


def heavy(rng, count, n):
    return rng.standard_t(1.5, count)


@dataclass(frozen=True)
class Arm:
    """One arm: T(n) = plateau + constant·n^slope given the query, and ``between`` more without it."""

    name: str
    assumption: str
    switch: str
    world: str
    slope: float = -1.0
    constant: float = 3.0
    plateau: float = 0.0
    between: float = 0.02
    predicted: bool = True
    predicted_slope: float = -1.0
    measure: str = "variance"
    limit: str = "Gaussian"
    part: str = "attention"
    shape: Callable = gaussian
    effective: float = 0.6
    lengths: tuple[int, ...] = LENGTHS
    layers: tuple[int, ...] = (1,)
    weights: str = "random, standard deviation 1"


ARMS = (
    Arm("iid", "", "uniform attention over independent tokens", "Iid(vocabulary=16)", effective=1.0),
    Arm("markov", "", "nothing", "Markov(vocabulary=8, order=1)", constant=7.5, layers=(1, 2), lengths=LENGTHS[:5]),
    Arm("blocks", "", "nothing", "BlockStationary(width=16, components=4)", constant=20.0),
    Arm("trained", "", "weights trained at each n", "Markov(vocabulary=8, order=1)", constant=0.9, weights="trained"),
    Arm(
        "gaussian-logits", "A1", "logits of standard deviation s = 2", "Iid(vocabulary=4096)", slope=-0.78,
        predicted_slope=NAN, effective=0.05,
    ),
    Arm(
        "heavy-tails", "A1", "Student's t with 1.5 degrees of freedom on the values", "Iid(vocabulary=16)", slope=-0.3,
        predicted=False, predicted_slope=-1 / 3, measure="interquartile range", limit="stable", shape=heavy,
        effective=1.0,
    ),
    Arm(
        "hard-max", "A2", "hard max over continuous keys", "Iid(vocabulary=16)", slope=0.0, predicted=False,
        predicted_slope=0.0, limit="law of one value", shape=skewed, effective=1e-6,
    ),
    Arm("top-k", "A2", "the 64 largest logits", "Markov(vocabulary=8, order=1)", slope=-0.02, predicted=False,
        predicted_slope=NAN, limit="unknown", effective=0.001),
    Arm("one-regime", "A3", "one regime for ever", "OneRegime(components=3)", plateau=0.4, constant=4.0,
        predicted_slope=NAN, limit="mixture", shape=mixture),
    Arm("power-law-blocks", "A3", "block lengths of tail index 1.5", "BlockStationary(tail=1.5)", slope=-0.5,
        predicted=False, predicted_slope=-0.5, limit="stable", shape=skewed),
    Arm("holder", "A4", "a Hölder kink, h = ½, at the mean", "Markov(vocabulary=8, order=1)", slope=-0.5,
        predicted_slope=-0.5, limit="signed power", part="feedforward", shape=signed_root),
    Arm("relu", "A4", "a ReLU kink at the mean", "Markov(vocabulary=8, order=1)", constant=1.2,
        limit="rectified Gaussian", part="feedforward", shape=rectified),
)  # fmt: skip


def trained():
    row = ("a" * 64, 601, 128, 0, 0.01, 400, "finished", "", 0.0123)
    return pd.DataFrame(
        [row],
        columns=["digest", "parameters", "context", "draw", "learning_rate", "horizon", "status", "sentence", "excess"],
    )
