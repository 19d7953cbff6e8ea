"""The surface that a simulated grid is drawn from: K(P, T) and K(P, D), and how both scatter."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from testbed.cell import PILOTS
from testbed.model.size import size
from testbed.sources import Absent, Budget
from testbed.store import Store
from testbed.studies.grid import cells, floors
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.guess import Guess
from testbed.studies.grid.layout import Tuned
from testbed.studies.grid.rates import about, kept_at
from testbed.studies.grid.surface import falls as courses
from testbed.studies.grid.surface.falls import Falls
from testbed.theory import bounded_rank

__all__ = ["LEAST", "Falls", "Surface", "surface"]

LEAST = 1e-4
"""Least B, Ω or V of a surface, nats per token: all have logarithms."""


@dataclass(frozen=True)
class Surface:
    """B(P), Ω(P, T) at every horizon and V(P, D) at every D, in nats per token, and the noise about them.

    ``floor_P`` is what no model of a size undercuts; centres of the exact split are B·(D/most)^−drift + apart; E[CE] −
    ε exceeds K by ``miss``, or is ``lowest`` in the cell where it is lowest; the parts of the exact split lack ``leak``
    of it and close to ``closure``. ``basis`` says what all of it rests on, ``falls`` how K of the largest size falls in
    its longest training, if that is asked about.
    """

    sizes: tuple[int, ...]
    horizons: tuple[int, ...]
    tokens: tuple[int, ...]
    bias_P: Float[np.ndarray, " P"]
    gap_PT: Float[np.ndarray, "P T"]
    variance_PD: Float[np.ndarray, "P D"]
    floor_P: Float[np.ndarray, " P"]
    epsilon: float
    fresh_noise: float
    stored_noise: float
    spread: float
    shared: float
    basis: str
    drift: float = 0.0
    apart: float = 0.0
    miss: float = 0.0
    lowest: float | None = None
    leak: float = 0.0
    closure: float = 3e-16
    falls: Falls | None = None

    @property
    def online_P(self) -> Float[np.ndarray, " P"]:
        """K on fresh data at the longest horizon."""
        return self.bias_P + self.gap_PT[:, -1]

    def at(self, horizons: tuple[int, ...]) -> "Surface":
        """Return the surface at other horizons: log Ω is carried on along log T, straight beyond the ends."""
        known_T, asked_T = np.log(self.horizons), np.log(horizons)
        rows = [_carried(asked_T, known_T, np.log(gap_T)) for gap_T in self.gap_PT]
        return dataclasses.replace(self, horizons=horizons, gap_PT=np.maximum(np.exp(rows), LEAST * 1e-3))

    def larger(self, parameters: int) -> "Surface":
        """Return the surface with one size more: floor, log B, log Ω and log V are carried on along log P."""
        size_P = np.log(self.sizes[-2:])
        weight_2 = (np.log(parameters) - size_P[::-1]) / (size_P - size_P[::-1])

        def grown(value_PX: np.ndarray, least: float) -> np.ndarray:
            more_X = np.exp(np.tensordot(weight_2, np.log(np.maximum(value_PX[-2:], least)), 1))
            return np.concatenate([value_PX, np.maximum(more_X, least)[None]])

        bias_P = grown(self.bias_P, LEAST)
        floor_P = grown(self.floor_P, LEAST) if self.floor_P[-1] > LEAST else np.append(self.floor_P, 0.0)
        return dataclasses.replace(
            self, sizes=(*self.sizes, parameters), bias_P=bias_P, gap_PT=grown(self.gap_PT, LEAST * 1e-3),
            variance_PD=grown(self.variance_PD, LEAST), floor_P=np.minimum(floor_P, bias_P),
        )  # fmt: skip


def surface(study: Asked, store: Store | None, budget: Budget = Budget()) -> Surface:  # noqa: B008 - frozen
    """Return the surface that the pilots of a store tell, or that the study guesses where they have not all run.

    ``budget`` bounds the work of the truth that a guess rests on.
    """
    guessed = _guessed(study, store, budget)
    pilots = {cell.digest for cell in study.pilot_cells()}
    if store is None or not all(map(store.has, pilots)):
        return guessed
    return _measured(study, guessed, store.cells(pilots, cells.NEEDED))


def _guessed(study: Asked, store: Store | None, budget: Budget) -> Surface:
    """Return the surface of a guess; floors are read where a store has them."""
    guess, models = study.guess or Guess(), study.models
    sizes = tuple(size(model).parameters for model in models)
    epsilon = study.world.truth(study.model.context, budget=budget).epsilon.value
    room = max(math.log(study.model.vocabulary) - epsilon, 10 * LEAST)
    laws = study.world.known_laws(study.model.context)
    known = floors.saved(store) if store is not None else {}
    bias_P = room / 2 * (np.array(sizes) / sizes[0]) ** -0.5
    free_P = np.array(sizes, dtype=float)
    floor_P = np.array([known.get(each, 0.0) for each in sizes])
    if not isinstance(laws, Absent):
        if not known:
            floor_P = np.array([bounded_rank.rough(laws.share_C, laws.law_CV, model.width) for model in models])
        bias_P = floor_P
        free_P = np.minimum(free_P, laws.law_CV.shape[0] * (laws.law_CV.shape[1] - 1))
    if guess.bias is not None:
        bias_P = np.array(guess.bias)

    def variance(tokens: tuple[int, ...]) -> np.ndarray:
        tokens_D = np.array(tokens, dtype=float)
        law_PD = guess.variance * free_P[:, None] / tokens_D[0] * (tokens_D / tokens_D[0]) ** -guess.exponent
        return np.maximum(1 / (1 / room + 1 / law_PD), LEAST)

    horizons = study.training.horizons
    gap_PT = guess.gap * variance(tuple(horizon * study.step_tokens for horizon in horizons))
    return Surface(
        sizes, horizons, study.grid.tokens, np.maximum(bias_P, LEAST), gap_PT, variance(study.grid.tokens),
        np.minimum(floor_P, np.maximum(bias_P, LEAST)), epsilon, guess.fresh_noise, guess.stored_noise, guess.spread,
        guess.shared, "a guess" if study.guess is None else "the declared guess",
        falls=courses.guessed(study.references, study.world, study.model.context, study.training.steps),
    )  # fmt: skip


def _measured(study: Asked, guessed: Surface, pilots: pd.DataFrame) -> Surface:
    """Return the surface through the pilots at the chosen rates; what they do not tell stays as guessed."""
    found = _seen(pilots)
    k_PT, k_PD = np.array(guessed.online_P)[:, None] + 0 * guessed.gap_PT, guessed.bias_P[:, None] + guessed.variance_PD
    for asked, kl_RB in found.items():
        row = guessed.sizes.index(asked.parameters)
        if asked.stored:
            k_PD[row, guessed.tokens.index(asked.tokens)] = kl_RB.mean()
        else:
            k_PT[row, guessed.horizons.index(asked.horizon)] = kl_RB.mean()
    least, most = study.training.decay
    last_P, before_P = np.maximum(k_PT[:, -2] - k_PT[:, -1], 0.01 * k_PT[:, -1]), k_PT[:, -3] - k_PT[:, -2]
    ratio = float(study.training.ratio)
    decay_P = np.clip(np.log(np.maximum(before_P, last_P) / last_P) / math.log(ratio), max(least, 0.5), most)
    gap_P = np.minimum(last_P / (ratio**decay_P - 1), 0.9 * k_PT[:, -1])
    bias_P = np.maximum(np.maximum(k_PT[:, -1] - gap_P, guessed.floor_P), LEAST)
    noise = {stored: _pooled([kl for one, kl in found.items() if one.stored == stored]) for stored in (False, True)}
    spread, shared = _windows(list(found.values()))
    return dataclasses.replace(
        guessed,
        bias_P=bias_P,
        gap_PT=np.maximum(k_PT - bias_P[:, None], LEAST),
        variance_PD=np.maximum(k_PD - bias_P[:, None], LEAST),
        floor_P=np.minimum(guessed.floor_P, bias_P),
        fresh_noise=noise[False] or guessed.fresh_noise,
        stored_noise=noise[True] or guessed.stored_noise,
        spread=spread or guessed.spread,
        shared=shared,
        basis="the pilots",
        falls=guessed.falls and guessed.falls.seen(*_courses(study, pilots)),
    )


def _courses(study: Asked, pilots: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return log₁₀ step and K of the pilots of the largest size and the longest horizon at their best rate."""
    rows = pilots[(pilots["role"] == "pilot") & (pilots["status"] == "finished")]
    rows = rows[(rows["parameters"] == rows["parameters"].max()) & (rows["horizon"] == study.training.steps)]
    courses: dict[float, list[np.ndarray]] = {}
    for row in rows.itertuples():
        courses.setdefault(row.learning_rate, []).append(np.asarray(row.kl_CB, dtype=np.float64).mean(1))
    if not courses:
        return np.zeros(0), np.zeros((0, 0))
    step_C = np.asarray(rows["step_C"].iloc[0], dtype=np.float64)
    k_RC = np.stack(min(courses.values(), key=lambda k_RC: float(np.mean(k_RC, axis=0)[-1])))
    return np.log10(step_C[step_C > 0]), k_RC[:, step_C > 0]


