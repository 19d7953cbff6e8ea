"""What can be seen inside a model: the vectors of every layer, and the last query of the first layer alone."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class Layer(NamedTuple):
    """The vectors of one layer at every position, in the order in which they arise."""

    into_attention_BLM: Float[Array, "B L M"]
    query_BLHK: Float[Array, "B L H K"]
    key_BLHK: Float[Array, "B L H K"]
    value_BLHK: Float[Array, "B L H K"]
    heads_BLHK: Float[Array, "B L H K"]
    attention_BLM: Float[Array, "B L M"]
    into_feedforward_BLM: Float[Array, "B L M"]
    feedforward_BLM: Float[Array, "B L M"]
    hidden_BLM: Float[Array, "B L M"]


class Observation(NamedTuple):
    """What every layer of a model does to a batch of sequences.

    Where only the last position was asked for, L is 1 in all but the norms. Queries, keys and values are taken after
    their bounds. Position 0 holds the start vector, and position t the token before t.
    """

    into_attention_NBLM: Float[Array, "N B L M"]
    """What queries, keys and values are read from: the layer's input, after the norm where there is one."""
    heads_NBLHK: Float[Array, "N B L H K"]
    """Averaged values of each head, before the mix."""
    attention_NBLM: Float[Array, "N B L M"]
    """A: the heads mixed to the model width."""
    into_feedforward_NBLM: Float[Array, "N B L M"]
    """What the feed-forward network reads: A, or in ``prenorm`` the norm of the stream."""
    feedforward_NBLM: Float[Array, "N B L M"]
    """FFN's output."""
    representation_NBLM: Float[Array, "N B L M"]
    """r: what the layer hands on."""
    query_norm_NBLH: Float[Array, "N B L H"]
    """Euclidean norm of each head's query, at every position."""
    key_norm_NBLH: Float[Array, "N B L H"]
    """Euclidean norm of each head's key, at every position."""
    value_norm_NBLH: Float[Array, "N B L H"]
    """Euclidean norm of each head's value, at every position."""
    weights_NBHS: Float[Array, "N B H S"]
    """Weights that the query at the last position gives to every position."""

    @property
    def effective_NBH(self) -> Float[Array, "N B H"]:
        """Return the effective sample size 1/Σₛ aₛ² of the last query: the number of positions it averages."""
        return 1 / jnp.square(self.weights_NBHS).sum(axis=-1)


class LastQuery(NamedTuple):
    """What the first layer does at the last position of a batch of sequences."""

    heads_BHK: Float[Array, "B H K"]
    """Averaged values of each head, before the mix."""
    attention_BM: Float[Array, "B M"]
    """A: the heads mixed to the model width."""
    feedforward_BM: Float[Array, "B M"]
    """FFN's output."""
    representation_BM: Float[Array, "B M"]
    """r: what the layer hands on."""
    effective_BH: Float[Array, "B H"]
    """Effective sample size 1/Σₛ aₛ² of the query."""
    query_norm_BH: Float[Array, "B H"]
    """Euclidean norm of the query."""
    key_norm_BH: Float[Array, "B H"]
    """Largest Euclidean norm of a key, over positions."""
    value_norm_BH: Float[Array, "B H"]
    """Largest Euclidean norm of a value, over positions."""
