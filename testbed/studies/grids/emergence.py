"""Every number on emergence at once: thresholds, how they differ, how abrupt they are, and two camps of seeds."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from testbed.stats.combine import each_level
from testbed.stats.emergence.abrupt import abrupt
from testbed.stats.emergence.bimodal import FEWEST as SEEDS
from testbed.stats.emergence.bimodal import bimodal
from testbed.stats.emergence.universal import decades, heterogeneity
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, told
from testbed.studies.grids.analysis import AXES, GridsAnalysis
from testbed.studies.grids.capabilities import SHARP, SMOOTH, points
from testbed.studies.grids.estimates.capability import appears, risen

COLUMNS = [
    *("capability", "score", "quantity", *AXES),
    *("value", "low", "high", "level", "n", "p_value", "method", "sentence"),
]
NARROW = 0.3
"""Decades of SNR within which a rise counts as a jump: a factor of two."""
RESAMPLES = 199


def table(analysis: GridsAnalysis, *, level: float) -> pd.DataFrame:
    """Return a row for each number of each capability; one that cannot be told has its sentence.

    Over all runs of a capability: threshold (log10 θ) and width (decades), by the smooth and by the sharp score; the
    test that a rise wider than NARROW is a jump after all; I² and spread (decades) of thresholds over the noises; and
    the test that seeds part in two camps, of the group that speaks for it most, its p-value times the number of groups.
    Of each plane: threshold and width by the smooth score.
    """
    rows = [row for asked in analysis.study.capabilities for row in _rows(analysis, asked, level)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    words = {name: [each if isinstance(each, str) else "" for each in frame[name]] for name in ("method", "sentence")}
    return frame.assign(n=frame["n"].astype(float), **words)


def _rows(analysis: GridsAnalysis, name: str, level: float) -> Iterator[dict[str, Any]]:
    about = {"capability": name, "world": "all", "sigma": np.nan, "context": np.nan}
    try:
        frame = points(analysis, name)
    except NoInformation as refusal:
        yield about | {"quantity": "threshold", "score": SMOOTH, "sentence": str(refusal)}
        return
    for score in (SMOOTH, SHARP):
        yield from _placed(about | {"score": score}, frame, level)
        yield about | {"score": score, "quantity": "jump"} | told_row(lambda score=score: _jump(frame, score))
    smooth = about | {"score": SMOOTH}
    groups = list(frame.groupby(list(AXES)))
    yield from _differing(smooth, [own for _, own in groups], level)
    yield smooth | {"quantity": "two camps"} | told_row(lambda: _camps(frame))
    for key, own in groups if len(groups) > 1 else []:
        yield from _placed(smooth | dict(zip(AXES, key, strict=True)), own, level)


def told_row(make: Any) -> dict[str, Any]:
    """Return the columns of a number, or its sentence."""
    try:
        found: dict[str, Any] = make()
    except NoInformation as refusal:
        return {"sentence": str(refusal)}
    return found | {"sentence": ""}


def _placed(about: dict[str, Any], frame: pd.DataFrame, level: float) -> Iterator[dict[str, Any]]:
    """Yield threshold and width of some runs."""
    found = told(lambda: appears(frame, str(about["score"]), level))()
    if isinstance(found, str):
        yield about | {"quantity": "threshold", "sentence": found}
        return
    yield about | {"quantity": "threshold", "sentence": ""} | _columns(decades(found.place))
    yield about | {"quantity": "width", "sentence": ""} | _columns(found.width_decades)


def _differing(about: dict[str, Any], groups: list[pd.DataFrame], level: float) -> Iterator[dict[str, Any]]:
    """Yield how thresholds of planes differ: the spread in decades and its share of their variance."""

    def found() -> Any:
        each = [appears(own, SMOOTH, each_level(level, len(groups))) for own in groups]
        columns = ([one.place.value for one in each], [one.error for one in each], [one.freedom for one in each])
        return heterogeneity(*(np.array(column) for column in columns), level=level)

    seen = told(found)()
    if isinstance(seen, str):
        yield about | {"quantity": "spread over planes", "sentence": seen}
        return
    p_value = {"p_value": seen.p_value, "sentence": ""}
    yield about | {"quantity": "spread over planes"} | _columns(decades(seen.spread)) | p_value
    yield about | {"quantity": "share of the variance over planes"} | _columns(seen.share) | p_value


def _jump(frame: pd.DataFrame, score: str) -> dict[str, Any]:
    found = abrupt(risen(frame, score), NARROW, resamples=RESAMPLES)
    method = f"step against a rise of {NARROW:g} decades or more, bootstrap"
    return {"value": found.ratio, "p_value": found.p_value, "n": len(frame), "method": method}


def _camps(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the dip of the group of seeds that speaks most for two camps."""
    groups = [
        own[SMOOTH].to_numpy(dtype=float)
        for _, own in frame.groupby([*AXES, "parameters", "tokens"])
        if len(own) >= SEEDS and np.ptp(own[SMOOTH]) > 0
    ]
    if not groups:
        raise NoInformation(f"no group has {SEEDS} seeds that differ; train more replicates.")
    found = min((bimodal(score_S) for score_S in groups), key=lambda one: one.p_value)
    p_value = min(found.p_value * len(groups), 1.0)
    return {"value": found.dip, "p_value": p_value, "n": found.seeds, "method": f"largest dip of {len(groups)} groups"}


def _columns(found: Estimate) -> dict[str, Any]:
    return msgspec.structs.asdict(found)
