"""Capabilities over planes: one point for each run, its SNR across contexts beside what it scores."""

import numpy as np
import pandas as pd

from testbed.stats.identified import NoInformation
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grids.analysis import AXES, GridsAnalysis, together
from testbed.studies.grids.places import IN
from testbed.studies.grids.signals import LOG_P

ALL = "all"
BOUNDED = 0.02
"""Share of the runs whose SNR may be told by its upper end alone."""
RUN = ["parameters", "role", "tokens", "draw", "initialisation"]
SCORES = [
    *(*AXES, *RUN, "capability", "condition", "questions"),
    *("sharp", "sharp_se", "smooth", "smooth_se", "chance_sharp", "chance_smooth", "bayes_sharp", "bayes_smooth"),
    *("snr", "log_snr", "log_snr_se", "bounded", "K", "flops"),
]
SHARP, SMOOTH = "sharp", "smooth"


def table(analysis: GridsAnalysis) -> pd.DataFrame:
    """Return a row for each run, capability and condition: scores, chance, Bayes' own, SNR, K and training FLOPs.

    ``snr`` is that of log p across contexts; NaN where the world hides no pattern or a run tells none. Of a run whose
    SNR is not above zero, log SNR is that of the upper end of its interval, and ``bounded`` says so.
    """
    scores = analysis.measured("capability")
    if not len(scores):
        return pd.DataFrame(columns=SCORES)
    keys, signal = [*AXES, *RUN], analysis.measured("contexts_signal")
    told = ["snr", "high", "log_error"]
    if len(signal):
        scores = scores.merge(signal[signal["part"] == LOG_P][[*keys, *told]], on=keys, how="left")
    else:
        scores = scores.assign(**dict.fromkeys(told, np.nan))
    losses = together(analysis.places, [_losses(own) for own in analysis.planes])
    scores = scores.merge(losses, on=keys, how="left")
    snr_N, high_N = scores["snr"].to_numpy(dtype=float), scores["high"].to_numpy(dtype=float)
    bounded_N = (snr_N <= 0) & (high_N > 0)
    at_N = np.where(bounded_N, high_N, snr_N)
    log_N = np.log(at_N, out=np.full(len(at_N), np.nan), where=at_N > 0)
    error_N = np.where(bounded_N, 0.0, scores["log_error"].to_numpy(dtype=float))
    return scores.assign(log_snr=log_N, log_snr_se=error_N, bounded=bounded_N)[SCORES]


def points(analysis: GridsAnalysis, asked: str) -> pd.DataFrame:
    """Return the runs on stored tokens of one capability, all conditions together, with their SNR.

    ``asked`` is one of `Asked.capabilities`: a capability, or one in a world.

    Error: NoInformation where no run has the capability, a run has no SNR, or a whole group diverged: what is said of
    all runs needs all.
    """
    for plane in analysis.planes:
        plane.check_whole()
    capability, _, world = asked.partition(IN)
    frame = table(analysis)
    frame = frame[frame["world"] == world] if world else frame
    frame = frame[(frame["capability"] == capability) & (frame["condition"] == ALL) & (frame["role"] == "stored")]
    if not len(frame):
        raise NoInformation(f"no run was asked for {asked}; name a capability that a world of the run has.")
    silent = int((frame["log_snr"].isna() | frame["bounded"].astype(bool)).sum())
    if silent > BOUNDED * len(frame) or frame["log_snr"].isna().any():
        raise NoInformation(
            f"{silent} of {len(frame)} runs have no SNR above zero across contexts, so no place on its axis; train on"
            " more data, or evaluate more windows."
        )
    return frame


def _losses(own: Analysis) -> pd.DataFrame:
    """Return K of the kept checkpoint of every run at the longest horizon, and its training FLOPs."""
    frame = own.kept
    longest = frame.groupby("parameters")["horizon"].transform("max")
    frame = frame[(frame["role"] == "stored") | (frame["horizon"] == longest)]
    flops = [
        own.flops_per_token.get(int(row.parameters), np.nan) * row.kept_step * row.batch * row.context
        if {"batch", "context"} <= set(frame.columns)
        else np.nan
        for row in frame.itertuples()
    ]
    return frame[RUN].assign(K=[float(kl_B.mean()) for kl_B in frame["kl_B"]], flops=flops)
