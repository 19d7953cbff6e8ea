"""Tables of a grid whose bias, variance, gaps and centers are planted, with the noise that real runs show.

K of a run is B(P) plus an excess, V or Ω, that no run has below zero: replicates scatter the excess, each group with a
spread of its own, and sequences multiply B and the excess by factors that models share, more so within a group.
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from benchmarks.planted_surface import HORIZONS, SEEN, SIZES, STEP, TOKENS, Surface
from testbed.stats.jackknife import corrected
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.layout import Tuned
from testbed.studies.grid.rates import about

REPLICATES, PILOTS, SEQUENCES, LENGTH = 4, 2, 512, 32
"""Much as there, but for the candidates of learning rates, which are one."""
KEYS = ["parameters", "role", "tokens", "horizon"]


class Noise(NamedTuple):
    """Least and greatest coefficient of variation of the excess over replicates, and whether its log is Student's."""

    name: str
    least: float
    most: float
    heavy: bool


NOISES = (
    Noise("1-5 %, lognormal", 0.01, 0.05, False),
    Noise("5-44 %, lognormal", 0.05, 0.44, False),
    Noise("1-5 %, heavy", 0.01, 0.05, True),
    Noise("5-44 %, heavy", 0.05, 0.44, True),
)


class Tables(Analysis):
    """The tables of a run whose groups of cells are looked up once."""

    @functools.cached_property
    def rates(self) -> dict[Tuned, float]:
        """The one rate that there is."""
        return {about(row): row.learning_rate for row in self.cells.drop_duplicates(KEYS).itertuples()}

    def _select(self, parameters: int, role: str) -> pd.DataFrame:
        return self._once[parameters, role]

    def online(self, parameters: int, horizon: int) -> pd.DataFrame:
        """Return the kept online cells of one size and horizon."""
        return self._once[parameters, "online", horizon]

    def stored(self, parameters: int, tokens: int) -> pd.DataFrame:
        """Return the kept stored cells of one size and number of tokens."""
        return self._once[parameters, "stored", tokens]

    @functools.cached_property
    def _once(self) -> dict[tuple[object, ...], pd.DataFrame]:
        found = {tuple(key): group for key, group in self.kept.groupby(["parameters", "role"])}
        for (size, role), group in list(found.items()):
            by = "horizon" if role == "online" else "tokens"
            found |= {(size, role, key): own for key, own in group.groupby(by)}
        return found


class Planted(NamedTuple):
    """A run's tables, and the lowest E[CE] − ε of its kept cells."""

    analysis: Analysis
    lowest: float


class Groups(NamedTuple):
    """The groups of cells: size and role, tokens and horizon of each, and its excess."""

    size_G: np.ndarray
    role_G: np.ndarray
    tokens_G: np.ndarray
    horizon_G: np.ndarray
    excess_G: np.ndarray


def groups(planted: Surface) -> Groups:
    """Return the pilots and the cells of fresh and of stored data."""
    rows = []
    for p in range(len(SIZES)):
        for h, horizon in enumerate(HORIZONS):
            rows += [(p, role, horizon * STEP, horizon, planted.gap_PH[p, h]) for role in ("pilot", "online")]
        for d, tokens in enumerate(TOKENS):
            v = planted.variance_PD[p, d]
            rows += [(p, role, tokens, HORIZONS[-1], v) for role in ("stored pilot", "stored")]
    return Groups(*(np.array(column) for column in zip(*rows, strict=True)))


def analysis(planted: Surface, noise: Noise, seed: int) -> Planted:
    """Return the tables of one run."""
    rng = np.random.default_rng(seed)
    found = groups(planted)
    many_G = np.where([role.endswith("pilot") for role in found.role_G], PILOTS, REPLICATES)
    group_R = np.repeat(np.arange(len(many_G)), many_G)
    draw_R = np.concatenate([np.arange(many) for many in many_G])
    excess_R = found.excess_G[group_R] * _scatter(rng, noise, len(many_G))[group_R, draw_R]
    bias_R = planted.bias_P[found.size_G][group_R]
    kl_RB = _sequences(rng, found, group_R, bias_R, excess_R)
    bayes_B = 2.6 + 0.3 * rng.standard_normal(SEQUENCES)
    ce_RB = bayes_B + kl_RB + np.sqrt(2 * kl_RB / LENGTH) * rng.standard_normal(kl_RB.shape)
    own_R, level_R = np.isin(found.role_G[group_R], ("online", "stored")), bias_R + excess_R
    if planted.shift is not None:
        peeking = int(rng.choice(np.flatnonzero(own_R)))
        ce_RB[peeking] += planted.shift - level_R[peeking]
        level_R[peeking] = planted.shift
    cells = _cells(found, group_R, draw_R, kl_RB, ce_RB)
    tables = Tables(cells, _ensembles(rng, planted, cells), 2.6, 1e-3, bayes_B, "best")
    return Planted(tables, float(level_R[own_R].min()))


