"""How a surface is bent so that the true value of an estimate is a given one: a planter for each estimate."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from testbed.studies.grid.planting.curves import CURVES
from testbed.studies.grid.planting.planter import ENDLESS, NATS, NUMBER, Planter
from testbed.studies.grid.surface import LEAST, Surface

__all__ = ["ENDLESS", "NATS", "NUMBER", "PLANTERS", "Planter", "bend_of", "bent", "stepped"]


def _with_bias(surface: Surface, bias_P: np.ndarray) -> Surface:
    """Return the surface with another B, lifted as a whole where it would not be above zero, and floors below it."""
    bias_P = bias_P + max(LEAST - float(bias_P.min()), 0.0)
    return dataclasses.replace(surface, bias_P=bias_P, floor_P=np.minimum(surface.floor_P, bias_P))


def stepped(value_P: Float[np.ndarray, " P"], step: float) -> Float[np.ndarray, " P"]:
    """Return values of which the largest step is this one, the last value and all smaller steps kept as they are."""
    steps = np.diff(value_P)
    bent = np.minimum(steps, step)
    bent[int(np.argmax(steps))] = step
    return np.asarray(value_P[-1] - np.append(np.cumsum(bent[::-1])[::-1], 0.0))


def _log_slope(x: tuple[int, ...], value_P: np.ndarray) -> float:
    """Return the least-squares slope of log value on log x."""
    return float(np.polyfit(np.log(x), np.log(value_P), 1)[0])


def _tilted(x: tuple[int, ...], exponent: float, by: float) -> np.ndarray:
    """Return the factors that change an exponent −d log / d log x to another one, of geometric mean 1."""
    log_x = np.log(x)
    return np.asarray(np.exp((exponent - by) * (log_x - log_x.mean())))


def _bias_exponent(surface: Surface, value: float) -> Surface:
    own = -_log_slope(surface.sizes, surface.bias_P)
    return _with_bias(surface, surface.bias_P * _tilted(surface.sizes, own, value))


def _online_exponent(surface: Surface, value: float) -> Surface:
    factor_P = _tilted(surface.sizes, -_log_slope(surface.sizes, surface.online_P), value)
    bent = _with_bias(surface, surface.bias_P * factor_P)
    return dataclasses.replace(bent, gap_PT=surface.gap_PT * factor_P[:, None])


def _online_step(surface: Surface, value: float) -> Surface:
    return _with_bias(surface, stepped(surface.online_P, value) - surface.gap_PT[:, -1])


def _slopes(surface: Surface, value_P: np.ndarray) -> np.ndarray:
    """Return the slope over log P of each step in size."""
    return np.asarray(np.diff(value_P) / np.diff(np.log(surface.sizes)))


def bend_of(log_x: np.ndarray, value_P: np.ndarray) -> np.ndarray:
    """Return the changes of slope over log x from each step to the next."""
    return np.diff(np.diff(value_P) / np.diff(log_x))


def bent(log_x: np.ndarray, value_P: np.ndarray, least: float) -> np.ndarray:
    """Return values whose least bend is this one; the last slope and the last value stay."""
    slopes, bends = np.diff(value_P) / np.diff(log_x), bend_of(log_x, value_P)
    raised = np.maximum(bends, least)
    raised[int(np.argmin(bends))] = least
    slopes = slopes[-1] - np.append(np.cumsum(raised[::-1])[::-1], 0.0)
    steps = slopes * np.diff(log_x)
    return np.asarray(value_P[-1] - np.append(np.cumsum(steps[::-1])[::-1], 0.0))


def _online_bend(surface: Surface, value: float) -> Surface:
    """Return the surface on which K of fresh data has this bend, by another B beneath it."""
    return _with_bias(surface, bent(np.log(surface.sizes), surface.online_P, value) - surface.gap_PT[:, -1])


def _residue(surface: Surface, value: float) -> Surface:
    """Return the surface whose largest size has Ω/(B + Ω) of this value, at the same K at the longest horizon."""
    k, gap_PT, bias_P = float(surface.online_P[-1]), surface.gap_PT.copy(), surface.bias_P.copy()
    gap_PT[-1] *= max(value, 1e-6) * k / gap_PT[-1, -1]
    bias_P[-1] = (1 - min(value, 1 - 1e-6)) * k
    return dataclasses.replace(
        surface, bias_P=bias_P, gap_PT=gap_PT, floor_P=np.minimum(surface.floor_P, bias_P)
    )  # fmt: skip


def _exponents(surface: Surface) -> np.ndarray:
    """Return the local exponents of V between neighbouring D, of every size."""
    return np.asarray(-np.diff(np.log(surface.variance_PD), axis=1) / np.diff(np.log(surface.tokens)))


def _one_law(surface: Surface, exponent: float) -> Surface:
    """Return the surface on which V = C_P · D^−β, with the geometric mean over D that it had."""
    log_D = np.log(surface.tokens)
    level_P = np.log(surface.variance_PD).mean(1)
    law_PD = np.exp(level_P[:, None] - exponent * (log_D - log_D.mean()))
    return dataclasses.replace(surface, variance_PD=law_PD)


def _pooled(surface: Surface) -> float:
    """Return the exponent of V by least squares with one slope for all sizes."""
    log_D = np.log(surface.tokens) - np.log(surface.tokens).mean()
    return float(-(np.log(surface.variance_PD).mean(0) @ log_D) / (log_D @ log_D))


def _departed(surface: Surface, value: float) -> Surface:
    """Return one law of V whose exponent is off 1 by this, to the side on which the guess is."""
    return _one_law(surface, 1 + (value if _pooled(surface) >= 1 or value >= 1 else -value))


def _falling(value_NX: np.ndarray, step: float) -> np.ndarray:
    """Return rows of which the largest step is this one; a row is lifted where it would not be above zero."""
    steps = np.diff(value_NX, axis=1)
    bent = np.minimum(steps, step)
    bent[np.unravel_index(int(np.argmax(steps)), steps.shape)] = step
    falls = np.cumsum(bent[:, ::-1], axis=1)[:, ::-1]
    rows = value_NX[:, -1:] - np.concatenate([falls, np.zeros((len(falls), 1))], axis=1)
    return np.asarray(rows + np.maximum(LEAST - rows.min(1, keepdims=True), 0.0))


def _variance_step(surface: Surface, value: float) -> Surface:
    return dataclasses.replace(surface, variance_PD=_falling(surface.variance_PD, value))


def _size_step(surface: Surface, value: float) -> Surface:
    return dataclasses.replace(surface, variance_PD=_falling(surface.variance_PD.T, value).T)


def _fewest(surface: Surface) -> float:
    return float(np.log(surface.variance_PD[:, 0] / surface.bias_P).min())


def _most(surface: Surface) -> float:
    return float(np.log(surface.bias_P / surface.variance_PD[:, -1]).min())


def _scaled(surface: Surface, log_factor: float) -> Surface:
    return dataclasses.replace(surface, variance_PD=surface.variance_PD * math.exp(log_factor))


def _correlation(surface: Surface) -> float:
    """Return the correlation of log K online with log V, D by D less its mean over sizes."""
    log_k, log_v = np.log(surface.online_P), np.log(surface.variance_PD)
    log_k, log_v = log_k - log_k.mean(), log_v - log_v.mean(0)
    return float((log_k @ log_v).sum() / np.sqrt((log_k @ log_k) * log_v.shape[1] * (log_v**2).sum()))


def _correlated(surface: Surface, value: float) -> Surface:
    """Return the surface on which V goes with K online so far, D by D, and else with a bow over sizes."""
    count = len(surface.sizes)
    log_k, log_v = np.log(surface.online_P), np.log(surface.variance_PD)
    unit = (log_k - log_k.mean()) / log_k.std()
    bow = (np.arange(count) - (count - 1) / 2) ** 2
    bow = bow - bow.mean()
    bow -= unit * (unit @ bow) / (unit @ unit)
    mixed = value * unit + math.sqrt(max(1 - value**2, 0.0)) * bow / bow.std()
    spread = max(float(log_v.std(0).mean()), 0.1)
    return dataclasses.replace(surface, variance_PD=np.exp(log_v.mean(0) + spread * mixed[:, None]))


def _data_exponent(surface: Surface) -> float:
    """Return the exponent of K of the largest size over its stored D."""
    return -_log_slope(surface.tokens, surface.bias_P[-1] + surface.variance_PD[-1])


def _one_loss(surface: Surface, exponent: float) -> Surface:
    """Return the surface on which K of the largest size is C·D^−exponent, of the geometric mean that it had.

    Where its B would leave nothing to V, it is lowered, its floor with it.
    """
    k_D = surface.bias_P[-1] + surface.variance_PD[-1]
    log_D = np.log(surface.tokens)
    law_D = np.exp(np.log(k_D).mean() - exponent * (log_D - log_D.mean()))
    bias_P, variance_PD = surface.bias_P.copy(), surface.variance_PD.copy()
    bias_P[-1] = min(bias_P[-1], 0.9 * law_D.min())
    variance_PD[-1] = law_D - bias_P[-1]
    return dataclasses.replace(
        surface, bias_P=bias_P, variance_PD=variance_PD, floor_P=np.minimum(surface.floor_P, bias_P)
    )  # fmt: skip


def _replaced(field: str) -> Callable[[Surface, float], Surface]:
    def bent(surface: Surface, value: float) -> Surface:
        named: dict[str, Any] = {field: value}
        return dataclasses.replace(surface, **named)

    return bent


PLANTERS: dict[str, Planter] = {
    "lowest_excess": Planter(
        lambda s: min(float(s.online_P.min()), float((s.bias_P[:, None] + s.variance_PD).min())), _replaced("lowest")
    ),
    "bias_exponent": Planter(lambda s: -_log_slope(s.sizes, s.bias_P), _bias_exponent, nats=False, sizes=2),
    "bias_step": Planter(
        lambda s: float(np.diff(s.bias_P).max()), lambda s, v: _with_bias(s, stepped(s.bias_P, v)), sizes=2
    ),
    "bias_bend": Planter(
        lambda s: float(np.diff(_slopes(s, s.bias_P)).min()),
        lambda s, v: _with_bias(s, bent(np.log(s.sizes), s.bias_P, v)),
        sizes=3,
    ),
    "online_bend": Planter(lambda s: float(np.diff(_slopes(s, s.online_P)).min()), _online_bend, sizes=3),
    "online_exponent": Planter(lambda s: -_log_slope(s.sizes, s.online_P), _online_exponent, nats=False, sizes=2),
    "online_step": Planter(lambda s: float(np.diff(s.online_P).max()), _online_step, sizes=2),
    "optimisation_residue": Planter(
        lambda s: float(s.gap_PT[-1, -1] / s.online_P[-1]), _residue, domain=(0.0, 1.0), nats=False
    ),
    "variance_exponent": Planter(_pooled, _one_law, nats=False, tokens=2),
    "data_exponent": Planter(_data_exponent, _one_loss, nats=False, tokens=2),
    "variance_departure": Planter(
        lambda s: float(np.abs(_exponents(s) - 1).max()), _departed, domain=(0.0, math.inf), nats=False, tokens=2
    ),
    "variance_step": Planter(lambda s: float(np.diff(s.variance_PD, axis=1).max()), _variance_step, tokens=2),
    "variance_size_step": Planter(lambda s: float(np.diff(s.variance_PD, axis=0).max()), _size_step, sizes=2),
    "variance_over_bias": Planter(_fewest, lambda s, v: _scaled(s, v - _fewest(s)), nats=False),
    "bias_over_variance": Planter(_most, lambda s, v: _scaled(s, _most(s) - v), nats=False),
    "bias_variance_correlation": Planter(_correlation, _correlated, domain=(-1.0, 1.0), nats=False, sizes=6),
    "parts_add_up": Planter(lambda s: abs(s.leak), _replaced("leak"), domain=(0.0, math.inf)),
    "bias_on_tokens": Planter(lambda s: abs(s.drift), _replaced("drift"), domain=(0.0, math.inf), nats=False),
    "biases_apart": Planter(
        lambda s: abs(s.apart), lambda s, v: dataclasses.replace(s, drift=0.0, apart=v), domain=(0.0, math.inf)
    ),
    "identity_closure": Planter(lambda s: s.closure, _replaced("closure"), domain=(0.0, math.inf)),
    **CURVES,
}
"""By the name of the estimate; those of a measure that is added have none, and their claims are told as unplanted."""
