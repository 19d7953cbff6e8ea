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
from jaxtyping import Array, Float, Int, Key

from testbed.model import constraint, rotation
from testbed.model.observation import Layer
from testbed.model.transformer import Transformer

_EPSILON = 1e-6


def blank(config: Transformer) -> dict[str, Any]:
    """Return parameters before any draw: gains at one, all else at zero."""
    params: dict[str, Any] = nnx.to_pure_dict(nnx.split(Network(config))[1])
    return params


def logits(
    config: Transformer, params: dict[str, Any], tokens_BL: Int[Array, "B L"], key: Key[Array, ""] | None
) -> Float[Array, "B L V"]:
    """Return the logits of each sequence; see ``forward.logits``."""
    network = bind(config, params)
    return network.readout(network.trace(tokens_BL, key)[-1].hidden_BLM)


def representations(
    config: Transformer, params: dict[str, Any], tokens_BL: Int[Array, "B L"], key: Key[Array, ""] | None
) -> Float[Array, "N B L M"]:
    """Return what each layer hands on; see ``forward.representations``."""
    return jnp.stack([layer.hidden_BLM for layer in bind(config, params).trace(tokens_BL, key)])


def attend(
    config: Transformer, params: dict[str, Any], layer: int, x_BLM: Float[Array, "B L M"]
) -> Float[Array, "B L M"]:
    """Return the attention A of one layer, given what enters its projections."""
    block = bind(config, params).block(layer)
    return block.mix(block.average(*block.project(x_BLM)))


def feed(
    config: Transformer, params: dict[str, Any], layer: int, x_BLM: Float[Array, "B L M"]
) -> Float[Array, "B L M"]:
    """Return the output of one layer's feed-forward network, given what enters its first matrix."""
    return bind(config, params).block(layer).feed(x_BLM)


