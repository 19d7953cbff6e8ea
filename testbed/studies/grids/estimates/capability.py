"""What claims on T4 are about: at which SNR a capability appears, how abruptly, and whether SNR tells it at all."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from testbed.stats.combine import each_level
from testbed.stats.emergence.collapse import collapse
from testbed.stats.emergence.rises import Rises, rises
from testbed.stats.emergence.threshold import Threshold, threshold
from testbed.stats.emergence.universal import between, decades
from testbed.stats.estimate import Estimate
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.studies.grids.capabilities import SHARP, SMOOTH, points

Number = Callable[[GridsAnalysis, str, float], Estimate]


def risen(frame: pd.DataFrame, score: str) -> Rises:
    """Return runs as rises from chance to what the Bayes predictor scores, against log SNR; seeds share no noise."""
    column = {
        name: frame[name].to_numpy(dtype=float) for name in frame if name.startswith((score, "chance", "bayes", "log"))
    }
    return rises(
        column["log_snr"],
        column[score],
        (column[f"chance_{score}"], column[f"bayes_{score}"]),
        (column["log_snr_se"], column[f"{score}_se"]),
    )


def of_capability(analysis: GridsAnalysis, capability: str, score: str, level: float) -> Threshold:
    """Return threshold and width of one capability over all its runs."""
    return threshold(risen(points(analysis, capability), score), level=level)


def threshold_place(analysis: GridsAnalysis, capability: str, level: float) -> Estimate:
    """Return log10 θ of a capability: the SNR across contexts at which its smooth score is half-way to Bayes' own."""
    return decades(of_capability(analysis, capability, SMOOTH, level).place)


def threshold_width(analysis: GridsAnalysis, capability: str, level: float) -> Estimate:
    """Return the decades of SNR between a tenth and nine tenths of the rise of the smooth score; a jump has none."""
    return of_capability(analysis, capability, SMOOTH, level).width_decades


def threshold_width_sharp(analysis: GridsAnalysis, capability: str, level: float) -> Estimate:
    """Return the decades between a tenth and nine tenths of the rise of the sharp score, which exact match narrows."""
    return of_capability(analysis, capability, SHARP, level).width_decades


def threshold_shift(analysis: GridsAnalysis, capability: str, level: float) -> Estimate:
    """Return how far thresholds of a capability lie apart over the noises of its world, in decades of SNR.

    Error: conservative, as all thresholds hold at once (Bonferroni).
    """
    frame = points(analysis, capability)
    return _apart([own for _, own in frame.groupby(["world", "sigma", "context"])], level)


def collapse_on_loss(analysis: GridsAnalysis, capability: str, level: float) -> Estimate:
    """Return the error of SNR over that of K in foretelling the smooth rise, out of sample by size and noise.

    Below 1 SNR tells more than the loss does.
    """
    return _collapse(analysis, capability, ("K",), level)


def collapse_on_grid(analysis: GridsAnalysis, capability: str, level: float) -> Estimate:
    """Return the error of SNR over that of (P, D) in foretelling the smooth rise, out of sample by size and noise.

    Below 1 SNR tells more than size and data do.
    """
    return _collapse(analysis, capability, ("parameters", "tokens"), level)


def threshold_between(analysis: GridsAnalysis, level: float) -> Estimate:
    """Return how far thresholds of capabilities and worlds lie apart, in decades of SNR; 0 if one is universal.

    Each is over all noises of its world.

    Error: as `threshold_shift`.
    """
    return _apart([points(analysis, each) for each in analysis.study.single_capabilities], level)


def _apart(groups: list[pd.DataFrame], level: float) -> Estimate:
    each = each_level(level, max(len(groups), 1))
    return decades(between([threshold(risen(own, SMOOTH), level=each).place for own in groups], level=level))


def _collapse(analysis: GridsAnalysis, capability: str, rivals: tuple[str, ...], level: float) -> Estimate:
    frame = points(analysis, capability)
    groups = [f"{row.sigma:g} {row.parameters:g}" for row in frame.itertuples()]
    rival_NK = np.log(np.column_stack([frame[name].to_numpy(dtype=float) for name in rivals]))
    return collapse(risen(frame, SMOOTH).rise_N, frame["log_snr"].to_numpy(dtype=float), rival_NK, groups, level=level)


OF_CAPABILITY: dict[str, Number] = {
    each.__name__: each
    for each in (
        threshold_place,
        threshold_width,
        threshold_width_sharp,
        threshold_shift,
        collapse_on_loss,
        collapse_on_grid,
    )
}
