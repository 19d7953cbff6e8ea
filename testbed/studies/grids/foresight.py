"""What can be expected of grids before they have run, claim by claim."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np

from testbed.sources import Budget
from testbed.store import Store
from testbed.studies.grid import foresight as one_grid
from testbed.studies.grid.planting import ENDLESS, NATS, NUMBER, bend_of, bent, stepped
from testbed.studies.grid.surface import LEAST, Surface, surface
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.studies.grids.asked import Asked
from testbed.studies.grids.simulated import Law, losses, simulated
from testbed.study import Foresight, Planted
from testbed.verdict import Claim
from testbed.verdict.forecast import placed

Knobs = Mapping[str, Callable[[], Foresight]]

ROUGH = Budget(contexts=2**10, tokens=2**12)
"""Enough for the entropy of a guess, which no verdict rests on."""

MORE = 2
"""Factor by which replicates and windows are raised to see what that would decide."""


class Planter(NamedTuple):
    """The true value that an estimate has under a law, and the law under which it has another one."""

    true: Callable[[Asked, Law], float]
    bent: Callable[[Asked, Law, float], Law]
    domain: tuple[float, float] = ENDLESS
    nats: bool = False
    """Whether it is one of losses, in nats; other numbers have nothing to do with these, which are then drawn once."""


def foresight(study: Asked, store: Store | None) -> Foresight:
    """Return what is expected: losses of pilots once all have run, or of a guess; SNR and scores of a guess."""
    surfaces = tuple(
        surface(plane.study, None if store is None else store.part_of(plane.prefix), ROUGH) for plane in study.planes
    )
    guess = study.signal
    law = Law(
        surfaces, guess.snr, guess.power, guess.noise_power, guess.rise, guess.scatter, guess.windows, 0.0,
        guess.width, guess.width, guess.score_noise,
    )  # fmt: skip
    law = dataclasses.replace(law, threshold=_middle(study, law))
    knobs: Knobs = {words: functools.partial(_expected, each, law) for words, each in _knobs(study)}
    return _expected(study, law, knobs)


def _expected(study: Asked, law: Law, knobs: Knobs | None = None) -> Foresight:
    basis = law.surfaces[0].basis
    cost = sum(plane.study.work_flops for plane in study.planes)
    return Foresight(basis, functools.partial(_planted, study, law), cost, knobs or {})


def _planted(study: Asked, law: Law, claim: Claim) -> Planted | str:
    """Return how the number of a claim is planted into the law, or into the plane that it is about."""
    planter = PLANTERS.get(claim.quantity)
    if planter is None and claim.about in [place.label for place in study.places]:
        return _in_plane(study, law, claim)
    if planter is None:
        return f"nothing plants a value of {claim.quantity}."
    own = min(max(planter.true(study, law), planter.domain[0]), planter.domain[1])
    least = NATS * float(law.surfaces[0].bias_P.mean()) if planter.nats else NUMBER

    once = functools.cache(lambda: losses(study, law, np.random.default_rng(study.seed)))

    def draw(value: float, rng: np.random.Generator) -> GridsAnalysis:
        bent = planter.bent(study, law, value)
        return simulated(study, bent, rng, losses(study, bent, rng) if planter.nats else once())

    return Planted(placed(claim.region, own, least=least, domain=planter.domain), draw)


def _in_plane(study: Asked, law: Law, claim: Claim) -> Planted | str:
    """Return how a number of a plain grid is planted into its plane."""
    number = [place.label for place in study.places].index(str(claim.about))
    own = study.planes[number].study
    found = one_grid.planted(own, law.surfaces[number].at(own.training.horizons), claim)
    if isinstance(found, str):
        return found

    def draw(value: float, rng: np.random.Generator) -> GridsAnalysis:
        return GridsAnalysis(study, (found.draw(value, rng),) * len(study.planes))

    return Planted(found.places, draw)


def _knobs(study: Asked) -> list[tuple[str, Asked]]:
    """Return the study with one knob turned up, as far as each may be."""
    grid, evaluation = study.grid, study.evaluation
    turned: dict[str, Callable[[], dict[str, Any]]] = {
        f"evaluation.sequences × {MORE}": lambda: {
            "evaluation": msgspec.structs.replace(evaluation, sequences=MORE * evaluation.sequences)
        },
        f"grid.replicates × {MORE}": lambda: {"grid": msgspec.structs.replace(grid, replicates=MORE * grid.replicates)},
    }
    found = []
    for words, fields in turned.items():
        try:
            found.append((words, msgspec.structs.replace(study, **fields())))
        except ValueError:  # beyond what can be asked for
            continue
    return found


def _middle(study: Asked, law: Law) -> float:
    """Return the middle of log SNR over all planes: where a threshold is guessed."""
    every = np.concatenate([law.log_snr(study, place).reshape(-1) for place in study.places])
    return float(every.max() + every.min()) / 2


def _losses(study: Asked, law: Law) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return log n, rising, E[loss] of the largest size on fresh data at each, and the planes in this order."""
    order = sorted(range(len(study.places)), key=lambda number: study.places[number].context)
    lengths = np.array([study.places[number].context for number in order], dtype=float)
    losses = np.array([law.surfaces[number].epsilon + law.surfaces[number].online_P[-1] for number in order])
    return np.log(lengths), losses, order