def scores(
    config: Transformer, q_BLHK: Float[Array, "B L H K"], k_BSHK: Float[Array, "B S H K"]
) -> Float[Array, "B H L S"]:
    """Return the score of each query with each key of its sequence, forbidden pairs included."""
    return jax.vmap(functools.partial(config.attention.scores, scale=config.score_scale))(q_BLHK, k_BSHK)


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

    def trace(self, tokens_BL: Int[Array, "B L"], key: Key[Array, ""] | None) -> list[Layer]:
        """Return the vectors of every block, in order."""
        batch, length = tokens_BL.shape
        start_B1M = jnp.broadcast_to(self.start_M[...], (batch, 1, self.config.width))
        hidden_BLM = jnp.concatenate([start_B1M, self.token_VM[...][tokens_BL[:, :-1]]], axis=1)
        if self.config.positions == "learned":
            hidden_BLM = hidden_BLM + self.position_LM[...][None, :length]
        hidden_BLM = self.disturb(hidden_BLM, jnp.arange(length), key)
        layers = []
        for index in range(self.config.layers):
            layers.append(self.block(index)(hidden_BLM))
            hidden_BLM = layers[-1].hidden_BLM
        return layers

    def embed(
        self, inputs_BC: Int[Array, "B C"], places_C: Int[Array, " C"], key: Key[Array, ""] | None
    ) -> Float[Array, "B C M"]:
        """Return the first layer's input at any places, given the token before each; place 0 has the start vector."""
        start_11M, table = self.start_M[...][None, None], self.token_VM[...]
        hidden_BCM = jnp.where(places_C[None, :, None] == 0, start_11M, table[inputs_BC])
        if self.config.positions == "learned":
            hidden_BCM = hidden_BCM + self.position_LM[...].at[places_C].get(mode="clip")[None]
        return self.disturb(hidden_BCM, places_C, key)

    def disturb(
        self, hidden_BLM: Float[Array, "B L M"], places_L: Int[Array, " L"], key: Key[Array, ""] | None
    ) -> Float[Array, "B L M"]:
        """Return the embeddings with their noise, which the start vector, at place 0, has none of."""
        noise = self.config.embedding_noise
        if noise is None or key is None:  # a missing key was refused before
            return hidden_BLM
        batch, _, width = hidden_BLM.shape

        def of_token(sequence: Int[Array, ""], place: Int[Array, ""]) -> Float[Array, " M"]:
            token_key = jax.random.fold_in(jax.random.fold_in(key, sequence), place)
            return jnp.where(place > 0, noise(key=token_key, width=width), 0.0)

        of_sequence = jax.vmap(of_token, (None, 0))
        return hidden_BLM + jax.vmap(of_sequence, (0, None))(jnp.arange(batch), places_L)

    def readout(self, hidden_BLM: Float[Array, "B L M"]) -> Float[Array, "B L V"]:
        """Return the logits that the last block's output stands for."""
        if self.config.layout == "prenorm":
            hidden_BLM = _normalise(hidden_BLM, self.gain_M[...])
        return _project(hidden_BLM, self.unembedding_MV[...])

    def block(self, index: int) -> "Block":
        """Return one layer."""
        found: Block = self.blocks[_layer(index)]
        return found


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

    def __call__(self, x_BLM: Float[Array, "B L M"]) -> Layer:
        """Return the vectors that arise in the block, its output last."""
        entering_BLM = self.enter(x_BLM)
        q_BLHK, k_BLHK, v_BLHK = self.project(entering_BLM)
        heads_BLHK = self.average(q_BLHK, k_BLHK, v_BLHK)
        return Layer(entering_BLM, q_BLHK, k_BLHK, v_BLHK, heads_BLHK, *self.leave(x_BLM, heads_BLHK))

    def enter(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L M"]:
        """Return what the attention reads."""
        return x_BLM if self.config.layout == "paper" else _normalise(x_BLM, self.attention_gain_M[...])

    def project(
        self, x_BLM: Float[Array, "B L M"]
    ) -> tuple[Float[Array, "B L H K"], Float[Array, "B L H K"], Float[Array, "B L H K"]]:
        """Return queries, keys and values within their bounds, turned where positions are rotary."""
        q_BLHK, k_BLHK, v_BLHK = self.query(x_BLM), self.key(x_BLM), self.value(x_BLM)
        if self.config.positions == "rotary":
            turn = rotation.turn(np.arange(x_BLM.shape[1]), self.config.key_width)
            q_BLHK, k_BLHK = rotation.rotate(q_BLHK, turn), rotation.rotate(k_BLHK, turn)
        return q_BLHK, k_BLHK, v_BLHK

    def query(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L H K"]:
        """Return each head's queries, not turned."""
        return constraint.on_ball(_project(x_BLM, self.query_MHK[...]), self.config.query_bound)

    def key(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L H K"]:
        """Return each head's keys, not turned."""
        return constraint.on_ball(_project(x_BLM, self.key_MHK[...]), self.config.key_bound)

    def value(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L H K"]:
        """Return each head's values."""
        return constraint.on_ball(_project(x_BLM, self.value_MHK[...]), self.config.value_bound)

    def average(
        self, q_BLHK: Float[Array, "B L H K"], k_BLHK: Float[Array, "B L H K"], v_BLHK: Float[Array, "B L H K"]
    ) -> Float[Array, "B L H K"]:
        """Return the averaged values of each head."""
        return jax.vmap(functools.partial(self.config.attention, scale=self.config.score_scale))(q_BLHK, k_BLHK, v_BLHK)

    def mix(self, heads_BLHK: Float[Array, "B L H K"]) -> Float[Array, "B L M"]:
        """Return all heads, projected back to the model width."""
        return _project(heads_BLHK.reshape(*heads_BLHK.shape[:2], -1), self.mix_HKM[...].reshape(-1, self.config.width))

    def leave(
        self, x_BLM: Float[Array, "B L M"], heads_BLHK: Float[Array, "B L H K"]
    ) -> tuple[Float[Array, "B L M"], Float[Array, "B L M"], Float[Array, "B L M"], Float[Array, "B L M"]]:
        """Return A, what the feed-forward network reads, what it gives, and the block's output."""
        mixed_BLM = self.mix(heads_BLHK)
        if self.config.layout == "paper":
            fed_BLM = self.feed(mixed_BLM)
            return mixed_BLM, mixed_BLM, fed_BLM, mixed_BLM + fed_BLM
        stream_BLM = x_BLM + mixed_BLM
        entering_BLM = _normalise(stream_BLM, self.feedforward_gain_M[...])
        fed_BLM = self.feed(entering_BLM)
        return mixed_BLM, entering_BLM, fed_BLM, stream_BLM + fed_BLM

    def feed(self, x_BLM: Float[Array, "B L M"]) -> Float[Array, "B L M"]:
        """Return the feed-forward network's output, within its bounds."""
        nonlinearity, limit = self.config.feedforward, self.config.feedforward_lipschitz
        up_MF, down_FM = self.up_MF[...], self.down_FM[...]
        if limit is not None:
            up_MF, down_FM = constraint.held(up_MF, down_FM, limit / nonlinearity.lipschitz)
        hidden_BLF = jax.vmap(nonlinearity)(_project(x_BLM, up_MF) + self.up_F[...][None, None])
        out_BLM = jnp.add(_project(hidden_BLF, down_FM), self.down_M[...][None, None])
        return constraint.on_ball(out_BLM, self.config.feedforward_bound)


def bind(config: Transformer, params: dict[str, Any]) -> Network:
    """Return the network that holds these parameters."""
    network: Network = nnx.merge(_graph(config), params)
    return network


@functools.cache
def _graph(config: Transformer) -> Any:
    return nnx.split(nnx.eval_shape(lambda: Network(config)))[0]


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
