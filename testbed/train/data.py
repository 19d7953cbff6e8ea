"""Which sequences a lane sees: an endless stream, or passes over D stored tokens, with nothing stored.

A stored sequence is its index: sequence i of a draw is sampled from the key ``fold_in(draw, i)`` whenever it is needed,
so that D is a number of the lane and not a shape of the program. A pass visits each index once, in an order of its own.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, UInt32

ONLINE = 0
"""Number of stored sequences that stands for an endless stream."""

_ROUNDS = 48


def batch_indices(
    step: Int[Array, ""], batch: int, sequences: UInt32[Array, ""], order: UInt32[Array, ""]
) -> UInt32[Array, " B"]:
    """Return the indices of the sequences in the batch of ``step``.

    Online (``sequences`` = 0) index = position in the stream; else the stream runs through passes, each a permutation
    of 0..sequences-1 seeded by ``order`` and the number of the pass. A batch may end one pass and begin the next.
    """
    position_B = jnp.uint32(batch) * step.astype(jnp.uint32) + jnp.arange(batch, dtype=jnp.uint32)
    size = jnp.maximum(sequences, jnp.uint32(1))
    turn_B = position_B // size
    seed_B = _hash(turn_B ^ order)
    shuffled_B = jax.vmap(shuffle, in_axes=(0, None, 0))(position_B % size, size, seed_B)
    return jnp.where(sequences == ONLINE, position_B, shuffled_B)


def shuffle(index: UInt32[Array, ""], size: UInt32[Array, ""], seed: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """Return where ``index`` goes in a pseudo-random permutation of 0..size-1, without storing it.

    Swap-or-not: each round pairs i with (r - i) mod size and swaps the pair if a hashed bit of its larger member says
    so; every round is its own inverse, so the whole is exactly a permutation whatever the hash.

    Error: the order is pseudo-random; 48 rounds mix any size below 2^31 well beyond what training can notice.
    Source: Hoang, Morris, Rogaway, An Enciphering Scheme Based on a Card Shuffle, CRYPTO 2012.
    """

    def swap(turn: Int[Array, ""], at: UInt32[Array, ""]) -> UInt32[Array, ""]:
        salt = _hash(seed + turn.astype(jnp.uint32) * jnp.uint32(0x9E3779B9))
        partner = (salt % size + size - at) % size
        bit = _hash(jnp.maximum(at, partner) ^ salt) & jnp.uint32(1)
        return jnp.where(bit == 1, partner, at)

    return jax.lax.fori_loop(0, _ROUNDS, swap, index)


def sequence_keys(draw: Key[Array, ""], index_B: UInt32[Array, " B"]) -> Key[Array, " B"]:
    """Return the key of each sequence of a draw."""
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(draw, index_B)


def _hash(word: UInt32[Array, "*axes"]) -> UInt32[Array, "*axes"]:
    """Mix 32 bits (the finaliser of MurmurHash3)."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x85EBCA6B)
    word = (word ^ (word >> 13)) * jnp.uint32(0xC2B2AE35)
    return word ^ (word >> 16)
