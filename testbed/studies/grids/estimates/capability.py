"""What claims on T4 are about: at which SNR a capability appears, how abruptly, and whether SNR tells it at all."""

from collections.abc import Callable

import msgspec
import numpy as np
import pandas as pd

from testbed.stats.combine import each_level
from testbed.stats.emergence.collapse import collapse
from testbed.stats.emergence.rises import Rises, rises
from testbed.stats.emergence.threshold import Threshold, threshold
from testbed.stats.emergence.universal import between, decades
from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import NoInformation
from testbed.studies.grids.analysis import AXES, GridsAnalysis
from testbed.studies.grids.capabilities import SHARP, SMOOTH, points

Number = Callable[[GridsAnalysis, str, float], Estimate]


HIGHEST, RISEN = 1 / 6, 0.8
"""Share of the runs, of highest SNR, that must have risen so far on average, or half-way is no place."""


def risen(frame: pd.DataFrame, score: str, *, blurred: bool = False) -> Rises:
    """Return runs as rises from chance to what the Bayes predictor scores, against log SNR; seeds share no noise.

    What windows add to log SNR is the same for most runs of a plane, so that it blurs no curve, unless ``blurred``.
    """
    names = ("log_snr", "log_snr_se", score, f"{score}_se", f"chance_{score}", f"bayes_{score}")
    column = {name: frame[name].to_numpy(dtype=float) for name in names}
    ends = column[f"chance_{score}"], column[f"bayes_{score}"]
    errors = column["log_snr_se"] if blurred else 0.0, column[f"{score}_se"]
    return rises(column["log_snr"], column[score], ends, errors)


def appears(frame: pd.DataFrame, score: str, level: float) -> Threshold:
    """Return threshold and width of some runs, as what windows add to log SNR leaves them.

    The place gains the error of its windows, once for each plane; the width holds with the blur of windows taken off,
    and without.

    Error: NoInformation where the runs of highest SNR stay far below Bayes, as a curve that levels off there has
    neither half-way nor nine tenths where it seems to.
    """
    found = risen(frame, score)
    last = np.argsort(found.x_N)[-max(int(len(found.x_N) * HIGHEST), 1) :]
    reached = float(found.rise_N[last].mean())
    if reached < RISEN:
        raise NoInformation(
            f"the runs of highest SNR have risen by {reached:.3f} of the way from chance to Bayes; below {RISEN:g} it"
            " is not told where half-way and nine tenths are, so train longer or on more data."
        )
    plain, blurred = threshold(found, level=level), threshold(risen(frame, score, blurred=True), level=level)
    planes = len(frame.groupby(list(AXES)))
    windows = float(np.sqrt(np.mean(frame["log_snr_se"].to_numpy(dtype=float) ** 2) / planes))
    return plain._replace(
        place=_widened(plain.place, critical(level, plain.freedom) * windows),
        width_decades=_both(plain.width_decades, blurred.width_decades),
        error=float(np.hypot(plain.error, windows)),
    )


def of_capability(analysis: GridsAnalysis, capability: str, score: str, level: float) -> Threshold:
    """Return threshold and width of one capability over all its runs."""
    return appears(points(analysis, capability), score, level)


def _widened(found: Estimate, half: float) -> Estimate:
    """Return an estimate whose interval also counts an independent error."""
    below, above = np.hypot([found.value - found.low, found.high - found.value], half)
    return msgspec.structs.replace(
        found, low=found.value - float(below), high=found.value + float(above), method=f"{found.method}, and windows"
    )


def _both(found: Estimate, other: Estimate) -> Estimate:
    """Return an estimate whose interval also holds that of another."""
    return msgspec.structs.replace(found, low=min(found.low, other.low), high=max(found.high, other.high))


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
    """Return how far thresholds of a capability lie apart over the planes of its worlds, in decades of SNR.

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
    return decades(between([appears(own, SMOOTH, each).place for own in groups], level=level))


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
