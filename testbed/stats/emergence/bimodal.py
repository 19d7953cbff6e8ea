"""Whether seeds part into two camps, those that have a capability and those that do not: Hartigan's dip."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation, numbers, scaled, short

FEWEST, MOST = 8, 64
"""Seeds below which no test has power, and above which the table of the null takes too long."""

DRAWS = 4000


class Bimodal(NamedTuple):
    """The dip of the scores, the share of uniform samples with no lesser one, and the number of seeds."""

    dip: float
    p_value: float
    seeds: int


def bimodal(score_S: Float[np.ndarray, "S"], *, seed: int = 0) -> Bimodal:
    """Return the dip of scores over seeds of one cell, and its p-value against one mode.

    The dip is the least distance between the empirical law and one that is convex up to a mode and concave beyond,
    within 0 to ¼; the null is that of uniform samples of as many, the single-moded law whose dip is largest. A score
    that is smooth in the noise of a seed is unimodal over seeds wherever it lies on its curve; one that jumps at a
    threshold that varies from seed to seed has two camps.

    Error: rejects at 5 % in 5 % of uniform samples, 1–2 % of Gaussian and skewed ones, 5–6 % where the density is
    infinite at an end. Power for two camps as large, 6 of their deviations apart: 24, 54, 88 % with 8, 16, 32 seeds,
    and 10 deviations apart 50, 87, 100 %; camps of one and three quarters are seldom found, nor are two that are 4
    deviations apart. A p-value above its level is no proof of one mode. Two Gaussians against one, by likelihood,
    mistake a skewed score near its ceiling for two camps. NoInformation with fewer than 8 seeds, or where all
    score alike.
    Source: Hartigan and Hartigan, The dip test of unimodality (Annals of Statistics 13, 1985); an atom at the mode is
    allowed here.

    >>> found = bimodal(np.array([0.1, 0.11, 0.12, 0.13, 0.14, 0.9, 0.91, 0.92, 0.93, 0.94]))
    >>> round(found.dip, 3), found.p_value < 0.01
    (0.237, True)
    """
    score_S = scaled(numbers(score_S, "scores"))
    seeds = len(score_S)
    if not FEWEST <= seeds <= MOST:
        raise NoInformation(f"{seeds} seeds were given; two camps are told with {FEWEST} to {MOST} of them.")
    if not np.ptp(score_S) > 0:
        raise NoInformation(f"all scores are alike, {short(score_S)}; so no seed changes anything.")
    found = float(dips(score_S[None])[0])
    null_R = _null(seeds, seed)
    return Bimodal(found, float((1 + np.sum(null_R >= found - 1e-12)) / (1 + len(null_R))), seeds)


def dips(score_RS: Float[np.ndarray, "R S"]) -> Float[np.ndarray, "R"]:
    """Return the dip of each row: the least, over modes, of half the larger gap on either side.

    On the left the gap is that between the steps' tops and the largest convex curve below their feet; on the right the
    same, turned round.

    >>> dips(np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 1.0, 1.0]])).tolist()
    [0.125, 0.25]
    """
    score_RS = np.sort(numbers(score_RS, "scores", axes=2), axis=1)
    if score_RS.shape[1] < 2:
        raise NoInformation("one score has no shape; give 2 or more.")
    worse_RS = np.maximum(_gaps(score_RS), _gaps(-score_RS[:, ::-1])[:, ::-1])
    return np.asarray(worse_RS.min(axis=1) / 2)


def _gaps(x_RS: np.ndarray) -> np.ndarray:
    """Return, for each place as the mode, the gap to the left of it.

    A point more bends the convex curve down to the chords that end in it: of those that begin left of a place, the
    steepest is lowest there.
    """
    rows, count = x_RS.shape
    foot_S = np.arange(count) / count
    curve_RS = np.tile(foot_S, (rows, 1))
    gap_RS = np.full((rows, count), 1 / count)
    for last in range(1, count):
        run_RS = x_RS[:, last, None] - x_RS[:, :last]
        rise_S = foot_S[last] - foot_S[:last]
        slope_RS = np.divide(rise_S, run_RS, out=np.full_like(run_RS, np.inf), where=run_RS > 0)
        steepest_RS = np.maximum.accumulate(slope_RS, axis=1)
        fall_RS = np.multiply(steepest_RS, run_RS, out=np.zeros_like(run_RS), where=run_RS > 0)
        curve_RS[:, :last] = np.minimum(curve_RS[:, :last], foot_S[last] - fall_RS)
        gap_RS[:, last] = (foot_S[: last + 1] + 1 / count - curve_RS[:, : last + 1]).max(axis=1)
    return gap_RS


@functools.cache
def _null(seeds: int, seed: int) -> np.ndarray:
    """Return dips of uniform samples."""
    return dips(np.random.default_rng(seed).uniform(size=(DRAWS, seeds)))
