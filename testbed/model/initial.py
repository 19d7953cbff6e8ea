"""Initial values: every parameter has a random stream with its own name, and all are drawn at once.

Named streams: switching one part of the model leaves the initial values of all the others as they were. One draw,
in chunks: the compiler handles one random generator, not one for each array, which took longer than the gradient.
"""

import math
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from testbed.model import network
from testbed.model.transformer import Transformer

_CHUNK = 64
_READOUT_GAIN = 0.1


def init(config: Transformer, *, key: Key[Array, ""]) -> dict[str, Any]:
    """Return fresh float32 parameters, as nested dicts whose names end in the arrays' axes.

    A parameter depends on the key, its own name and its own shape (its scale on the fan-in and depth): models that
    differ in one switch start from the same values wherever they share a parameter.
    """
    deviations = _deviations(config)
    leaves, tree = jax.tree_util.tree_flatten_with_path(network.blank(config))
    drawn = [(path, leaf) for path, leaf in leaves if path[-1].key in deviations]
    numbers = iter(_normals(key, {jax.tree_util.keystr(path): leaf.size for path, leaf in drawn}))
    values = [
        next(numbers).reshape(leaf.shape) * deviations[path[-1].key] if path[-1].key in deviations else leaf
        for path, leaf in leaves
    ]
    params: dict[str, Any] = jax.tree.unflatten(tree, values)
    return params


def _deviations(config: Transformer) -> dict[str, float]:
    joint, hidden = config.heads * config.key_width, config.hidden_width
    summed = {"paper": (1, config.layers), "prenorm": (2 * config.layers, 2 * config.layers)}[config.layout]
    inward = 1 / math.sqrt(config.width)
    return {
        "token_VM": 1.0,
        "start_M": 1.0,
        "position_LM": 1.0,
        "query_MHK": inward,
        "key_MHK": inward,
        "value_MHK": inward,
        "mix_HKM": 1 / math.sqrt(joint * summed[0]),
        "up_MF": inward,
        "down_FM": 1 / math.sqrt(hidden * summed[1]),
        "unembedding_MV": _READOUT_GAIN * inward,
    }


def _normals(key: Key[Array, ""], sizes: dict[str, int]) -> list[Float[Array, " size"]]:
    chunks = [-(-size // _CHUNK) for size in sizes.values()]
    names = np.repeat(np.array([zlib.crc32(name.encode()) for name in sizes], np.uint32), chunks)
    indices = np.concatenate([np.arange(count, dtype=np.uint32) for count in chunks])

    def chunk(name: Any, index: Any) -> Array:
        return jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, name), index), (_CHUNK,), jnp.float32)

    numbers = jax.vmap(chunk)(names, indices).reshape(-1)
    starts = _CHUNK * np.cumsum([0, *chunks[:-1]])
    return [numbers[start : start + size] for start, size in zip(starts, sizes.values(), strict=True)]
