"""Parameters as they are stored: arrays by their path in the model."""

from typing import Any

import jax
import numpy as np

from testbed.model.initial import init
from testbed.model.transformer import Transformer


def unflatten(model: Transformer, arrays: dict[str, np.ndarray]) -> Any:
    """Return parameters that were stored by path as the nested dict that the model takes."""
    template = jax.eval_shape(lambda: init(model, key=jax.random.key(0)))
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    return jax.tree.unflatten(structure, [arrays[jax.tree_util.keystr(path)] for path, _ in leaves])
