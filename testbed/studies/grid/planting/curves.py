"""How the course of training is bent so that the time of a fall, or the length of the plateau, is a given one."""

import dataclasses
from collections.abc import Callable

import numpy as np

from testbed.studies.grid.planting.planter import Planter
from testbed.studies.grid.surface import Falls, Surface

LEAST_DECADES = 0.01
"""No stretch takes less."""
POSITIVE = (0.0, np.inf)


def _falls(surface: Surface) -> Falls:
    """Return the course of a surface that has one; `foresight` asks for no other."""
    if surface.falls is None:
        raise ValueError("falls=None: a surface without a course has no times; add Counting(order=0) to references.")
    return surface.falls


def _first(surface: Surface) -> float:
    found = _falls(surface)
    return found.when((found.uniform + found.unigram) / 2, float(surface.online_P[-1]))


def _second(surface: Surface) -> float:
    found = _falls(surface)
    return found.when(found.unigram / 2, float(surface.online_P[-1]))


def _apart(surface: Surface) -> float:
    return _second(surface) - _first(surface)


def _pause(surface: Surface) -> float:
    _, above, at, below, _ = _falls(surface).decades_5
    return at - max(above, below)


def _end(surface: Surface) -> float:
    return float(surface.online_P[-1]) / _falls(surface).unigram


def _with(surface: Surface, start: float, decades_5: np.ndarray) -> Surface:
    """Return the surface with another course."""
    decades = tuple(np.maximum(decades_5, LEAST_DECADES).tolist())
    return dataclasses.replace(surface, falls=dataclasses.replace(_falls(surface), start=start, decades_5=decades))


def _later(time: Callable[[Surface], float]) -> Callable[[Surface, float], Surface]:
    """Return what stretches the whole course until a time is a given one."""

    def bent(surface: Surface, value: float) -> Surface:
        factor, found = value / time(surface), _falls(surface)
        return _with(surface, factor * found.start, factor * np.array(found.decades_5))

    return bent


def _stretched(surface: Surface, value: float) -> Surface:
    found = _falls(surface)
    return _with(surface, found.start, value / _apart(surface) * np.array(found.decades_5))


def _stayed(surface: Surface, decades: float) -> Surface:
    found = _falls(surface)
    decades_5 = np.array(found.decades_5)
    decades_5[2] = decades
    return _with(surface, found.start, decades_5)


def _paused(surface: Surface, value: float) -> Surface:
    """Return the course with this pause: where it takes slower neighbours, both are slowed."""
    found = _falls(surface)
    decades_5 = np.array(found.decades_5)
    decades_5[[1, 3]] = np.maximum(decades_5[[1, 3]], LEAST_DECADES - value)
    decades_5[2] = value + decades_5[[1, 3]].max()
    return _with(surface, found.start, decades_5)


def _ended(surface: Surface, value: float) -> Surface:
    factor_P = np.ones(len(surface.sizes))
    factor_P[-1] = value / _end(surface)
    bias_P = surface.bias_P * factor_P
    return dataclasses.replace(
        surface, bias_P=bias_P, gap_PT=surface.gap_PT * factor_P[:, None], floor_P=np.minimum(surface.floor_P, bias_P)
    )  # fmt: skip


CURVES: dict[str, Planter] = {
    "first_fall": Planter(_first, _later(_first), domain=POSITIVE, nats=False, falls=True),
    "second_fall": Planter(_second, _later(_second), domain=POSITIVE, nats=False, falls=True),
    "falls_apart": Planter(_apart, _stretched, domain=POSITIVE, nats=False, falls=True),
    "plateau_length": Planter(
        lambda s: _falls(s).decades_5[2], _stayed, domain=(LEAST_DECADES, np.inf), nats=False, falls=True
    ),
    "plateau_pause": Planter(_pause, _paused, nats=False, falls=True),
    "end_over_plateau": Planter(_end, _ended, domain=POSITIVE, nats=False, falls=True),
}
"""Planters of the estimates of `testbed.studies.grid.estimates.plateaus`."""
