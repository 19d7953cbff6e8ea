"""Capabilities over planes: one point for each run, its SNR across contexts beside what it scores."""

from typing import Any

import numpy as np
import pandas as pd

from testbed.stats.identified import NoInformation
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grids.analysis import AXES, GridsAnalysis, together
from testbed.studies.grids.signals import LOG_P

ALL = "all"
RUN = ["parameters", "role", "tokens", "draw", "initialisation"]
SCORES = [
    *(*AXES, *RUN, "capability", "condition", "questions"),
    *("sharp", "sharp_se", "smooth", "smooth_se", "chance_sharp", "chance_smooth", "bayes_sharp", "bayes_smooth"),
    *("snr", "log_snr", "log_snr_se", "K", "flops"),
]
SHARP, SMOOTH = "sharp", "smooth"


def table(analysis: GridsAnalysis) -> pd.DataFrame:
    """Return a row for each run, capability and condition: scores, chance, Bayes' own, SNR, K and training FLOPs.

    ``snr`` is that of log p across contexts; NaN where the world hides no pattern or a run tells none.
    """
    scores = analysis.measured("capability")
    if not len(scores):
        return pd.DataFrame(columns=SCORES)
    keys = [*AXES, *RUN]
    signal = analysis.measured("contexts_signal")
    if len(signal):
        own = signal[signal["part"] == LOG_P].rename(columns={"log_error": "log_snr_se"})
        scores = scores.merge(own[[*keys, "snr", "log_snr_se"]], on=keys, how="left")
    else:
        scores = scores.assign(snr=np.nan, log_snr_se=np.nan)
    losses = together(analysis.places, [_losses(own) for own in analysis.planes])
    scores = scores.merge(losses, on=keys, how="left")
    snr = scores["snr"].to_numpy(dtype=float)
    log_snr = np.log(snr, out=np.full(len(snr), np.nan), where=snr > 0)
    return scores.assign(log_snr=log_snr)[SCORES]


def points(analysis: GridsAnalysis, capability: str, *, among: dict[str, Any] | None = None) -> pd.DataFrame:
    """Return the runs on stored tokens of one capability, all conditions together, which have an SNR.

    Error: NoInformation where no run has the capability, a run has no SNR, or a whole group diverged: what is said of
    all runs needs all.
    """
    for plane in analysis.planes:
        plane.check_whole()
    frame = table(analysis)
    frame = frame[(frame["capability"] == capability) & (frame["condition"] == ALL) & (frame["role"] == "stored")]
    for name, value in (among or {}).items():
        frame = frame[frame[name] == value]
    if not len(frame):
        raise NoInformation(f"no run was asked for {capability}; name a capability that a world of the run has.")
    silent = int(frame["log_snr"].isna().sum())
    if silent:
        raise NoInformation(
            f"{silent} of {len(frame)} runs have no SNR above zero across contexts, so no place on its axis."
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
