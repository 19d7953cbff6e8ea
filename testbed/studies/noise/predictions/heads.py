"""The first layer of a model as the theory sees it: what each symbol offers a query, and what follows, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.model.transformer import Transformer
from testbed.sources import Absent
from testbed.theory.attention_noise import Heads
from testbed.theory.feedforward import Elementwise, FeedForward, gelu, gelu_derivative

EPSILON = 1e-6
"""What the model's norm adds to the mean square."""

Fed = FeedForward | Callable[[np.ndarray], np.ndarray]
"""A map of vectors; a `FeedForward` knows its Jacobian."""


def heads(model: Transformer, params: dict[str, Any], query_token: int, *, start: bool = False) -> Heads | Absent:
    """Return what layer 1 does for the query of one symbol, and what keys and values each symbol has.

    Vectors are taken after the norm of the input, where there is one, and after their bounds; the temperature is part
    of the scale. Weights by distance are those of a product of longer vectors: −|q−k|² is (2q, 1)·(k, −|k|²) up to what
    all keys share. With ``start``, the start vector is one more symbol, the last.

    Error: rounding, from the float32 parameters.
    """
    lack = _lack(model)
    if lack is not None:
        return Absent(lack)
    layer, entering_VM = _layer(params), _entering(model, params, start)
    query_HK = on_ball(np.einsum("m,mhk->hk", entering_VM[query_token], layer["query_MHK"]), model.query_bound)
    key_VHK = on_ball(np.einsum("vm,mhk->vhk", entering_VM, layer["key_MHK"]), model.key_bound)
    value_VHK = on_ball(np.einsum("vm,mhk->vhk", entering_VM, layer["value_MHK"]), model.value_bound)
    plain = Heads(query_HK, key_VHK, value_VHK, layer["mix_HKM"], model.score_scale)
    if isinstance(model.attention, L2Distance):
        return _distances(plain)
    return plain._replace(scale=plain.scale / model.attention.temperature)


def network(model: Transformer, params: dict[str, Any]) -> FeedForward:
    """Return the feed-forward network of layer 1, its matrices held to ``feedforward_lipschitz``, before its bound.

    The derivative is that where there is one, and that from the right at the kink of ReLU.

    Error: rounding, from the float32 parameters.
    """
    layer, factor = _layer(params), 1.0
    if model.feedforward_lipschitz is not None:
        product = model.feedforward_lipschitz / model.feedforward.lipschitz
        norms = np.linalg.norm(layer["up_MF"], 2) * np.linalg.norm(layer["down_FM"], 2)
        factor = np.sqrt(product / max(norms, product))
    matrices = factor * layer["up_MF"], layer["up_F"], factor * layer["down_FM"], layer["down_M"]
    return FeedForward(*matrices, *_nonlinearity(model))


def fed(model: Transformer, params: dict[str, Any], query_token: int) -> Fed:
    """Return the map from A to the feed-forward network's output, for the query of one symbol.

    It is `network` itself where that is all; else it has the norm of the stream before it, or the bound after it.
    """
    plain, layer = network(model, params), _layer(params)
    if model.layout == "paper" and model.feedforward_bound is None:
        return plain
    token_M = np.asarray(params["token_VM"][query_token], np.float64)

    def whole(attention_M: Float[np.ndarray, " M"]) -> Float[np.ndarray, " M"]:
        reads_M = attention_M
        if model.layout == "prenorm":
            reads_M = normalised(token_M + attention_M, layer["feedforward_gain_M"])
        return on_ball(plain(reads_M), model.feedforward_bound)

    return whole


def on_ball(x: Float[np.ndarray, "*rows K"], radius: float | None) -> Float[np.ndarray, "*rows K"]:
    """Return each vector, shortened to the radius where it is longer; unchanged without a radius."""
    if radius is None:
        return x
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.asarray(x * (radius / np.maximum(length, radius)))


def normalised(x: Float[np.ndarray, "*rows M"], gain_M: Float[np.ndarray, " M"]) -> Float[np.ndarray, "*rows M"]:
    """Return each vector over its root mean square, times the gain."""
    return np.asarray(x / np.sqrt(np.square(x).mean(-1, keepdims=True) + EPSILON) * gain_M)


def _lack(model: Transformer) -> str | None:
    """Return why there is no such description of a model."""
    if not isinstance(model.attention, Softmax | L2Distance):
        return f"weights of {model.attention} are no exponentials of scores"
    if model.positions != "none":
        return f"with {model.positions} positions a symbol has another key at every place"
    if model.embedding_noise is not None:
        return "with noise on the embeddings a symbol has no key of its own"
    return None


def _layer(params: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(array, np.float64) for name, array in params["blocks"]["layer_0"].items()}


def _entering(model: Transformer, params: dict[str, Any], start: bool) -> Float[np.ndarray, "V M"]:
    entering_VM = np.asarray(params["token_VM"], np.float64)
    if start:
        entering_VM = np.vstack([entering_VM, np.asarray(params["start_M"], np.float64)])
    return entering_VM if model.layout == "paper" else normalised(entering_VM, _layer(params)["attention_gain_M"])


def _distances(plain: Heads) -> Heads:
    """Return heads whose products are the negative squared distances of these, but for |q|²."""
    one_H1 = np.ones((len(plain.query_HK), 1))
    square_VH1 = np.square(plain.key_VHK).sum(-1, keepdims=True)
    return Heads(
        query_HK=np.concatenate([2 * plain.query_HK, one_H1], axis=-1),
        key_VHK=np.concatenate([plain.key_VHK, -square_VH1], axis=-1),
        value_VHK=np.concatenate([plain.value_VHK, np.zeros_like(square_VH1)], axis=-1),
        mix_HKM=np.concatenate([plain.mix_HKM, np.zeros_like(plain.mix_HKM[:, :1])], axis=1),
        scale=plain.scale,
    )


def _nonlinearity(model: Transformer) -> tuple[Elementwise, Elementwise | None]:
    """Return the nonlinearity and its derivative, or None to take differences."""
    kind = model.feedforward
    if isinstance(kind, Gelu):
        return gelu, gelu_derivative
    if isinstance(kind, Relu):
        return lambda x: np.maximum(x, 0.0), lambda x: (x >= 0).astype(np.float64)
    if isinstance(kind, Holder):
        return lambda x: np.sign(x) * np.abs(x) ** kind.exponent, None
    if isinstance(kind, Step):
        return np.sign, np.zeros_like
    raise ValueError(f"{kind} is not known here: each nonlinearity has a twin in float64; add its own.")
