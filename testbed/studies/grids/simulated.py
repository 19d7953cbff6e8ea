"""Finished grids that never ran: the tables of SNR and of scores, drawn about a law."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from testbed.stats.emergence.threshold import TENTHS
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.simulated import simulated as one_grid
from testbed.studies.grid.surface import Surface
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.studies.grids.asked import Asked
from testbed.studies.grids.places import Place
from testbed.studies.grids.signals import LOG_P
from testbed.theory.token_noise import noise_variance
from testbed.verdict import LEVEL

CHANCE, BAYES = 0.25, 0.85
"""Ends of a simulated score."""


@dataclass(frozen=True)
class Law:
    """What grids are drawn from: the losses of each plane, one law of SNR by either reading, and thresholds.

    ``threshold`` is log θ half-way, ``shift`` how far thresholds lie apart over planes, ``family_shift`` over worlds.
    """

    surfaces: tuple[Surface, ...]
    snr: float
    power: float
    noise_power: float
    rise: float
    scatter: float
    windows: float
    threshold: float
    width: float
    sharp_width: float
    score_noise: float
    shift: float = 0.0
    family_shift: float = 0.0

    def log_snr(self, study: Asked, place: Place) -> np.ndarray:
        """Return log SNR of each size (rows) and stored D (columns) of a plane."""
        variance, first = (_variance(each) for each in (place, study.places[0]))
        drop = self.noise_power * np.log(variance / first) if variance and first else 0.0
        tokens_D = np.array(study.grid.tokens, dtype=float)
        rises_P = self.rise * np.arange(len(study.models))
        along_D = self.power * np.log(tokens_D / tokens_D[0])
        return np.asarray(np.log(self.snr) + along_D + rises_P[:, None] - drop)


def losses(study: Asked, law: Law, rng: np.random.Generator) -> tuple[Analysis, ...]:
    """Return the planes of one run, as judging would find them, as far as losses go."""
    planes = zip(study.planes, law.surfaces, strict=True)
    return tuple(one_grid(plane.study, surface, rng) for plane, surface in planes)


def simulated(study: Asked, law: Law, rng: np.random.Generator, planes: tuple[Analysis, ...]) -> GridsAnalysis:
    """Return one run whose losses are those of ``planes``, if SNR and scores were by this law.

    Log SNR of a run has the scatter of its replicate and the error of its plane's windows; a score follows the run's
    own SNR, without that error, and has noise of its own. Nothing diverges, and no check fails.
    """
    return GridsAnalysis(study, tuple(_plane(study, law, number, own, rng) for number, own in enumerate(planes)))


def _plane(study: Asked, law: Law, number: int, own: Analysis, rng: np.random.Generator) -> Analysis:
    """Return the analysis of a plane with the tables of its measures."""
    place = study.places[number]
    expected_PD, runs = law.log_snr(study, place), study.grid.runs
    shape = (*expected_PD.shape, len(runs))
    true_PDR = expected_PD[..., None] + law.scatter * _effects(runs, shape, rng)
    seen_PDR = true_PDR + law.windows * rng.standard_normal()
    measured: dict[str, pd.DataFrame] = {
        "contexts_signal": _rows(own, study, "log_snr", seen_PDR, law),
        "trainings_signal": _trainings(own, study, expected_PD, law, rng),
        "capability": _scores(own, study, number, true_PDR, law, rng),
    }
    return dataclasses.replace(own, measured=measured)


def _effects(runs: tuple[tuple[int, int], ...], shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return what each run adds, of variance 1: of its own, or where runs are crossed half by draw, half by start."""
    if all(draw == first for draw, first in runs):
        return rng.standard_normal(shape)
    parts = []
    for side in zip(*runs, strict=True):
        labels, at_R = np.unique(side, return_inverse=True)
        parts.append(rng.standard_normal((*shape[:-1], len(labels)))[..., at_R])
    return np.asarray((parts[0] + parts[1]) / np.sqrt(2))


def _about(own: Analysis, study: Asked) -> list[dict[str, Any]]:
    """Return the columns of each run on stored tokens, sizes first, then D, then replicates."""
    sizes = sorted(own.horizons)
    return [
        {"parameters": size, "role": "stored", "tokens": tokens, "draw": draw, "initialisation": initialisation}
        for size in sizes
        for tokens in study.grid.tokens
        for draw, initialisation in study.grid.runs
    ]


def _rows(own: Analysis, study: Asked, name: str, seen_PDR: np.ndarray, law: Law) -> pd.DataFrame:
    snr_N = np.exp(seen_PDR.reshape(-1))
    frame = pd.DataFrame(_about(own, study))
    return frame.assign(
        part=LOG_P, snr=snr_N, low=snr_N, high=snr_N, level=LEVEL, log_error=law.windows, naive=snr_N, sentence=""
    )


def _trainings(
    own: Analysis, study: Asked, expected_PD: np.ndarray, law: Law, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one SNR a group, as noisy as the mean of its replicates, whose error is told by so many."""
    count, firsts = study.grid.run_count, study.grid.initialisations
    levels = min(study.grid.replicates, firsts or study.grid.replicates)
    error = law.scatter / np.sqrt(levels if firsts else count)
    seen_N = (expected_PD + error * rng.standard_normal(expected_PD.shape)).reshape(-1)
    told_N = error * np.sqrt(rng.chisquare(levels - 1, len(seen_N)) / (levels - 1))
    frame = pd.DataFrame(_about(own, study)).drop_duplicates(["parameters", "tokens"], ignore_index=True)
    snr_N = np.exp(seen_N)
    return frame.assign(
        part=LOG_P, replicates=count, levels=levels, snr=snr_N, log_error=told_N, naive=snr_N, sentence=""
    )


def _scores(
    own: Analysis, study: Asked, number: int, true_PDR: np.ndarray, law: Law, rng: np.random.Generator
) -> pd.DataFrame:
    """Return smooth and sharp scores of every capability of the plane's world."""
    place, families = study.places[number], list(dict.fromkeys(each.family for each in study.places))
    moved = law.shift * _share(number, len(study.places)) + law.family_shift * _share(
        families.index(place.family), len(families)
    )
    frames = []
    for name in _capabilities(place):
        frame = pd.DataFrame(_about(own, study)).assign(capability=name, condition="all", questions=1)
        for score, decades in (("smooth", law.width), ("sharp", law.sharp_width)):
            width = max(decades, 1e-3) * np.log(10) / TENTHS
            rise_N = expit((true_PDR.reshape(-1) - law.threshold - moved) / width)
            rise_N = rise_N + law.score_noise * rng.standard_normal(len(rise_N))
            ends = {f"chance_{score}": CHANCE, f"bayes_{score}": BAYES, f"{score}_se": 0.01}
            frame = frame.assign(**{score: CHANCE + (BAYES - CHANCE) * rise_N}, **ends)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _capabilities(place: Place) -> list[str]:
    from testbed.measure.capabilities import of  # late: as in asked

    return list(of(place.world))


def _share(number: int, count: int) -> float:
    """Return where one of several stands between −½ and ½."""
    return number / (count - 1) - 0.5 if count > 1 else 0.0


def _variance(place: Place) -> float:
    return noise_variance(place.sigma, place.world.alphabet)
