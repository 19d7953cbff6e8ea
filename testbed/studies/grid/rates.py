"""Which learning rate every part of the grid takes: chosen by runs that do nothing else."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from testbed.cell import PILOTS
from testbed.studies.grid.layout import Tuned

ONE_EACH = 4
"""Schema from which on each horizon and each D has pilots of its own; before, each size had one rate."""
_KEYS = ["parameters", "role", "tokens", "horizon"]
_SCORED = ["learning_rate", "status", "step_C", "kept_step", "kl_CB"]


def chosen_rates(cells: pd.DataFrame) -> dict[Tuned, float]:
    """Return for each size, and for each horizon of fresh data and each D, the learning rate that its pilots choose.

    That is the smallest rate whose mean K is within one standard error of the lowest mean. Pilots have draws of their
    own, are trained as long as what they choose for, and are scored on the first half of the evaluation sequences. A
    rate with a diverged replicate, or a K that is not finite, is never chosen; where no rate survives there is none.

    Error: the lowest of several noisy means is itself too low, but nothing that is reported is a pilot's; under the
    stopping rule "final" the reported cells share the first half of the sequences with the choice.
    """
    pilots = cells[cells["role"].isin(PILOTS)]
    if "schema" in cells and (cells["schema"] < ONE_EACH).any():
        return _one_a_size(cells, pilots)
    narrow, tried = pilots[[*_KEYS, *_SCORED]], dict[Tuned, list[Any]]()
    for row in narrow.itertuples():
        tried.setdefault(about(row), []).append(row)
    found = {asked: _choice(rows, errors=1.0) for asked, rows in sorted(tried.items())}
    return {asked: rate for asked, rate in found.items() if rate is not None}


def about(row: Any) -> Tuned:
    """Return what a run is a part of, or what a pilot chooses for."""
    stored = row.role in ("stored", "stored pilot")
    return Tuned(int(row.parameters), stored, int(row.tokens), int(row.horizon))


def undecided(cells: pd.DataFrame, rates: dict[Tuned, float]) -> set[Tuned]:
    """Return what pilots were to choose a rate for and chose none, as all of them diverged."""
    asked = {about(row) for row in cells[cells["role"].isin(PILOTS)].itertuples()}
    if "schema" in cells and (cells["schema"] < ONE_EACH).any():
        return {one for one in asked if one.parameters not in {size for size, *_ in rates}}
    return asked - set(rates)


def _one_a_size(cells: pd.DataFrame, pilots: pd.DataFrame) -> dict[Tuned, float]:
    """Return the rates of a run of an earlier version: the lowest mean of a size, for all of its horizons and D."""
    each = {size: _choice(list(own.itertuples()), errors=0.0) for size, own in pilots.groupby("parameters")}
    rest = cells[~cells["role"].isin(PILOTS)].drop_duplicates(_KEYS)
    asked = [about(row) for row in rest.itertuples()]
    return {one: rate for one in asked if (rate := each.get(one.parameters)) is not None}


def _choice(pilots: Sequence[Any], *, errors: float) -> float | None:
    """Return the smallest rate whose mean is within so many standard errors of the lowest; None if all diverged."""
    scores = {}
    for rate in sorted({float(row.learning_rate) for row in pilots}):
        tried = [row for row in pilots if row.learning_rate == rate]
        if not all(row.status == "finished" for row in tried):
            continue  # one that diverged before its first evaluation keeps no checkpoint
        k_R = np.array([pilot_k(row) for row in tried])
        if np.isfinite(k_R).all():
            scores[rate] = k_R
    if not scores:
        return None
    best_R = min(scores.values(), key=lambda k_R: float(k_R.mean()))
    error = float(best_R.std(ddof=1)) / np.sqrt(len(best_R)) if len(best_R) > 1 else 0.0
    return min(rate for rate, k_R in scores.items() if k_R.mean() <= best_R.mean() + errors * error)


def kept_at(row: Any) -> int:
    """Return the position of the kept checkpoint."""
    (position,) = np.flatnonzero(np.asarray(row.step_C) == row.kept_step)
    return int(position)


def pilot_k(row: Any) -> float:
    """Return the mean K of the kept checkpoint over the first half of the sequences."""
    kl_B = np.asarray(row.kl_CB, dtype=np.float64)[kept_at(row)]
    return float(kl_B[: len(kl_B) // 2].mean())
