"""When the loss on fresh data falls in training: from the uniform law to the in-context unigram, and on to Bayes.

All numbers are of the largest size at the longest horizon, and in decades of optimisation steps: the share of log₁₀
step that K spends between two levels, straight in log step from one checkpoint to the next. What never falls, or had
fallen by the first checkpoint, has no time; a sentence says so of every seed, as what is left out would be the slowest.
"""

from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from jaxtyping import Float

from testbed.predictors import AnyPredictor, Counting
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.moments import contrast, moments
from testbed.studies.grid.analysis import Analysis, block

TOLERANCE = 0.25
"""K is on the plateau within this share of the level of the in-context unigram; bands of equal height lie about it."""


class Levels(NamedTuple):
    """K on the reported windows of the law that knows nothing, and of the predictor that counts single tokens."""

    uniform: float
    unigram: float


def first_fall(analysis: Analysis, level: float) -> Estimate | str:
    """Return log₁₀ of the step at which K is half-way from the uniform law to the in-context unigram.

    Error: Student over seeds, the windows count as given; straight lines between checkpoints are good to their spacing.
    """
    found = levels(analysis)
    return _over_seeds(analysis, level, _fallen(analysis, (found.uniform + found.unigram) / 2))


def second_fall(analysis: Analysis, level: float) -> Estimate | str:
    """Return log₁₀ of the step at which K is half-way from the in-context unigram to the Bayes predictive.

    Error: as `first_fall`.
    """
    return _over_seeds(analysis, level, _fallen(analysis, levels(analysis).unigram / 2))


def falls_apart(analysis: Analysis, level: float) -> Estimate | str:
    """Return the decades of steps between both falls, seed by seed.

    Error: as `first_fall`. Falls lie apart wherever K falls slowly, so that it is no plateau that this shows.
    """
    found = levels(analysis)
    first_R = _fallen(analysis, (found.uniform + found.unigram) / 2)
    return _over_seeds(analysis, level, _fallen(analysis, found.unigram / 2) - first_R)


def plateau_length(analysis: Analysis, level: float) -> Estimate | str:
    """Return the decades of steps that K spends within `TOLERANCE` of the in-context unigram.

    Error: as `first_fall`. Whatever falls through the level spends some time there; see `plateau_pause`.
    """
    _fallen(analysis, levels(analysis).unigram / 2)
    return _over_seeds(analysis, level, _bands(analysis)[1])


def plateau_pause(analysis: Analysis, level: float) -> Estimate | str:
    """Return by how many decades K stays longer at the in-context unigram than in the slower of its neighbourhoods.

    These are the bands of equal height just above and just below, which every seed must pass. A loss that falls once,
    ever faster and then ever more slowly, has no such pause: above 0 there are two falls.

    Error: as `first_fall`; it errs to no pause, as the slower of two noisy bands is told as too slow, and as straight
    lines between checkpoints cut sharp corners, by up to about their spacing, where the interval covers too little.
    """
    _fallen(analysis, levels(analysis).unigram * (1 - 3 * TOLERANCE))
    above_R, at_R, below_R = _bands(analysis)
    return _over_seeds(analysis, level, at_R - np.maximum(above_R, below_R))


def end_over_plateau(analysis: Analysis, level: float) -> Estimate | str:
    """Return K at the end of training over K of the in-context unigram on the same windows; Bayes has 0.

    Error: over seeds and windows, by the delta method: both K are means over the same windows.
    """
    unigram, group = levels(analysis).unigram, _longest(analysis)
    unigram_B = _counted(analysis)
    end_RB = np.stack([np.asarray(kl_CB, np.float64)[-1, analysis.read] for kl_CB in group["kl_CB"]])
    ratio = float(end_RB.mean()) / unigram
    own = group.assign(number_B=list(ratio + (end_RB - ratio * unigram_B) / unigram))
    return contrast(moments([block(own, column="number_B")]), np.ones(1), level=level)


def levels(analysis: Analysis) -> Levels:
    """Return the levels of the uniform law and of the first reference that counts single tokens, in nats per token.

    Error: NoInformation where no such predictor is among the references, or where it lies not between 0 and uniform.
    """
    unigram_B = _counted(analysis)
    bayes_B = analysis.bayes_nll_B if analysis.bayes_entropy_B is None else analysis.bayes_entropy_B
    uniform = float(np.log(max(analysis.alphabet, 1)) - bayes_B[analysis.read].mean())
    found = Levels(uniform, float(unigram_B.mean()))
    if not 0 < found.unigram * (1 + 3 * TOLERANCE) < found.uniform:
        known = f"K of counting, {found.unigram:.3g} nats, is not well between 0 and that of the uniform law"
        raise NoInformation(f"{known}, {found.uniform:.3g}, so that there is no plateau; take another world.")
    return found


