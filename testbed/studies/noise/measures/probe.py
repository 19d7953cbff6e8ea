"""What the paper's assumptions are about: vectors, scores and slopes of every layer, on windows of a world."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from testbed.ground.hasty import once
from testbed.model import observing
from testbed.model.lipschitz import Slope, attention_lipschitz, feedforward_lipschitz
from testbed.model.observation import Observation
from testbed.model.transformer import Transformer
from testbed.sources import Source

AT_ONCE = 8
"""Windows that are worked on together, and windows whose attention is differentiated."""

PLACES = 2048
"""Places, at most, at which a feed-forward network is differentiated; drawn at random where there are more."""

STEPS = 100
"""Of each power iteration."""


class Probe(NamedTuple):
    """What one layer does on B windows; place 0 holds the start vector."""

    query_BLHK: Float[Array | np.ndarray, "B L H K"]
    key_BLHK: Float[Array | np.ndarray, "B L H K"]
    value_BLHK: Float[Array | np.ndarray, "B L H K"]
    scores_BHL: Float[Array | np.ndarray, "B H L"]
    """Scores of the last query, before any temperature."""
    effective_BH: Float[Array | np.ndarray, "B H"]
    """Effective sample size 1/Σa² of the last query."""
    feedforward_BLM: Float[Array | np.ndarray, "B L M"]
    attention_slope: Slope
    """On a few windows."""
    feedforward_slope: Slope
    """At some places of all windows."""


def probe(
    model: Transformer, params: dict[str, Any], source: Source, *, length: int, sequences: int, key: Key[Array, ""]
) -> list[Probe]:
    """Return what each layer does on independent windows of ``length`` tokens.

    Error: float32; slopes are lower bounds, see `local_lipschitz`. Work and memory are of order L² a window, memory for
    8 windows at a time. A program is compiled for each model and shape.
    """
    world = source.for_window(length)
    if world.alphabet > model.vocabulary:
        raise ValueError(
            f"vocabulary={model.vocabulary} is refused: the world has {world.alphabet} symbols; "
            f"use vocabulary={world.alphabet}."
        )
    world_key, noise_key, place_key, *slope_keys = jax.random.split(key, 5)
    tokens_BL = _sampled(world.sample, length, world.tables(), jax.random.split(world_key, sequences))
    rng = np.random.default_rng(np.asarray(jax.random.key_data(place_key)))
    place_R = rng.permutation(tokens_BL.size)[:PLACES].astype(np.int32)
    found = _probed(model, params, tokens_BL, jax.random.split(noise_key, sequences), place_R, tuple(slope_keys))
    return [jax.tree.map(np.asarray, layer) for layer in found]


@functools.partial(once, static=(0, 1))
def _sampled(kernel: Any, length: int, tables: Any, key_B: Key[Array, " B"]) -> Int[Array, "B L"]:
    tokens_BL: Array = jax.vmap(lambda key: kernel(tables, key=key, length=length)[0])(key_B)
    return tokens_BL


@functools.partial(once, static=(0,))
def _probed(
    model: Transformer,
    params: dict[str, Any],
    tokens_BL: Int[Array, "B L"],
    noise_B: Key[Array, " B"],
    place_R: Int[Array, " R"],
    slope_keys: tuple[Key[Array, ""], Key[Array, ""]],
) -> list[Probe]:
    from testbed.model import network  # late, as it imports flax

    seen = _observed(model, params, tokens_BL, noise_B)

    def one(layer: int) -> Probe:
        entering_BLM, read_BLM = seen.into_attention_NBLM[layer], seen.into_feedforward_NBLM[layer]
        q_BLHK, k_BLHK, v_BLHK = network.bind(model, params).block(layer).project(entering_BLM)
        few_BLM, read_RM = entering_BLM[:AT_ONCE], read_BLM.reshape(-1, model.width)[place_R]
        return Probe(
            q_BLHK,
            k_BLHK,
            v_BLHK,
            network.scores(model, q_BLHK[:, -1:], k_BLHK)[:, :, 0],
            seen.effective_NBH[layer],
            seen.feedforward_NBLM[layer],
            attention_lipschitz(model, params, layer, few_BLM, key=slope_keys[0], steps=STEPS),
            feedforward_lipschitz(model, params, layer, read_RM, key=slope_keys[1], steps=STEPS),
        )

    return [one(layer) for layer in range(model.layers)]


def _observed(
    model: Transformer, params: dict[str, Any], tokens_BL: Int[Array, "B L"], noise_B: Key[Array, " B"]
) -> Observation:
    """Every layer at every place, some windows at a time, each window with a noise of its own."""

    def one(window: tuple[Int[Array, " L"], Key[Array, ""]]) -> Observation:
        tokens_L, own = window
        alone: Observation = jax.tree.map(
            lambda leaf: leaf[:, 0], observing.observe(model, params, tokens_L[None], key=own)
        )
        return alone

    by_window = jax.lax.map(one, (tokens_BL, noise_B), batch_size=AT_ONCE)
    found: Observation = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), by_window)
    return found