def _seen(pilots: pd.DataFrame) -> dict[Tuned, np.ndarray]:
    """Return K of the pilots (replicates × windows) of what they chose for, at the rate of the lowest mean."""
    tried: dict[tuple[Tuned, float], list[np.ndarray]] = {}
    for row in pilots[pilots["role"].isin(PILOTS) & (pilots["status"] == "finished")].itertuples():
        kl_B = np.asarray(row.kl_CB, dtype=np.float64)[kept_at(row)]
        if np.isfinite(kl_B).all():
            tried.setdefault((about(row), float(row.learning_rate)), []).append(kl_B)
    best: dict[Tuned, np.ndarray] = {}
    for (asked, _), rows in tried.items():
        kl_RB = np.stack(rows)
        if asked not in best or kl_RB.mean() < best[asked].mean():
            best[asked] = kl_RB
    return best


def _pooled(groups: list[np.ndarray]) -> float | None:
    """Return the deviation over replicates as a share of the mean, all groups pooled; None where none tells."""
    shares = [kl_RB.mean(1).var(ddof=1) / kl_RB.mean() ** 2 for kl_RB in groups if len(kl_RB) > 1 and kl_RB.mean() > 0]
    return max(float(np.sqrt(np.mean(shares))), 1e-3) if shares else None


def _windows(groups: list[np.ndarray]) -> tuple[float | None, float]:
    """Return the deviation over windows as a share of K, and the share of its variance that all have in common."""
    unit_NB = np.array([kl_B / kl_B.mean() for kl_RB in groups for kl_B in kl_RB if kl_B.mean() > 0])
    if len(unit_NB) < 2:
        return None, 0.0
    every = float(unit_NB.var(1, ddof=1).mean())
    count = len(unit_NB)
    common = (float(unit_NB.mean(0).var(ddof=1)) - every / count) * count / (count - 1)
    return max(math.sqrt(every), 1e-3), min(max(common / every, 0.0), 0.99) if every > 0 else 0.0


def _carried(at_T: np.ndarray, known_T: np.ndarray, value_T: np.ndarray) -> np.ndarray:
    """Return straight lines through the points, the last two of an end being carried on."""
    first, last = (np.polyfit(known_T[side], value_T[side], 1) for side in (slice(None, 2), slice(-2, None)))
    inner_T = np.interp(at_T, known_T, value_T)
    inner_T = np.where(at_T < known_T[0], np.polyval(first, at_T), inner_T)
    return np.where(at_T > known_T[-1], np.polyval(last, at_T), inner_T)