def _scatter(rng: np.random.Generator, noise: Noise, count: int) -> np.ndarray:
    """Return factors of mean one of every replicate of every group."""
    log_cv_G = rng.uniform(np.log(noise.least), np.log(noise.most), count)
    scale_G1 = np.sqrt(np.log1p(np.exp(2 * log_cv_G)))[:, None]
    grid_U, weight_U = _law(noise.heavy)
    z_GR = np.interp(rng.uniform(size=(count, REPLICATES)), np.cumsum(weight_U) - weight_U / 2, grid_U)
    return np.exp(scale_G1 * z_GR) / (np.exp(scale_G1 * grid_U) @ weight_U)[:, None]


@functools.cache
def _law(heavy: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return places and weights of the standard normal, or of Student's law of 3 cut at ± 6, of variance one."""
    grid_U = np.linspace(-6, 6, 4001)
    weight_U = t.pdf(grid_U, 3) if heavy else norm.pdf(grid_U)
    weight_U /= weight_U.sum()
    return grid_U / np.sqrt(grid_U**2 @ weight_U), weight_U


def _sequences(
    rng: np.random.Generator, found: Groups, group_R: np.ndarray, bias_R: np.ndarray, excess_R: np.ndarray
) -> np.ndarray:
    """Return K of every run on every sequence: of mean B + excess, and of a spread of about its size."""
    scale = np.sqrt(np.log1p(rng.uniform(0.3, 1.2) ** 2))
    common_B = rng.standard_normal(SEQUENCES)
    size_PB = np.sqrt(0.7) * common_B + np.sqrt(0.3) * rng.standard_normal((len(SIZES), SEQUENCES))
    group_GB = np.sqrt(0.4) * common_B + np.sqrt(0.4) * rng.standard_normal((len(found.size_G), SEQUENCES))
    run_RB = group_GB[group_R] + np.sqrt(0.2) * rng.standard_normal((len(group_R), SEQUENCES))
    bias_RB, excess_RB = (np.exp(scale * each - scale**2 / 2) for each in (size_PB[found.size_G[group_R]], run_RB))
    return np.asarray(bias_R[:, None] * bias_RB + excess_R[:, None] * excess_RB)


def _cells(
    found: Groups, group_R: np.ndarray, draw_R: np.ndarray, kl_RB: np.ndarray, ce_RB: np.ndarray
) -> pd.DataFrame:
    """Return the table of runs, each with its last checkpoint only."""
    horizon_R = found.horizon_G[group_R]
    columns = {
        "schema": 4,
        "parameters": np.array(SIZES)[found.size_G[group_R]],
        "role": found.role_G[group_R],
        "tokens": found.tokens_G[group_R],
        "draw": draw_R,
        "initialisation": draw_R,
        "learning_rate": 0.01,
        "horizon": horizon_R,
        "status": "finished",
        "kept_step": horizon_R,
        "step_C": [np.array([step]) for step in horizon_R],
        "kl_CB": list(kl_RB[:, None]),
        "ce_CB": list(ce_RB[:, None]),
    }
    return pd.DataFrame(columns)


def _ensembles(rng: np.random.Generator, planted: Surface, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the exact split of every group: the center of few vectors that scatter about a mean, jackknifed."""
    last = cells[cells["horizon"] == HORIZONS[-1]]
    rows = []
    for p, size in enumerate(SIZES):
        for e, tokens in enumerate((*TOKENS, SEEN)):
            role = "online" if tokens == SEEN else "stored"
            own = last[(last["parameters"] == size) & (last["role"] == role) & (last["tokens"] == tokens)]
            mean_kl = float(np.mean([kl_CB[-1][SEQUENCES // 2 :].mean() for kl_CB in own["kl_CB"]]))
            value, error = _center(rng, planted.center_PE[p, e])
            off = planted.missing if p == e == 0 else 0.0
            rows.append((size, role, tokens, len(own), mean_kl, value, mean_kl - value - off, 1e-16, value, error))
    names = ("parameters", "role", "tokens", "replicates", "mean_kl", "center", "spread", "closure")
    return pd.DataFrame(rows, columns=[*names, "center_jackknife", "center_se"])


def _center(rng: np.random.Generator, center: float) -> tuple[float, float]:
    """Return the jackknifed |mean|² of R vectors, which scatter by 0.01 to 10 times its size, and its error."""
    axes = int(np.exp(rng.uniform(np.log(30), np.log(3_000))))
    spread = center * np.exp(rng.uniform(np.log(0.01), np.log(10)))
    x_RA = rng.standard_normal((REPLICATES, axes)) * np.sqrt(spread / axes)
    x_RA[:, 0] += np.sqrt(center)
    without_RA = (x_RA.sum(0) - x_RA) / (REPLICATES - 1)
    return corrected(float(np.sum(x_RA.mean(0) ** 2)), np.sum(without_RA**2, axis=1))
