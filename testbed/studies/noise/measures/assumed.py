"""Whether a model keeps the paper's assumptions where it is used: each of A1 to A4, measured on windows of a world."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Key

from testbed.model.attention.softmax import Softmax
from testbed.model.lipschitz import Slope
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.stats.two_sample import two_sample
from testbed.studies.noise.measures.probe import Probe, probe

COLUMNS = ["assumption", "layer", "quantity", "value", "floor", "note"]

DIRECTIONS, RELABELLINGS = 8, 20

NOT_FINITE = "The number is not finite in the model's float32."

_ENDS = {"median": 0.5, "maximum": 1.0}
_LEVELS = {"median": 0.5, "95 % quantile": 0.95, "99.9 % quantile": 0.999, "maximum": 1.0}


class Found(NamedTuple):
    """What was measured of one layer, None where there is no such thing; and what no violation would show."""

    quantity: str
    value: float | None
    note: str
    floor: float = math.nan


def assumed(
    model: Transformer, params: dict[str, Any], source: Source, *, length: int, sequences: int, key: Key[Array, ""]
) -> pd.DataFrame:
    """Return for every layer (from 1) what the model does about each assumption on windows of ``length`` tokens.

    - A1, bounded Q, K, V: quantiles of the vectors' norms over places, heads and windows; and the spread of the last
      query's scores over tokens, in the unit in which weights are their exponentials.
    - A2, Lipschitz attention: the largest singular value of the Jacobian of A in all its inputs, on 8 windows; the
      constant of the weights in their scores; and the effective sample size of the last query over n.
    - A3, stationary laws of q, k and v: D of `two_sample` on the vectors of all heads, without the start vector.
      Between *places*, the first token's and the last query's, in different windows: another law at another place.
      Between *halves* of a window: a law that changes within it.
      Between *windows*: falls as n^(−1/2) where correlations along the window are summable, and stays where each
      window keeps a law of its own, as with one regime for ever or blocks that grow with n.
    - A4, Lipschitz and bounded FFN: the largest singular value of its Jacobian, its output's length, and the bounds
      L_F and M_F of both.

    The floor of D is its mean over relabellings, in which the vectors of both samples are i.i.d. of one law, that of
    their pool: all windows at both places, all places of one window, or all places of two windows. Vectors correlated
    along the window lie above it in an ergodic world too, by a factor that settles as n grows. Beyond the first layer
    all D may stay above it at any n and in any world: what a place averaged depends on the place and is shared by its
    neighbours, and a KS distance sees that spread about each token's own value however small it is.

    Error: no intervals; a maximum grows with the number of vectors where nothing bounds it; slopes are lower bounds of
    the local constant and blind to jumps; for D see `two_sample`. What is not finite is NaN, and its note says so.
    """
    if length < 3 or sequences < 4:
        raise ValueError(
            f"length={length} and sequences={sequences} are refused: windows are halved, and compared two and two; "
            "use at least 3 tokens and 4 sequences, for example 256 and 64."
        )
    probe_key, label_key = jax.random.split(key)
    seed, rows = int(jax.random.bits(label_key)), []
    for layer, seen in enumerate(probe(model, params, source, length=length, sequences=sequences, key=probe_key), 1):
        parts = {
            "A1": _bounded(model, seen),
            "A2": _attention(model, seen),
            "A3": _stationary(seen, seed),
            "A4": _feedforward(model, seen),
        }
        rows += [(name, layer, *_finite(found)) for name, part in parts.items() for found in part]
    table = pd.DataFrame(rows, columns=["assumption", "layer", *Found._fields])
    return table.astype({"value": float, "floor": float})[COLUMNS]


def _bounded(model: Transformer, seen: Probe) -> Iterator[Found]:
    for name, vectors_BLHK in _vectors(seen):
        bound = getattr(model, f"{name}_bound")
        note = f"No bound holds a {name}." if bound is None else f"Each {name} is held to {bound} by projection."
        yield from _levels(f"{name} norm", np.linalg.norm(vectors_BLHK, axis=-1), _LEVELS, note)
    temperature = model.attention.temperature if isinstance(model.attention, Softmax) else 1.0
    scores_BHL = np.asarray(seen.scores_BHL[..., 1:], np.float64) / temperature
    freezing = math.sqrt(2 * math.log(scores_BHL.shape[-1]))
    note = f"Standard deviation over tokens, mean over heads and windows; Gaussian scores freeze beyond {freezing:.2f}."
    with np.errstate(invalid="ignore"):  # infinite scores
        yield Found("score spread", float(scores_BHL.std(axis=-1).mean()), note)


def _attention(model: Transformer, seen: Probe) -> Iterator[Found]:
    stated, quantity = model.attention.lipschitz, "slope of the weights, stated bound"
    yield from _slopes("attention slope", seen.attention_slope, "windows", stated)
    if math.isfinite(stated):
        yield Found(quantity, stated, "A row of weights moves at most so many times as far as its scores.")
    else:
        yield Found(quantity, None, "Weights jump, so that no constant exists.")
    length = seen.scores_BHL.shape[-1]
    note = f"1/Σa² of the last query over n = {length}, mean over heads and windows."
    yield Found("effective sample size over n", float(seen.effective_BH.mean()) / length, note)


def _stationary(seen: Probe, seed: int) -> Iterator[Found]:
    for name, vectors_BLHK in _vectors(seen):
        x_BLM = vectors_BLHK[:, 1:].reshape(len(vectors_BLHK), -1, math.prod(vectors_BLHK.shape[2:]))
        for what, pair in {"places": _places(x_BLM), "halves": _halves(x_BLM), "windows": _windows(x_BLM)}.items():
            found = two_sample(*pair, directions=DIRECTIONS, relabellings=RELABELLINGS, seed=seed)
            if isinstance(found, str):
                yield Found(f"{name} law, between {what}", None, f"{found.capitalize()}.")
            else:
                note = f"KS distance of {found.n} vectors and as many, mean over {len(pair[0])} pairs."
                yield Found(f"{name} law, between {what}", found.distance, note, found.floor)


def _feedforward(model: Transformer, seen: Probe) -> Iterator[Found]:
    yield from _slopes("feed-forward slope", seen.feedforward_slope, "places", model.feedforward.lipschitz)
    norm_BL = np.linalg.norm(np.asarray(seen.feedforward_BLM, np.float64), axis=-1)
    yield from _levels("feed-forward norm", norm_BL, _ENDS, "Length of the output, over places and windows.")
    for name, bound in (("slope", model.feedforward_lipschitz), ("norm", model.feedforward_bound)):
        note = "Nothing holds the network to a bound." if bound is None else "The network is held to it."
        yield Found(f"feed-forward {name}, stated bound", bound, note)


def _vectors(seen: Probe) -> Iterator[tuple[str, Float[np.ndarray, "B L H K"]]]:
    for name in ("query", "key", "value"):
        yield name, np.asarray(getattr(seen, f"{name}_BLHK"), np.float64)


def _places(x_BLM: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last place, each in the other half of the windows; then the halves change roles."""
    one_BLM, other_BLM = _windows(x_BLM)
    return np.stack([one_BLM[:, 0], other_BLM[:, 0]]), np.stack([other_BLM[:, -1], one_BLM[:, -1]])


