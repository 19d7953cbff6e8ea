"""Forecasts of runs that were held out, under what is assumed of E, and how they fare beside the truth."""

from typing import NamedTuple

import numpy as np

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.scaling.resamples import Resampled
from testbed.stats.scaling.table import Losses, averaged
from testbed.studies.scaling.analysis import FORM, Pinned, ScalingAnalysis, held_out, pinned
from testbed.studies.scaling.asked import TRUTH


class Forecast(NamedTuple):
    """The error of a forecast in nats, root mean square over the cells held out, and that of each resample."""

    error: float
    error_R: np.ndarray
    resampled: Resampled


def forecast(analysis: ScalingAnalysis, name: str) -> Forecast:
    """Return how wrong a law, fitted with E as it is assumed to all but what is held out, is about the rest.

    The error is fitted less seen loss, a cell's seeds averaged. Resamples draw whole cells of those fitted and seeds of
    those held out; they are the same draws whatever is assumed, so that two assumptions can be compared.

    Error: NoInformation where the cells that are left cannot tell the law. The seen loss has noise of its own, which
    sets the least error that any forecast has.
    """
    study, table = analysis.study, analysis.table
    held_N = held_out(study, table)
    if held_N.all():
        raise NoInformation(f"all runs have one {study.held}, so nothing is left to fit once it is held out; add runs.")
    kept = pinned(study, analysis.world, table.rows(~held_N), name)
    held = table.rows(held_N)
    error = _error(_foretold(kept, kept.fitted.coordinate_Q, held), averaged(held.loss_N, held.cell_N))
    seen_RC = _drawn(held, study.seed, study.resamples)
    error_R = _error(_foretold(kept, kept.resampled.coordinate_RQ, held), seen_RC)
    return Forecast(float(error), np.asarray(error_R), kept.resampled)


def cost(analysis: ScalingAnalysis, name: str, level: float) -> Estimate:
    """Return log of the forecast's error as it is assumed over that with E pinned to the truth; log 2 doubles it.

    Error: errors near zero, of a truth that happens to meet the mean of few cells, make it large; the interval, over
    resamples of cells and seeds, is then wide. Below 0 the wrong assumption forecasts better.
    """
    true, other = forecast(analysis, TRUTH), forecast(analysis, name)
    if min(true.error, other.error, float(true.error_R.min()), float(other.error_R.min())) <= 0:
        raise NoInformation("a forecast meets what was held out exactly, so that errors have no ratio; add seeds.")
    value = float(np.log(other.error / true.error))
    return told_of(value, np.log(other.error_R / true.error_R), (true.resampled, other.resampled), level)


def told_of(value: float, value_R: np.ndarray, two: tuple[Resampled, Resampled], level: float) -> Estimate:
    """Return the estimate of a number that rests on two fits to the same resamples, by the worse degrees of freedom."""
    worse = min(two, key=lambda each: float(each.freedom_Q.min()))
    low, high = worse.ends(value_R[:, None], level)[:, 0].tolist()
    return Estimate(
        value=value, low=min(low, value), high=max(high, value), level=level, n=worse.units, method=worse.told
    )


def _foretold(kept: Pinned, coordinate_RQ: np.ndarray, held: Losses) -> np.ndarray:
    first_C = held.first_C
    return FORM.loss(coordinate_RQ, held.params_N[first_C], held.tokens_N[first_C])


def _error(foretold_RC: np.ndarray, seen_RC: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.mean((foretold_RC - seen_RC) ** 2, axis=-1)))


def _drawn(held: Losses, seed: int, resamples: int) -> np.ndarray:
    """Return means of each cell over seeds drawn with replacement."""
    rng = np.random.default_rng([seed, 1])
    seeds = [held.loss_N[held.cell_N == cell] for cell in range(len(held.first_C))]
    return np.stack([rng.choice(own_S, (resamples, len(own_S))).mean(1) for own_S in seeds], axis=1)
