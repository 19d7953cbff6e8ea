"""What planted weights share: refusals, and first layers with some arrays exchanged."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from testbed.ground.hasty import once
from testbed.model.transformer import Transformer


def require(weights: str, name: str, value: object, rule: str, *, holds: bool) -> None:
    """Refuse a model whose field ``name`` breaks a rule."""
    if not holds:
        raise ValueError(f"{name}={value!r} is refused by weights {weights}: {rule}; change it, or use weights fresh.")


def require_fields(weights: str, model: Transformer, **wanted: object) -> None:
    """Refuse a model in which one of these fields has another value."""
    for name, value in wanted.items():
        found = getattr(model, name)
        require(weights, name, found, f"it must be {value!r}", holds=found == value)


def initial(model: Transformer, key: Key[Array, ""]) -> dict[str, Any]:
    """Return the model's own initial values, by one program for each model."""
    params: dict[str, Any] = _initialiser(model)(key)
    return params


def first_layer(params: dict[str, Any]) -> dict[str, Float[np.ndarray, "..."]]:
    """Return the arrays of layer 1 in float64."""
    return {name: np.asarray(array, np.float64) for name, array in params["blocks"]["layer_0"].items()}


def planted(params: dict[str, Any], first: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    """Return parameters with other arrays in the first layer, and at the top, in float32."""
    blocks = params["blocks"]
    layer = blocks["layer_0"] | _single(first or {}, blocks["layer_0"])
    return params | {"blocks": blocks | {"layer_0": layer}} | _single(top, params)


@functools.cache
def _initialiser(model: Transformer) -> Callable[[Key[Array, ""]], dict[str, Any]]:
    from testbed.model.initial import init  # late: reading a study loads no flax

    return once(lambda key: init(model, key=key))


def _single(arrays: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {name: jnp.asarray(np.broadcast_to(array, like[name].shape), jnp.float32) for name, array in arrays.items()}
