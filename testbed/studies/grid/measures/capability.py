"""Capabilities of trained models, scored sharply and smoothly beside chance and the Bayes predictive."""

from typing import Any

import numpy as np

from testbed.measure.capabilities import Asked, Scores, asked, of
from testbed.measure.contexts import Reference
from testbed.sources import Source
from testbed.studies.grid.measures._measure import Ensemble, Measure

ALL = "all"
"""The condition that is all conditions of a capability together."""


class Capability(Measure):
    """One row a replicate, capability and condition: sharp and smooth score with errors, chance, and Bayes' own."""

    @staticmethod
    def observe(ensemble: Ensemble) -> list[dict[str, Any]]:
        """Return what every replicate scores in each capability that the world has; see ``measure.capabilities``.

        ``sharp`` is the share of questions whose likeliest answer is right, ``smooth`` the probability of the right
        answer; both are ratios of sums over sequences, with standard errors over sequences (jackknife).
        """
        known = ensemble.once(_known)
        if not known:
            return []
        logp_RBLV = np.stack([logp_RLV for _, logp_RLV in ensemble.pairs()], axis=1)
        rows = []
        for (draw, initialisation), logp_BLV in zip(ensemble.seeds, logp_RBLV, strict=True):
            for name, (questions, marks) in known.items():
                about = {"draw": draw, "initialisation": initialisation, "capability": name}
                scored = table(questions, questions.scores(logp_BLV))
                rows += [about | row | marks[row["condition"]] for row in scored]
        return rows


def table(questions: Asked, scores: Scores) -> list[dict[str, Any]]:
    """Return a row for each condition that was met, and one for all of them together."""
    rows = []
    count_BC, sharp_BC, smooth_BC = (np.asarray(each, dtype=np.float64) for each in scores)
    for number, condition in enumerate((*questions.conditions, ALL)):
        here = slice(None) if condition == ALL else slice(number, number + 1)
        count_B = count_BC[:, here].sum(1)
        if count_B.sum() == 0:
            continue
        sharp, sharp_se = _ratio(sharp_BC[:, here].sum(1), count_B)
        smooth, smooth_se = _ratio(smooth_BC[:, here].sum(1), count_B)
        rows.append(
            {"condition": condition, "questions": int(count_B.sum())}
            | {"sharp": sharp, "sharp_se": sharp_se, "smooth": smooth, "smooth_se": smooth_se}
        )
    return rows


def _ratio(sum_B: np.ndarray, count_B: np.ndarray) -> tuple[float, float]:
    """Return Σ sum / Σ count and its standard error over sequences, linearised."""
    value = float(sum_B.sum() / count_B.sum())
    left_B, sequences = sum_B - value * count_B, len(sum_B)
    variance = sequences / max(sequences - 1, 1) * float(np.sum(left_B**2)) / float(count_B.sum()) ** 2
    return value, float(np.sqrt(variance))


def _known(world: Source, windows: Reference) -> dict[str, tuple[Asked, dict[str, dict[str, float]]]]:
    """Return the questions of every capability of a world, and chance and Bayes scores by condition."""
    found = {}
    if windows.latents is None:
        return {}
    for name in of(world):
        questions = asked(name, world, windows)
        marks: dict[str, dict[str, float]] = {}
        for who, scores in (("chance", questions.chance()), ("bayes", questions.scores(windows.logp_BLV))):
            for row in table(questions, scores):
                both = {f"{who}_sharp": row["sharp"], f"{who}_smooth": row["smooth"]}
                marks[row["condition"]] = marks.get(row["condition"], {}) | both
        found[name] = questions, marks
    return found