def _halves(x_BLM: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Halves of each window; of an odd number of places the middle one is left out."""
    half = x_BLM.shape[1] // 2
    return x_BLM[:, :half], x_BLM[:, -half:]


def _windows(x_BLM: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Disjoint pairs of windows; of an odd number the last one is left out."""
    pairs = len(x_BLM) // 2
    return x_BLM[:pairs], x_BLM[pairs : 2 * pairs]


def _levels(name: str, values: np.ndarray, levels: dict[str, float], note: str) -> Iterator[Found]:
    with np.errstate(invalid="ignore"):  # infinite values
        at = np.quantile(values, list(levels.values()))
    yield from (Found(f"{name}, {level}", float(value), note) for level, value in zip(levels, at, strict=True))


def _slopes(name: str, slope: Slope, where: str, stated: float) -> Iterator[Found]:
    blind = "" if math.isfinite(stated) else "; jumps and infinite slopes are not seen"
    left = f"a residual of at most {np.max(slope.residual):.1g}"
    note = f"Power iteration on {slope.value.size} {where} leaves {left}{blind}."
    yield from _levels(name, np.asarray(slope.value, np.float64), _ENDS, note)


def _finite(found: Found) -> Found:
    if found.value is None or math.isfinite(found.value):
        return found
    return found._replace(value=None, note=NOT_FINITE)
