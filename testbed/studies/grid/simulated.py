"""A finished grid that never ran: the tables that judging reads, drawn about a surface."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from testbed.cell import SCHEMA
from testbed.measure.regret import COLUMNS, encoded
from testbed.studies.grid.analysis import Analysis, reported
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.estimates.plateaus import counts_tokens
from testbed.studies.grid.surface import Falls, Surface

PILOT = 1_000_000
"""Added to the seeds of pilots, which have draws of their own."""


class _Group(NamedTuple):
    """Cells that differ in their seeds only."""

    row: int
    role: str
    tokens: int
    horizon: int
    bias: float
    above: float
    noise: float

    @property
    def share(self) -> float:
        """The deviation over replicates as a share of K − B."""
        return min(self.noise * (self.bias + self.above) / self.above, 1.0)


def simulated(study: Asked, surface: Surface, rng: np.random.Generator) -> Analysis:
    """Return one run of a study, as judging would find it, if K were this surface.

    K of a cell is B plus what the surface adds to it times a log-normal factor of its replicate: no run is below B, so
    that replicates scatter by what they are above it at most. Each evaluation window has a factor of its own, partly
    that of all models. The cross-entropy adds to K a log-ratio per token of variance 2K, averaged over
    the window. Pilots are there at the chosen rate only, as others end above it; nothing diverges, and no check fails.
    """
    windows = study.evaluation.sequences
    groups = [group for row in range(len(surface.sizes)) for group in _groups(study, surface, row)]
    seeds = [_seeds(study, group) for group in groups]
    drawn = zip(groups, seeds, strict=True)
    level_N = np.concatenate([g.bias + g.above * _factors(own, g.share, rng) for g, own in drawn])
    common_B = rng.standard_normal(windows)
    kl_NB = level_N[:, None] * _windows(surface, common_B, len(level_N), rng)
    bayes_B = surface.epsilon + 0.1 * rng.standard_normal(windows)
    kept_N = np.array([not group.role.endswith("pilot") for group, s in zip(groups, seeds, strict=True) for _ in s])
    miss = surface.miss if surface.lowest is None else surface.lowest - float(level_N[kept_N].min())
    sampled_NB = np.sqrt(2 * kl_NB / study.model.context) * rng.standard_normal(kl_NB.shape)
    frame = _frame(study, surface, groups, seeds, kl_NB, bayes_B + kl_NB + sampled_NB + miss)
    run = Analysis(
        cells=frame,
        ensembles=_ensembles(study, surface, groups, seeds, kl_NB, miss, rng),
        epsilon=surface.epsilon,
        epsilon_error=0.0,
        bayes_nll_B=bayes_B,
        stopping=study.training.stopping,
        decay=study.training.decay,
        floors=dict(zip(surface.sizes, surface.floor_P.tolist(), strict=True)),
        alphabet=study.model.vocabulary,
    )
    return run if surface.falls is None else _trained(study, surface, surface.falls, run, rng)


def _trained(study: Asked, surface: Surface, falls: Falls, run: Analysis, rng: np.random.Generator) -> Analysis:
    """Return a run whose longest fresh runs of the largest size came to their end on a course of falls of their own.

    The reference that counts single tokens is beside them, and the exact entropy of each window.
    """
    step_C = np.array(study.checkpoints)
    frame = run.cells.assign(step_C=run.cells["step_C"], kl_CB=run.cells["kl_CB"], ce_CB=run.cells["ce_CB"])
    chosen = (frame["role"] == "online") & (frame["parameters"] == surface.sizes[-1])
    for index in frame.index[chosen & (frame["horizon"] == surface.horizons[-1])]:
        end_B, ce_B = frame.at[index, "kl_CB"][-1], frame.at[index, "ce_CB"][-1]
        end = float(end_B.mean())
        course_C = falls.drawn(rng).course(np.log10(step_C), end)
        kl_CB = course_C[:, None] / end * end_B
        frame.at[index, "step_C"], frame.at[index, "kl_CB"] = step_C, kl_CB
        frame.at[index, "ce_CB"] = kl_CB + (ce_B - end_B)
    counting = next(each for each in study.references if counts_tokens(each))
    read = run.bayes_nll_B[run.read]
    kl_B = falls.unigram * _windows(surface, rng.standard_normal(len(read)), 1, rng)[0]
    nothing_L = np.zeros(study.model.context)
    rows = [(encoded(counting), counting.label, kl_B, nothing_L, nothing_L)]
    return dataclasses.replace(
        run, cells=frame, references=pd.DataFrame(rows, columns=COLUMNS),
        bayes_entropy_B=surface.epsilon + 0.1 * (run.bayes_nll_B - surface.epsilon),
    )  # fmt: skip


def _groups(study: Asked, surface: Surface, row: int) -> list[_Group]:
    """Return pilots, ladder and stored runs of one size."""
    found = []
    for at, horizon in enumerate(surface.horizons):
        k = (float(surface.bias_P[row]), float(surface.gap_PT[row, at]))
        own = (horizon * study.step_tokens, horizon, *k, surface.fresh_noise)
        found += [_Group(row, role, *own) for role in ("pilot", "online")]
    for at, tokens in enumerate(surface.tokens):
        k = (float(surface.bias_P[row]), float(surface.variance_PD[row, at]))
        own = (tokens, study.horizon(tokens), *k, surface.stored_noise)
        found += [_Group(row, role, *own) for role in ("stored pilot", "stored")]
    return found


def _seeds(study: Asked, group: _Group) -> list[tuple[int, int]]:
    if group.role.endswith("pilot"):
        return [(PILOT + at, PILOT + at) for at in range(study.training.pilots)]
    return list(study.grid.runs)


def _factors(seeds: list[tuple[int, int]], noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return a factor of mean 1 for each replicate; crossed seeds share halves of it."""
    scale = np.sqrt(np.log1p(noise**2))
    if all(draw == initialisation for draw, initialisation in seeds):
        own_R = rng.standard_normal(len(seeds))
    else:
        of_draw, of_first = (
            {seed: float(rng.standard_normal()) for seed in sorted(set(side))} for side in zip(*seeds, strict=True)
        )
        own_R = np.array([(of_draw[draw] + of_first[first]) / np.sqrt(2) for draw, first in seeds])
    return np.asarray(np.exp(scale * own_R - scale**2 / 2))


