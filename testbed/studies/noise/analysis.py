"""One study's tables, ready to be asked: the curve of T against n of an observed vector, and its shapes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

PARTS = ("attention", "feedforward", "representation")
GIVEN = ("query", "nothing")


class About(NamedTuple):
    """Which observed vector a number is about."""

    arm: str
    layer: int
    part: str
    given: str

    def __str__(self) -> str:
        return "/".join(map(str, self))


def about(text: str) -> About:
    """Return the vector that a text such as ``markov/1/attention/query`` names; what is left out is as in this one.

    >>> about("markov"), str(about("markov/2/feedforward"))
    (About(arm='markov', layer=1, part='attention', given='query'), 'markov/2/feedforward/query')
    """
    told = text.split("/")
    arm, layer, part, given = [*told, *("", "1", "attention", "query")[len(told) :]][:4]
    if len(told) > 4 or not layer.isdigit() or part not in PARTS or given not in GIVEN:
        raise ValueError(
            f"{text!r} names no observed vector: it must be arm/layer/part/given, with part one of"
            f" {', '.join(PARTS)} and given one of {', '.join(GIVEN)}; e.g. markov/1/attention/query."
        )
    return About(arm, int(layer), part, given)


class Curve(NamedTuple):
    """T against n, with standard errors and numbers of independent units; draws of the parameters are curves."""

    n_N: Float[np.ndarray, " N"]
    t_N: Float[np.ndarray, " N"]
    error_N: Float[np.ndarray, " N"]
    units_N: Float[np.ndarray, " N"]
    curve_N: Int[np.ndarray, " N"]
    predicted_N: Float[np.ndarray, " N"]
    """T as theory has it, NaN where it says nothing."""

    def of(self, chosen_N: np.ndarray) -> "Curve":
        """Return some of the points."""
        return Curve(*(column[chosen_N] for column in self))

    @property
    def ends(self) -> tuple[float, float]:
        """Return the shortest and the longest length."""
        return float(self.n_N.min()), float(self.n_N.max())


@dataclass(frozen=True)
class NoiseAnalysis:
    """The tables of a study: arms, levels, shapes, joint tests, assumptions as measured, and training runs.

    ``expected`` counts the points that were asked for, ``lost`` those whose training diverged, ``planned`` the training
    runs.
    """

    arms: pd.DataFrame
    levels: pd.DataFrame
    shapes: pd.DataFrame
    joint: pd.DataFrame
    assumed: pd.DataFrame
    trained: pd.DataFrame
    expected: int
    planned: int
    lost: int = 0

    def curve(self, where: About) -> Curve | str:
        """Return T against n of an observed vector.

        Every draw of the parameters is a curve, also where a model of its own was trained at each length.
        """
        rows = _of(self.levels, where).sort_values(["draw", "length"])
        if not len(rows):
            return f"{where} was not observed."
        return _curve(rows, ("length", "variance", "error", "sequences"), rows["predicted"].to_numpy(float))

    def spread(self, where: About) -> Curve | str:
        """Return the interquartile range against n, along the first random direction."""
        rows = _of(self.shapes, where)
        rows = rows[rows["direction"] == "random 1"].sort_values(["draw", "length"])
        if not len(rows):
            return f"{where} was not observed."
        return _curve(rows, ("length", "iqr", "iqr_error", "count"), np.full(len(rows), np.nan))

    def directions(self, where: About) -> pd.DataFrame:
        """Return the shapes of an observed vector, a row for each draw, length and direction."""
        return _of(self.shapes, where)

    def arm(self, name: str) -> "pd.Series":
        """Return what is known of an arm."""
        return self.arms.set_index("arm").loc[name]

    def anew(self, where: About) -> bool:
        """Return whether a model of its own was trained for each draw and length."""
        return bool(self.arm(where.arm)["refitted"])


def _of(table: pd.DataFrame, where: About) -> pd.DataFrame:
    chosen = table["arm"] == where.arm
    for name in ("layer", "part", "given"):
        chosen &= table[name] == getattr(where, name)
    return table[chosen]


def _curve(rows: pd.DataFrame, names: tuple[str, str, str, str], predicted_N: np.ndarray) -> Curve:
    n_N, t_N, error_N, units_N = (rows[name].to_numpy(float) for name in names)
    return Curve(n_N, t_N, error_N, units_N, rows["draw"].to_numpy(int), predicted_N)
