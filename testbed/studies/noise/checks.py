"""Checks of a study of noise: what must hold before any claim may be judged."""

import numpy as np
import pandas as pd

from testbed.studies.noise.analysis import NoiseAnalysis
from testbed.verdict import DIVERGED, Check, near

ERRORS, TAME = 6.0, 20.0
"""Standard errors by which two ways to the same spread may differ, at any of all the points; and for which shapes."""


def checks(analysis: NoiseAnalysis) -> tuple[Check, ...]:
    """Return the checks of a study.

    Error: the statistical one raises a false alarm in one study of some 10⁵.
    """
    return complete(analysis), converged(analysis), finite(analysis), spreads_agree(analysis)


def complete(analysis: NoiseAnalysis) -> Check:
    """Check that every point that was asked for has been observed, or had no model as its training diverged."""
    seen = len(analysis.levels[["arm", "length", "draw"]].drop_duplicates())
    lost = f", and {analysis.lost} lost to training that diverged" if analysis.lost else ""
    sentence = f"{seen} of {analysis.expected} points were observed{lost}."
    return Check(name="complete", passed=seen + analysis.lost == analysis.expected, sentence=sentence)


def converged(analysis: NoiseAnalysis) -> Check:
    """Check that all models that were to be trained have been, and that at most one in ten diverged."""
    if not analysis.planned:
        return Check(name="trained", passed=True, sentence="No model was to be trained.")
    diverged = int((analysis.trained["status"] != "finished").sum())
    passed = len(analysis.trained) == analysis.planned and diverged <= DIVERGED * analysis.planned
    sentence = f"{len(analysis.trained)} of {analysis.planned} models were trained, of which {diverged} diverged."
    return Check(name="trained", passed=passed, sentence=sentence, edge=near(diverged, DIVERGED * analysis.planned))


def finite(analysis: NoiseAnalysis) -> Check:
    """Tell, without failing, where T is not finite or zero, so that it has no logarithm."""
    value_N = analysis.levels["variance"].to_numpy(float)
    odd = sorted(set(analysis.levels["arm"][~(np.isfinite(value_N) & (value_N > 0))]))
    sentence = f"T vanishes or is not finite at some points of {', '.join(odd)}." if odd else "Every T is positive."
    return Check(name="finite", passed=True, sentence=sentence, edge="noted" if odd else "")


def spreads_agree(analysis: NoiseAnalysis) -> Check:
    """Check that the kept projections have the variance that the sums over all sequences give along their directions.

    Given nothing, both are of the same sequences or of a part of them, by separate ways from the device to the table.
    Projections without a fourth moment, or of an excess kurtosis above 20, have no error to speak of: they are passed
    over.
    """
    shapes, tame = analysis.shapes, analysis.arms.loc[analysis.arms["fourth_moments"], "arm"]
    rows = shapes[shapes["arm"].isin(tame) & (shapes["given"] == "nothing") & (shapes["kurtosis"] < TAME)]
    off = _departure(rows)
    worst = float(off.max()) if len(off) else 0.0
    sentence = f"Projections and sums differ by at most {worst:.2g} standard errors ({ERRORS:g} may pass)."
    return Check(name="spreads agree", passed=worst <= ERRORS, sentence=sentence, edge=near(worst, ERRORS))


def _departure(rows: pd.DataFrame) -> "pd.Series":
    """Return |projected − summed| in standard errors; rounding is a share of the largest spread at the place."""
    place = [rows[name] for name in ("arm", "draw", "length", "layer", "part")]
    rounding = 1e-5 * rows["summed"].groupby(place).transform("max")
    error = rows["projected"] * np.sqrt((rows["kurtosis"].clip(lower=-1.5) + 2) / rows["count"]) + rounding
    off = (rows["projected"] - rows["summed"]).abs()
    return off.where(off == 0, off / error).fillna(np.inf)  # what cannot be compared does not agree