def _windows(surface: Surface, common_B: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return a factor of mean 1 for each cell and evaluation window."""
    scale, shared = np.sqrt(np.log1p(surface.spread**2)), surface.shared
    own_NB = rng.standard_normal((count, len(common_B)))
    own_NB *= scale * np.sqrt(1 - shared)
    own_NB += scale * np.sqrt(shared) * common_B - scale**2 / 2
    return np.exp(own_NB, out=own_NB)


def _frame(
    study: Asked, surface: Surface, groups: list[_Group], seeds: list[Any], kl_NB: np.ndarray, ce_NB: np.ndarray
) -> pd.DataFrame:
    """Return the table of cells, one checkpoint each."""
    rows = [(group, seed) for group, own in zip(groups, seeds, strict=True) for seed in own]
    columns: dict[str, list[Any]] = {
        "schema": [SCHEMA] * len(rows),
        "parameters": [surface.sizes[group.row] for group, _ in rows],
        "role": [group.role for group, _ in rows],
        "tokens": [group.tokens for group, _ in rows],
        "draw": [seed[0] for _, seed in rows],
        "initialisation": [seed[1] for _, seed in rows],
        "learning_rate": [study.training.learning_rates[0]] * len(rows),
        "horizon": [group.horizon for group, _ in rows],
        "status": ["finished"] * len(rows),
        "kept_step": [group.horizon for group, _ in rows],
        "step_C": [np.array([group.horizon]) for group, _ in rows],
        "kl_CB": list(kl_NB[:, None]),
        "ce_CB": list(ce_NB[:, None]),
    }
    words = {name: pd.Series(columns.pop(name), dtype=object) for name in ("role", "status")}
    return pd.DataFrame(columns).assign(**words)


def _ensembles(
    study: Asked, surface: Surface, groups: list[_Group], seeds: list[Any], kl_NB: np.ndarray, miss: float,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Return the exact split: the centre carries B and its drift, with the noise of the replicates' mean."""
    read, longest, start, rows = reported(study.training.stopping, kl_NB.shape[1]), surface.horizons[-1], 0, []
    most = longest * study.step_tokens
    for group, own in zip(groups, seeds, strict=True):
        here, start = slice(start, start + len(own)), start + len(own)
        if group.role.endswith("pilot") or (group.role == "online" and group.horizon != longest):
            continue
        mean = float(kl_NB[here, read].mean())
        relative = group.noise / np.sqrt(len(own))
        true = float(surface.bias_P[group.row]) * (group.tokens / most) ** -surface.drift + surface.apart
        seen = true * float(np.exp(relative * rng.standard_normal() - relative**2 / 2))
        error = seen * relative * float(np.sqrt(rng.chisquare(max(len(own) - 1, 1)) / max(len(own) - 1, 1)))
        parts = {"mean_kl": mean, "center": seen, "spread": mean + miss - surface.leak - seen}
        jackknifed = {"center_jackknife": seen, "center_se": error, "spread_jackknife": mean - seen, "spread_se": error}
        key = {"parameters": surface.sizes[group.row], "role": group.role, "tokens": group.tokens}
        rows.append(key | {"replicates": len(own), "closure": surface.closure} | parts | jackknifed)
    return pd.DataFrame(rows)
