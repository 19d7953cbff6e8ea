"""Signal to noise over planes: one log SNR for each size, D and noise of the data, by either reading."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from testbed.stats.identified import NoInformation
from testbed.stats.signal.plane import Cells
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.theory.token_noise import noise_variance

LOG_P = "log p"
READINGS = {"contexts": "contexts_signal", "trainings": "trainings_signal"}
"""The two readings, never mixed: the pattern behind a position, or what trainings share; and the measure of each."""
KEY = ["world", "sigma", "context", "parameters", "role", "tokens"]
SIGNALS = [*KEY, "reading", "part", "variance", "n", "log_snr", "error", "freedom", "window_error", "naive", "sentence"]


class Lines(NamedTuple):
    """Cells on stored tokens, and the error that the windows, the same for all cells of a plane, add to each."""

    cells: Cells
    window_error_N: np.ndarray
    frame: pd.DataFrame


def table(analysis: GridsAnalysis) -> pd.DataFrame:
    """Return log SNR of every group, by reading and part, with its error over replicates.

    Across contexts it is the mean over replicates, whose error counts draws and first parameters each where they are
    crossed; ``window_error`` is what the windows, which all groups of a plane share, add to it. Across trainings it is
    the one number that the replicates have together. ``variance`` is σ² of the world's noise, ``naive`` the ratio from
    which no noise was taken. Where there is no logarithm a sentence says so.
    """
    rows: list[dict[str, Any]] = []
    for reading, measure in READINGS.items():
        frame = analysis.measured(measure)
        if len(frame):
            symbols = {place.columns["world"]: place.world.alphabet for place in analysis.places}
            for key, group in frame.groupby([*KEY, "part"], sort=False):
                about = dict(zip([*KEY, "part"], key, strict=True))
                variance = noise_variance(float(about["sigma"]), symbols[str(about["world"])])
                found = _contexts(group) if reading == "contexts" else _trainings(group)
                rows.append(about | {"reading": reading, "variance": variance} | found)
    return pd.DataFrame(rows, columns=SIGNALS)


def lines(analysis: GridsAnalysis, reading: str) -> Lines:
    """Return the groups on stored tokens of one reading of log p, ready for `testbed.stats.signal.plane`.

    Error: NoInformation where a group has no logarithm, as what is said of all needs all; and where the run has several
    worlds besides their noise, or context lengths.
    """
    if len({place.family for place in analysis.places}) > 1 or len(analysis.study.all_contexts) > 1:
        raise NoInformation(
            "SNR is told along D, P and σ² of one world; the run has several worlds or context lengths."
        )
    frame = table(analysis)
    frame = frame[(frame["reading"] == reading) & (frame["part"] == LOG_P) & (frame["role"] == "stored")]
    if not len(frame):
        raise NoInformation(f"no group has an SNR across {reading}: {_why(reading)}.")
    _check_whole(analysis, frame, reading)
    names = ("log_snr", "error", "freedom", "tokens", "parameters", "variance", "window_error")
    *cells, windows = (frame[name].to_numpy(dtype=float) for name in names)
    return Lines(Cells(*cells), windows, frame)


def _why(reading: str) -> str:
    return "the world hides no pattern" if reading == "contexts" else "it takes three replicates"


def _check_whole(analysis: GridsAnalysis, frame: pd.DataFrame, reading: str) -> None:
    """Refuse a reading of which a group is missing, or has no logarithm."""
    for plane in analysis.planes:
        plane.check_whole()
    broken = frame[frame["sentence"] != ""]
    if len(broken):
        first = broken.iloc[0]
        raise NoInformation(
            f"{len(broken)} of {len(frame)} groups have no log SNR across {reading}, the first with P ="
            f" {first['parameters']:g}, D = {first['tokens']:g}, σ = {first['sigma']:g}: {first['sentence']}"
        )


def _contexts(group: pd.DataFrame) -> dict[str, Any]:
    """Return the mean of log SNR over replicates."""
    count, log_R = len(group), _logs(group)
    blank = {"n": count, "log_snr": np.nan, "error": np.nan, "freedom": np.nan, "window_error": np.nan, "naive": np.nan}
    if count < 2:
        return blank | {"sentence": "one replicate has no scatter; train two or more."}
    if np.isnan(log_R).any():
        return blank | {"sentence": _first(group)}
    error, freedom = _scatter(group, log_R)
    windows = float(np.sqrt(np.mean(np.square(group["log_error"].to_numpy(dtype=float)))))
    told = {"log_snr": float(log_R.mean()), "error": error, "freedom": freedom, "window_error": windows}
    return {"n": count} | told | {"naive": float(np.log(group["naive"]).mean()), "sentence": ""}


def _trainings(group: pd.DataFrame) -> dict[str, Any]:
    """Return the one log SNR of the replicates."""
    row, (log_snr,) = group.iloc[0], _logs(group)
    count = int(row["replicates"])
    if np.isnan(log_snr):
        blank = {"log_snr": np.nan, "error": np.nan, "freedom": np.nan, "window_error": np.nan, "naive": np.nan}
        return {"n": count} | blank | {"sentence": _first(group)}
    told = {"log_snr": log_snr, "error": float(row["log_error"]), "freedom": row["levels"] - 1.0, "window_error": 0.0}
    return {"n": count} | told | {"naive": float(np.log(row["naive"])), "sentence": ""}


def _scatter(group: pd.DataFrame, log_R: np.ndarray) -> tuple[float, float]:
    """Return the standard error of the mean of a group and its degrees of freedom.

    Of crossed runs the variances of the means of either factor add, which counts their interaction twice: it errs on
    the wide side.
    """
    frame = pd.DataFrame({"draw": group["draw"], "first": group["initialisation"], "value": log_R})
    if frame["draw"].nunique() == len(frame):
        return float(log_R.std(ddof=1)) / np.sqrt(len(log_R)), len(log_R) - 1.0
    parts = [frame.groupby(factor)["value"].mean().to_numpy() for factor in ("draw", "first")]
    variance_F = np.array([float(means.var(ddof=1)) / len(means) for means in parts])
    freedom_F = np.array([len(means) - 1.0 for means in parts])
    total = float(variance_F.sum())
    freedom = total**2 / float(np.sum(variance_F**2 / freedom_F)) if total > 0 else float(freedom_F.min())
    return float(np.sqrt(total)), freedom


def _logs(group: pd.DataFrame) -> np.ndarray:
    snr = group["snr"].to_numpy(dtype=float)
    return np.log(snr, out=np.full(len(snr), np.nan), where=snr > 0)


def _first(group: pd.DataFrame) -> str:
    """Return why a group has no logarithm."""
    sentences: Iterator[str] = (each for each in group["sentence"] if each)
    return next(sentences, "an SNR is not above zero, so that it has no logarithm.")