def _with_losses(law: Law, order: list[int], by_N: np.ndarray) -> Law:
    """Return the law with K of each plane moved, and all lifted where one would not be above zero."""
    lowest = min(float(law.surfaces[number].bias_P.min() + by) for number, by in zip(order, by_N, strict=True))
    surfaces = list(law.surfaces)
    for number, by in zip(order, by_N + max(LEAST - lowest, 0.0), strict=True):
        surfaces[number] = _moved(law.surfaces[number], by)
    return dataclasses.replace(law, surfaces=tuple(surfaces))


def _moved(own: Surface, by: float) -> Surface:
    bias_P = own.bias_P + by
    return dataclasses.replace(own, bias_P=bias_P, floor_P=np.minimum(own.floor_P, bias_P))


def _step(study: Asked, law: Law, value: float) -> Law:
    _, losses, order = _losses(study, law)
    return _with_losses(law, order, stepped(losses, value) - losses)


def _bend(study: Asked, law: Law, value: float) -> Law:
    log_n, losses, order = _losses(study, law)
    return _with_losses(law, order, bent(log_n, losses, value) - losses)


def _excesses(study: Asked, law: Law) -> np.ndarray:
    _, losses, order = _losses(study, law)
    return np.asarray(losses - [law.surfaces[number].epsilon for number in order])


def _excess(study: Asked, law: Law, value: float) -> Law:
    k_N, order = _excesses(study, law), _losses(study, law)[2]
    return _with_losses(law, order, stepped(k_N, value) - k_N)


def _field(name: str) -> tuple[Callable[[Asked, Law], float], Callable[[Asked, Law, float], Law]]:
    """Return what reads and what replaces a field of the law."""

    def replaced(study: Asked, law: Law, value: float) -> Law:
        named: dict[str, Any] = {name: value}
        return dataclasses.replace(law, **named)

    return lambda study, law: float(getattr(law, name)), replaced


def _decades(name: str) -> tuple[Callable[[Asked, Law], float], Callable[[Asked, Law, float], Law]]:
    """Return the same for a field in natural logarithms that is told in decades."""
    read, replaced = _field(name)
    scale = math.log(10)
    return lambda study, law: read(study, law) / scale, lambda study, law, value: replaced(study, law, value * scale)


POSITIVE = (0.0, math.inf)

PLANTERS: dict[str, Planter] = {
    "context_step": Planter(lambda s, law: float(np.diff(_losses(s, law)[1]).max()), _step, nats=True),
    "context_bend": Planter(lambda s, law: float(bend_of(*_losses(s, law)[:2]).min()), _bend, nats=True),
    "context_excess": Planter(lambda s, law: float(np.diff(_excesses(s, law)).max()), _excess, nats=True),
    **{
        f"{reading}_{name}": planter
        for reading in ("contexts", "trainings")
        for name, planter in {
            "data_power": Planter(*_field("power")),
            "data_departure": Planter(
                lambda s, law: abs(law.power - 1),
                lambda s, law, value: dataclasses.replace(law, power=1 + math.copysign(value, law.power - 1)),
                POSITIVE,
            ),
            "noise_power": Planter(*_field("noise_power")),
            "noise_departure": Planter(
                lambda s, law: abs(law.noise_power - 1),
                lambda s, law, value: dataclasses.replace(
                    law, noise_power=1 + math.copysign(value, law.noise_power - 1)
                ),
                POSITIVE,
            ),
            "size_step": Planter(*_field("rise")),
        }.items()
    },
    "threshold_place": Planter(*_decades("threshold")),
    "threshold_width": Planter(*_field("width"), POSITIVE),
    "threshold_width_sharp": Planter(*_field("sharp_width"), POSITIVE),
    "threshold_shift": Planter(*_decades("shift"), POSITIVE),
    "threshold_between": Planter(*_decades("family_shift"), POSITIVE),
}
"""By the name of the estimate; what SNR foretells beside other numbers is planted by none."""
