"""Looking inside a model: every layer at once, or the last query of the first layer at any length."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from testbed.model import forward, network, rotation
from testbed.model.network import Network
from testbed.model.observation import LastQuery, Layer, Observation
from testbed.model.transformer import Transformer

_CHUNK = 512


def observe(
    config: Transformer,
    params: dict[str, Any],
    tokens_BL: Int[Array, "B L"],
    *,
    last: bool = False,
    key: Key[Array, ""] | None = None,
) -> Observation:
    """Return what every layer does at every position, or at the last one only.

    The last position reads the token before the last: the last token of a sequence is predicted, never read.
    """
    forward.check(config, tokens_BL.shape[1], key)
    layers = network.bind(config, params).trace(tokens_BL, key)
    rows = slice(-1, None) if last else slice(None)

    def stacked(name: str) -> Array:
        return jnp.stack([getattr(layer, name)[:, rows] for layer in layers])

    def norms(name: str) -> Array:
        return jnp.stack([jnp.linalg.norm(getattr(layer, name), axis=-1) for layer in layers])

    return Observation(
        into_attention_NBLM=stacked("into_attention_BLM"),
        heads_NBLHK=stacked("heads_BLHK"),
        attention_NBLM=stacked("attention_BLM"),
        into_feedforward_NBLM=stacked("into_feedforward_BLM"),
        feedforward_NBLM=stacked("feedforward_BLM"),
        representation_NBLM=stacked("hidden_BLM"),
        query_norm_NBLH=norms("query_BLHK"),
        key_norm_NBLH=norms("key_BLHK"),
        value_norm_NBLH=norms("value_BLHK"),
        weights_NBHS=jnp.stack([_last_weights(config, layer) for layer in layers]),
    )


def last_layer_one(
    config: Transformer,
    params: dict[str, Any],
    tokens_BL: Int[Array, "B L"],
    *,
    length: Int[Array, ""] | None = None,
    key: Key[Array, ""] | None = None,
) -> LastQuery:
    """Return what the first layer does at the last position, in time and memory of order L for each sequence.

    Equal to ``observe(…, last=True)`` in its first layer, with the noise of the same key; beside chunks of 512
    tokens it holds the scores of one query, H·L numbers a sequence. With a ``length`` between 1 and L the sequences
    are the first so many tokens: a number, not a shape, so that one program serves all lengths. Two passes over the
    chunks: the first keeps the score of every position, from which all weights follow; the second makes the values
    again and adds them up.

    Error: sums over positions are taken in another order, hence to rounding, and ties within their slack.
    """
    forward.check(config, tokens_BL.shape[1], key)
    stream = _Stream(network.bind(config, params), tokens_BL, key, length)
    x_B1M, q_B1HK = stream.query()
    mass_BHS, key_norm_BH = stream.mass(q_B1HK)
    total_BH = mass_BHS.sum(axis=-1)
    sum_BHK, value_norm_BH = stream.sum(mass_BHS)
    heads_BHK = sum_BHK / total_BH[..., None]
    mixed_B1M, _, fed_B1M, hidden_B1M = stream.block.leave(x_B1M, heads_BHK[:, None])
    return LastQuery(
        heads_BHK=heads_BHK,
        attention_BM=mixed_B1M[:, 0],
        feedforward_BM=fed_B1M[:, 0],
        representation_BM=hidden_B1M[:, 0],
        effective_BH=jnp.square(total_BH) / jnp.square(mass_BHS).sum(axis=-1),
        query_norm_BH=jnp.linalg.norm(q_B1HK[:, 0], axis=-1),
        key_norm_BH=key_norm_BH,
        value_norm_BH=value_norm_BH,
    )


class _Chunk(NamedTuple):
    """Some places in a row, and the token before each of them; all chunks are stacked on a leading axis T."""

    places_C: Int[Array, "*T C"]
    inputs_BC: Int[Array, "*T B C"]
    turns: rotation.Turn


class _Stream:
    """The first layer's inputs, a chunk at a time; places from the length on are filled up and count for nothing."""

    def __init__(
        self,
        first: Network,
        tokens_BL: Int[Array, "B L"],
        key: Key[Array, ""] | None,
        length: Int[Array, ""] | None,
    ) -> None:
        batch, room = tokens_BL.shape
        self.network, self.block, self.config, self.key = first, first.block(0), first.config, key
        self.length = jnp.int32(room) if length is None else length
        self.size = min(_CHUNK, room)
        places_TC = np.arange(-(-room // self.size) * self.size).reshape(-1, self.size)
        inputs_BS = jnp.pad(tokens_BL[:, :-1], ((0, 0), (1, places_TC.size - room)))
        turns = rotation.turn(places_TC.reshape(-1), self.config.key_width)
        self.live = -(-self.length // self.size)
        self.chunks = _Chunk(
            places_C=jnp.asarray(places_TC),
            inputs_BC=inputs_BS.reshape(batch, *places_TC.shape).swapaxes(0, 1),
            turns=rotation.Turn(*(jnp.asarray(part).reshape(*places_TC.shape, -1) for part in turns)),
        )

    def chunk(self, index: Int[Array, ""]) -> _Chunk:
        """Return one chunk."""
        found: _Chunk = jax.tree.map(
            lambda stacked: jax.lax.dynamic_index_in_dim(stacked, index, 0, False), self.chunks
        )
        return found

    def query(self) -> tuple[Float[Array, "B 1 M"], Float[Array, "B 1 H K"]]:
        """Return the layer's input at the last place, and its query."""
        last, inside = self.chunk(self.live - 1), (self.length - 1) % self.size
        input_B1, place_1 = (
            jax.lax.dynamic_slice_in_dim(row, inside, 1, axis=-1) for row in (last.inputs_BC, last.places_C)
        )
        x_B1M = self.network.embed(input_B1, place_1, self.key)
        q_B1HK = self.block.query(self.block.enter(x_B1M))
        if self.config.positions == "rotary":
            here = rotation.Turn(*(jax.lax.dynamic_slice_in_dim(part, inside, 1, axis=0) for part in last.turns))
            q_B1HK = rotation.rotate(q_B1HK, here)
        return x_B1M, q_B1HK

    def mass(self, q_B1HK: Float[Array, "B 1 H K"]) -> tuple[Float[Array, "B H S"], Float[Array, "B H"]]:
        """Return the mass of every place, zero after the last one, and the largest norm of a key."""
        batch, _, heads, _ = q_B1HK.shape

        def score(
            index: Int[Array, ""], found: tuple[Float[Array, "T B H C"], Float[Array, "B H"]]
        ) -> tuple[Float[Array, "T B H C"], Float[Array, "B H"]]:
            chunk = self.chunk(index)
            k_BCHK = self.block.key(self._entering(chunk))
            if self.config.positions == "rotary":
                k_BCHK = rotation.rotate(k_BCHK, chunk.turns)
            scores_BHC = network.scores(self.config, q_B1HK, k_BCHK)[:, :, 0]
            scores_BHC = jnp.where((chunk.places_C < self.length)[None, None], scores_BHC, -jnp.inf)
            return found[0].at[index].set(scores_BHC), jnp.maximum(found[1], self._largest(k_BCHK, chunk))

        chunks = self.chunks.places_C.shape[0]
        blank_TBHC = jnp.full((chunks, batch, heads, self.size), -jnp.inf, q_B1HK.dtype)
        nothing_BH = jnp.zeros((batch, heads), q_B1HK.dtype)
        scores_TBHC, norm_BH = jax.lax.fori_loop(0, self.live, score, (blank_TBHC, nothing_BH))
        scores_BHS = jnp.moveaxis(scores_TBHC, 0, 2).reshape(batch, heads, -1)
        return jax.vmap(self.config.attention.mass)(scores_BHS[:, :, None])[:, :, 0], norm_BH

    def sum(self, mass_BHS: Float[Array, "B H S"]) -> tuple[Float[Array, "B H K"], Float[Array, "B H"]]:
        """Return the sum of the values times their mass, and the largest norm of a value."""
        batch, heads, _ = mass_BHS.shape

        def add(
            index: Int[Array, ""], found: tuple[Float[Array, "B H K"], Float[Array, "B H"]]
        ) -> tuple[Float[Array, "B H K"], Float[Array, "B H"]]:
            chunk = self.chunk(index)
            mass_BHC = jax.lax.dynamic_slice_in_dim(mass_BHS, index * self.size, self.size, axis=2)
            v_BCHK = self.block.value(self._entering(chunk))
            sum_BHK = found[0] + jnp.einsum("bhc,bchk->bhk", mass_BHC, v_BCHK)
            return sum_BHK, jnp.maximum(found[1], self._largest(v_BCHK, chunk))

        nothing_BHK = jnp.zeros((batch, heads, self.config.key_width), mass_BHS.dtype)
        return jax.lax.fori_loop(0, self.live, add, (nothing_BHK, jnp.zeros((batch, heads), mass_BHS.dtype)))

    def _entering(self, chunk: _Chunk) -> Float[Array, "B C M"]:
        return self.block.enter(self.network.embed(chunk.inputs_BC, chunk.places_C, self.key))

    def _largest(self, x_BCHK: Float[Array, "B C H K"], chunk: _Chunk) -> Float[Array, "B H"]:
        norm_BCH = jnp.linalg.norm(x_BCHK, axis=-1)
        return jnp.where((chunk.places_C < self.length)[None, :, None], norm_BCH, 0.0).max(axis=1)


def _last_weights(config: Transformer, layer: Layer) -> Float[Array, "B H S"]:
    scores_BH1S = network.scores(config, layer.query_BLHK[:, -1:], layer.key_BLHK)
    mass_BHS = jax.vmap(config.attention.mass)(scores_BH1S)[:, :, 0]
    return mass_BHS / mass_BHS.sum(axis=-1, keepdims=True)
