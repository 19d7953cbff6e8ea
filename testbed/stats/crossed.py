"""How much of a spread comes from the draw of the data and how much from the initialisation: random effects."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import NoInformation, numbers
from testbed.stats.mean_squares import Squares, component

LEVELS = 2


class Crossed(NamedTuple):
    """The mean of all draws and initialisations, and the variances that each adds to one run.

    ``rest`` is what one run has on top of its draw and its initialisation: their interaction and, where runs were
    repeated, the spread of repetitions. ``squares`` are those of draws, initialisations, interaction, and repetitions.
    """

    mean: Estimate
    draw: Estimate
    initialisation: Estimate
    rest: Estimate
    squares: Squares


class Nested(NamedTuple):
    """The mean of all draws, the variance between draws, and that of runs within a draw."""

    mean: Estimate
    draw: Estimate
    within: Estimate
    squares: Squares


def crossed(y_AI: Float[np.ndarray, "A I *N"], *, level: float) -> Crossed:
    """Return the split of y_ai = μ + a_a + b_i + c_ai (+ e_ain), independent random effects, each cell seen N times.

    σ²_draw = (MS_A − MS_AI)/(I·N), σ²_initialisation = (MS_I − MS_AI)/(A·N), σ²_rest = MS_AI/N + (1 − 1/N)·MS_e: the
    unbiased estimates, which may be negative; see `mean_squares.component` for their intervals, whose ends are not cut.
    The variance of the mean is the largest of MS_A + MS_I − MS_AI, MS_A and MS_I, over A·I·N, with Satterthwaite's
    degrees of freedom for MS_A + MS_I.

    Error: the mean is covered by 94–98 % at 95 %, most where both components are zero; by 87 % where one factor has two
    levels and all the variance. Two levels say little of their own variance: its interval spans over three decades.
    Source: Searle, Casella and McCulloch, Variance Components (1992), chapter 4; Burdick and Graybill (1992).

    >>> found = crossed(np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0], [5.0, 6.0, 8.0]]), level=0.95)
    >>> round(found.draw.value, 4), round(found.initialisation.value, 4), round(found.rest.value, 4)
    (4.6667, 1.3333, 0.1111)
    """
    y_AI = numbers(y_AI, "the runs", axes=None)
    if y_AI.ndim not in (2, 3):
        raise ValueError(f"the runs have {y_AI.ndim} axes; give draws × initialisations, or with repetitions as third.")
    y_AIN = y_AI.reshape(*y_AI.shape[:2], -1)
    draws, initialisations, times = y_AIN.shape
    _check(draws=draws, initialisations=initialisations)
    if not times:
        raise NoInformation("no cell was run; give one run a cell at least.")
    _check_copies(draws=y_AIN, initialisations=y_AIN.swapaxes(0, 1))
    centred_AIN, mean = _centred(y_AIN)
    cell_AI = centred_AIN.mean(2)
    draw_A, start_I = cell_AI.mean(1), cell_AI.mean(0)
    left_AI = cell_AI - draw_A[:, None] - start_I
    sums = [
        initialisations * times * np.sum(draw_A**2),
        draws * times * np.sum(start_I**2),
        times * np.sum(left_AI**2),
    ]
    freedom = [draws - 1, initialisations - 1, (draws - 1) * (initialisations - 1)]
    if times > 1:
        sums.append(np.sum((centred_AIN - cell_AI[..., None]) ** 2))
        freedom.append(draws * initialisations * (times - 1))
    squares = Squares(np.array(sums), np.array(freedom, float), min(draws, initialisations))
    kinds = np.array([[1.0, 0, -1, 0], [0, 1, -1, 0], [0, 0, 1, times - 1]])[:, : len(sums)]
    draw, start, rest = (
        component(squares._replace(units=units), weights_S / runs, level=level)
        for weights_S, runs, units in zip(
            kinds, (initialisations * times, draws * times, times), (draws, initialisations, y_AIN.size), strict=True
        )
    )
    return Crossed(_mean(mean, squares, y_AIN.size, level), draw, start, rest, squares)


def nested(y_AN: Float[np.ndarray, "A N"], *, level: float) -> Nested:
    """Return the split of y_an = μ + a_a + e_an: N runs within each of A draws, with nothing else in common.

    σ²_draw = (MS_A − MS_e)/N, unbiased, which may be negative; see `mean_squares.component`. The mean has Student's
    interval on the A means of draws, exact for Gaussian effects.

    Error: as `crossed`; sums of squares lose the digits that y/spread has before its point, and no more.
    Source: Searle, Casella and McCulloch, Variance Components (1992), chapter 3.

    >>> found = nested(np.array([[1.0, 3.0], [5.0, 7.0]]), level=0.95)
    >>> found.draw.value, found.within.value, found.mean.value
    (7.0, 2.0, 4.0)
    """
    y_AN = numbers(y_AN, "the runs", axes=2)
    draws, times = y_AN.shape
    _check(draws=draws, runs=times)
    _check_copies(draws=y_AN, runs=y_AN.T)
    centred_AN, mean = _centred(y_AN)
    draw_A = centred_AN.mean(1)
    sums = np.array([times * np.sum(draw_A**2), np.sum((centred_AN - draw_A[:, None]) ** 2)])
    squares = Squares(sums, np.array([draws - 1.0, draws * (times - 1.0)]), draws)
    draw = component(squares, np.array([1.0, -1.0]) / times, level=level)
    within = component(squares._replace(units=draws * times), np.array([0.0, 1.0]), level=level)
    return Nested(_student(mean, squares.mean_S[0] / y_AN.size, draws - 1.0, draws, level), draw, within, squares)


def _check(**counts: int) -> None:
    """Refuse fewer than two levels of a factor."""
    for name, count in counts.items():
        if count < LEVELS:
            raise NoInformation(f"{count} {name} have no spread; {LEVELS} or more are needed, so train others.")


def _check_copies(**levels: np.ndarray) -> None:
    """Refuse levels of a factor that agree to the last bit, as copies of one do, whose noise is unknown."""
    for name, y in levels.items():
        if (y == y[:1]).all():
            raise NoInformation(f"all {name} agree to the last bit, as copies of one do; give runs of their own.")


def _centred(y: np.ndarray) -> tuple[np.ndarray, float]:
    """Return values about their mean, and the mean; the first value is taken off before, which near it is exact."""
    away = y - y.flat[0]
    return away - away.mean(), float(y.flat[0] + away.mean())


def _mean(mean: float, squares: Squares, runs: int, level: float) -> Estimate:
    """Return the mean of a crossed design; its variance is no less than what either factor alone would give."""
    draw, start, left = squares.mean_S[:3]
    unit = max(draw + start, left)
    variance = max(draw + start - left, draw, start)
    parts = (draw / unit) ** 2 / squares.freedom_S[0] + (start / unit) ** 2 / squares.freedom_S[1]
    freedom = ((draw + start) / unit) ** 2 / parts if parts > 0 else 1.0
    return _student(mean, variance / runs, float(freedom), squares.units, level)


def _student(mean: float, variance: float, freedom: float, units: int, level: float) -> Estimate:
    if not variance > 0:
        raise NoInformation("the means of all draws agree to the last bit, so nothing tells the noise of the mean.")
    half = critical(level, freedom) * float(np.sqrt(variance))
    return Estimate(
        value=mean, low=mean - half, high=mean + half, level=level, n=units, method="random effects, Student t"
    )
