"""The forward of sequences, in flax modules that never leave this file: plain dicts of arrays go in and come out.

Inside, a batch axis leads, because the gradient of a weight is then one product over all B·L rows; attention and
nonlinearity see one sequence at a time.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int

from testbed.model.transformer import Transformer

_EPSILON = 1e-6
_ROTARY_BASE = 10_000.0


def blank(config: Transformer) -> dict[str, Any]:
    """Return parameters before any draw: gains at one, all else at zero."""
    params: dict[str, Any] = nnx.to_pure_dict(nnx.split(Network(config))[1])
    return params


def logits(config: Transformer, params: dict[str, Any], tokens_BL: Int[Array, "B L"]) -> Float[Array, "B L V"]:
    """Return the logits of each sequence; see ``Transformer.logits``."""
    network = _bind(config, params)
    return network.readout(network.trace(tokens_BL)[-1])


def representations(
    config: Transformer, params: dict[str, Any], tokens_BL: Int[Array, "B L"]
) -> Float[Array, "N B L M"]:
    """Return what each layer hands on; see ``Transformer.representations``."""
    return jnp.stack(_bind(config, params).trace(tokens_BL))


class Network(nnx.Module):
    """Embeddings, blocks and readout."""

    def __init__(self, config: Transformer) -> None:
        width, vocabulary = config.width, config.vocabulary
        self.config = config
        self.token_VM = _zeros(vocabulary, width)
        self.start_M = _zeros(width)
        if config.positions == "learned":
            self.position_LM = _zeros(config.context, width)
        self.blocks = nnx.Dict({_layer(index): Block(config) for index in range(config.layers)})
        if config.layout == "prenorm":
            self.gain_M = _ones(width)
        self.unembedding_MV = _zeros(width, vocabulary)

    def trace(self, tokens_BL: Int[Array, "B L"]) -> list[Float[Array, "B L M"]]:
        """Return the output of every block, in order."""
        batch, length = tokens_BL.shape
        start_B1M = jnp.broadcast_to(self.start_M[...], (batch, 1, self.config.width))
        hidden_BLM = jnp.concatenate([start_B1M, self.token_VM[...][tokens_BL[:, :-1]]], axis=1)
        if self.config.positions == "learned":
            hidden_BLM = hidden_BLM + self.position_LM[...][None, :length]
        outputs = []
        for index in range(self.config.layers):
            hidden_BLM = self.blocks[_layer(index)](hidden_BLM)
            outputs.append(hidden_BLM)
        return outputs

    def readout(self, hidden_BLM: Float[Array, "B L M"]) -> Float[Array, "B L V"]:
        """Return the logits that the last block's output stands for."""
        if self.config.layout == "prenorm":
            hidden_BLM = _normalise(hidden_BLM, self.gain_M[...])
        return _project(hidden_BLM, self.unembedding_MV[...])


class Block(nnx.Module):
    """One layer in either layout."""

    def __init__(self, config: Transformer) -> None:
        width, heads, hidden = config.width, (config.heads, config.key_width), config.hidden_width
        self.config = config
        self.query_MHK, self.key_MHK, self.value_MHK = (_zeros(width, *heads) for _ in range(3))
        self.mix_HKM = _zeros(*heads, width)
        self.up_MF, self.up_F = _zeros(width, hidden), _zeros(hidden)
        self.down_FM, self.down_M = _zeros(hidden, width), _zeros(width)
        if config.layout == "prenorm":
            self.attention_gain_M, self.feedforward_gain_M = _ones(width), _ones(width)

    def __call__(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L M"]:
        """Return the block's output."""
        if self.config.layout == "paper":
            mixed_BLM = self.attend(x_BLM)
            return mixed_BLM + self.feed(mixed_BLM)
        x_BLM = x_BLM + self.attend(_normalise(x_BLM, self.attention_gain_M[...]))
        return x_BLM + self.feed(_normalise(x_BLM, self.feedforward_gain_M[...]))

    def attend(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L M"]:
        """Return the attention of all heads, projected back to the model width."""
        q_BLHK, k_BLHK, v_BLHK = (
            _project(x_BLM, matrix[...]) for matrix in (self.query_MHK, self.key_MHK, self.value_MHK)
        )
        if self.config.positions == "rotary":
            q_BLHK, k_BLHK = _rotate(q_BLHK), _rotate(k_BLHK)
        attention = functools.partial(self.config.attention, scale=self.config.score_scale)
        out_BLHK = jax.vmap(attention)(q_BLHK, k_BLHK, v_BLHK)
        return _project(out_BLHK.reshape(*x_BLM.shape[:2], -1), self.mix_HKM[...].reshape(-1, x_BLM.shape[-1]))

    def feed(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L M"]:
        """Return the feed-forward network's output."""
        hidden_BLF = jax.vmap(self.config.feedforward)(_project(x_BLM, self.up_MF[...]) + self.up_F[...][None, None])
        return jnp.add(_project(hidden_BLF, self.down_FM[...]), self.down_M[...][None, None])


@functools.cache
def _graph(config: Transformer) -> Any:
    return nnx.split(nnx.eval_shape(lambda: Network(config)))[0]


def _bind(config: Transformer, params: dict[str, Any]) -> Network:
    network: Network = nnx.merge(_graph(config), params)
    return network


def _layer(index: int) -> str:
    return f"layer_{index}"


def _zeros(*shape: int) -> Any:
    return nnx.Param(jnp.zeros(shape, jnp.float32))


def _ones(*shape: int) -> Any:
    return nnx.Param(jnp.ones(shape, jnp.float32))


def _project(x_BLI: Float[Array, "B L I"], matrix: Float[Array, "I ..."]) -> Float[Array, "B L ..."]:
    rows = x_BLI.reshape(-1, x_BLI.shape[-1]) @ matrix.reshape(matrix.shape[0], -1)
    return rows.reshape(*x_BLI.shape[:2], *matrix.shape[1:])


def _normalise(x_BLM: Float[Array, "B L M"], gain_M: Float[Array, " M"]) -> Float[Array, "B L M"]:
    power_BL1 = jnp.mean(jnp.square(x_BLM), axis=-1, keepdims=True)
    return x_BLM * jax.lax.rsqrt(power_BL1 + _EPSILON) * gain_M[None, None]


def _rotate(x_BLHK: Float[Array, "B L H K"]) -> Float[Array, "B L H K"]:
    _, length, _, width = x_BLHK.shape
    rates = _ROTARY_BASE ** (-np.arange(0, width, 2) / width)
    angles = np.outer(np.arange(length), rates)[None, :, None]
    cos, sin = np.cos(angles).astype(x_BLHK.dtype), np.sin(angles).astype(x_BLHK.dtype)
    a, b = jnp.split(x_BLHK, 2, axis=-1)
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