def counts_tokens(predictor: AnyPredictor) -> bool:
    """Return whether a predictor counts single tokens, which is the in-context unigram.

    >>> counts_tokens(Counting(order=0)), counts_tokens(Counting(order=1))
    (True, False)
    """
    return isinstance(predictor, Counting) and predictor.order == 0


def spent(log_C: Float[np.ndarray, " C"], k_RC: Float[np.ndarray, "R C"], low: float, high: float) -> np.ndarray:
    """Return how much of ``log_C`` each row spends with low < K ≤ high, straight lines between the checkpoints.

    >>> spent(np.array([0.0, 1.0, 2.0]), np.array([[4.0, 2.0, 0.0]]), 1.0, 3.0).tolist()
    [1.0]
    """
    start_RC, stop_RC = k_RC[:, :-1], k_RC[:, 1:]
    height_RC = np.abs(stop_RC - start_RC)
    inside_RC = np.abs(np.clip(stop_RC, low, high) - np.clip(start_RC, low, high))
    still_RC = ((low < start_RC) & (start_RC <= high)).astype(float)
    share_RC = np.divide(inside_RC, height_RC, out=still_RC, where=height_RC > 0)
    return np.asarray(share_RC @ np.diff(log_C))


def _counted(analysis: Analysis) -> np.ndarray:
    """Return K on each reported window of the first reference that counts single tokens."""
    for row in analysis.references.itertuples():
        if counts_tokens(msgspec.json.decode(row.spec, type=AnyPredictor)):
            return np.asarray(row.kl_B, np.float64)
    raise NoInformation("no reference counts single tokens, so no plateau is known; add Counting(order=0).")


def _longest(analysis: Analysis) -> pd.DataFrame:
    """Return the cells on fresh data of the largest size at the longest horizon."""
    if not analysis.horizons:
        raise NoInformation("no online cell finished, so nothing is known of its training.")
    size = max(analysis.horizons)
    return analysis.online(size, analysis.horizons[size][-1])


def _curves(analysis: Analysis) -> tuple[np.ndarray, np.ndarray]:
    """Return log₁₀ step of the checkpoints, and K at each of every seed."""
    group = _longest(analysis)
    k_RC = np.stack([np.asarray(kl_CB, np.float64)[:, analysis.read].mean(1) for kl_CB in group["kl_CB"]])
    step_C = np.asarray(group["step_C"].iloc[0], np.float64)
    trained_C = step_C > 0
    return np.log10(step_C[trained_C]), k_RC[:, trained_C]


def _fallen(analysis: Analysis, below: float) -> np.ndarray:
    """Return log₁₀ of the step at which each seed falls below a level: all the decades that it spends above it."""
    log_C, k_RC = _curves(analysis)
    ends = (("begin", k_RC[:, 0] <= below, "evaluate earlier"), ("do not fall", k_RC[:, -1] > below, "train longer"))
    for what, found_R, remedy in ends:
        if found_R.any():
            known = f"{int(found_R.sum())} of {len(k_RC)} seeds {what} below K = {below:.3g}"
            raise NoInformation(f"{known}, so that not every fall has a time; {remedy}.")
    return log_C[0] + spent(log_C, k_RC, below, np.inf)


def _bands(analysis: Analysis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the decades that each seed spends above, at and below the plateau, in bands of one height."""
    log_C, k_RC = _curves(analysis)
    edges = levels(analysis).unigram * (1 + TOLERANCE * np.array([3.0, 1.0, -1.0, -3.0]))
    above_R, at_R, below_R = (spent(log_C, k_RC, low, high) for high, low in pairwise(edges))
    return above_R, at_R, below_R


def _over_seeds(analysis: Analysis, level: float, value_R: np.ndarray) -> Estimate:
    """Return the mean over seeds with Student's interval, crossed where the seeds are."""
    own = _longest(analysis).assign(number_1=[np.array([value]) for value in value_R])
    return contrast(moments([block(own, column="number_1")]), np.ones(1), level=level)
