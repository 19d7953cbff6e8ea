"""Draws as fine as the law that is told: 63 random bits against cumulative probabilities in fixed point.

Probabilities are cut to whole multiples of 2^-63, exactly, in float64; random numbers have as many digits. On a device
both are pairs of 32-bit words, as 64 bits are not to be had there. The first word of a draw is that of a uniform draw
in float32, so that the two differ only where that one is too coarse to tell.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int, Int32, Key, UInt32, UInt64

from testbed.laws.kernels import random_bits
from testbed.laws.kernels.random_bits import Words

DIGITS = 63
"""Random bits of a draw: the unit of probability is 2^-63."""
SEARCHED = 32
"""Symbols beyond which a search is faster than to compare with all."""
FINER = 1
"""The stream of the second words, folded into the key of the first."""


class Cuts(NamedTuple):
    """Where the cumulative probabilities of the symbols of a law end, in units of 2^-64: first and second words.

    The end of the whole is written as the largest number, which no draw reaches.
    """

    high_V: UInt32[Array, "*rows V"]
    low_V: UInt32[Array, "*rows V"]


class Chance(NamedTuple):
    """The probability of an event, likewise."""

    high: UInt32[Array, "*any"]
    low: UInt32[Array, "*any"]


def cuts(rows: Float[np.ndarray, "*rows V"]) -> Cuts:
    """Return what draws from these laws compare with: the symbol is the number of cuts that a draw has passed.

    Error: a symbol's probability is off by at most 2^-64, and that of the likeliest by as much as all others together
    and by what the row's sum misses 1; the total variation is at most V·2^-64 beside that rounding of the row itself.
    Symbols of probability zero are never drawn.
    """
    symbols = rows.shape[-1]
    flat = grouped(rows.reshape(-1), np.arange(0, rows.size, symbols))
    return Cuts(*(each.reshape(rows.shape) for each in flat))


def laws(*rows: Float[np.ndarray, "..."]) -> tuple[Any, ...]:
    """Return the cuts of each of these, for tables."""
    return tuple(map(cuts, rows))


def events(*probabilities: Float[np.ndarray, "..."]) -> tuple[Any, ...]:
    """Return the chances of each of these, for tables."""
    return tuple(map(chance, probabilities))


def grouped(probability_E: Float[np.ndarray, " E"], begin_G: Int[np.ndarray, " G"]) -> Cuts:
    """Return the cuts of laws of different sizes, which stand one after the other and begin at these places."""
    count_E = _units(probability_E)
    group_E = np.repeat(np.arange(len(begin_G)), np.diff(np.append(begin_G, len(probability_E))))
    likeliest_E = np.flatnonzero(probability_E == np.maximum.reduceat(probability_E, begin_G)[group_E])
    _, first_G = np.unique(group_E[likeliest_E], return_index=True)
    count_E[likeliest_E[first_G]] += np.uint64(2**DIGITS) - np.add.reduceat(count_E, begin_G)
    sums_E = np.cumsum(count_E)  # modulo 2^64, in which the sum within a law is no more than 2^63
    before_G = sums_E[begin_G] - count_E[begin_G]
    return Cuts(*_split(sums_E - before_G[group_E]))


def chance(probability: Float[np.ndarray, "*any"]) -> Chance:
    """Return what a draw compares with to tell whether events of these probabilities happen.

    Error: at most 2^-64; the impossible never happens, and the certain always.
    """
    return Chance(*_split(_units(np.asarray(probability, np.float64))))


def words(key: Key[Array, ""], shape: Sequence[int], dtype: npt.DTypeLike) -> Words:
    """Return random numbers of 63 bits, uniform over [0, 1) in units of 2^-64.

    Their first digits are those of `jax.random.uniform` for this key and this dtype.
    """
    if np.dtype(dtype) == np.float64:
        both = jax.random.bits(key, tuple(shape), jnp.uint64)
        high, low = (both >> 32).astype(jnp.uint32), both.astype(jnp.uint32)
    else:
        high = jax.random.bits(key, tuple(shape), jnp.uint32)
        low = jax.random.bits(jax.random.fold_in(key, FINER), tuple(shape), jnp.uint32)
    return Words(high, low & np.uint32(2**32 - 2))


def drawn(law: Cuts, word: Words) -> Int32[Array, "*draws"]:
    """Return the symbols of one law that these random numbers stand for."""
    symbols = law.high_V.shape[0]
    if symbols > SEARCHED:
        begin = jnp.zeros(word.high.shape, jnp.int32)
        return first_beyond(law, word, begin, begin + symbols)
    each = Words(word.high[..., None], word.low[..., None])
    row = Words(*(jnp.expand_dims(jnp.asarray(cut_V), tuple(range(word.high.ndim))) for cut_V in law))
    return jnp.sum(~random_bits.below(each, row), axis=-1, dtype=jnp.int32)


def row(laws: Cuts, at: Int32[Array, ""] | tuple[Int32[Array, ""], ...]) -> Cuts:
    """Return one of several laws."""
    return Cuts(laws.high_V[at], laws.low_V[at])


def of(events: Chance, at: Int[Array | np.ndarray, "*any"]) -> Chance:
    """Return the chances of some of several events."""
    return Chance(events.high[at], events.low[at])


def first_beyond(
    law: Cuts, word: Words, begin: Int32[Array, "*draws"], end: Int32[Array, "*draws"]
) -> Int32[Array, "*draws"]:
    """Return the first place from `begin` on, before `end`, whose cut lies beyond the random number; else the last."""

    def halve(
        _: Int[Array, ""], ends: tuple[Int32[Array, "*draws"], Int32[Array, "*draws"]]
    ) -> tuple[Int32[Array, "*draws"], Int32[Array, "*draws"]]:
        low, high = ends
        middle = (low + high) // 2
        open_ = low < high
        beyond = random_bits.below(word, Words(law.high_V[middle], law.low_V[middle]))
        return jnp.where(open_ & ~beyond, middle + 1, low), jnp.where(open_ & beyond, middle, high)

    return jax.lax.fori_loop(0, law.high_V.shape[0].bit_length(), halve, (begin, end - 1))[0]


def happens(event: Chance, word: Words) -> Bool[Array, "*draws"]:
    """Return whether events of these chances happen."""
    return random_bits.below(word, Words(*map(jnp.asarray, event)))


def among(count: int, word: Words) -> Int32[Array, "*draws"]:
    """Return draws from 0, …, count-1, all equally likely.

    Error: each probability is off by at most 2^-63.
    """
    return random_bits.share(word, count).astype(jnp.int32)


def numbers(tables: Any) -> int:
    """Return how many numbers of a law these tables hold; a chance stands beside one, and an exponent is none."""
    leaves = jax.tree.leaves(tables, is_leaf=lambda each: isinstance(each, Cuts | Chance))
    return sum(_size(leaf) for leaf in leaves)


def _size(leaf: Any) -> int:
    if isinstance(leaf, Chance) or (np.ndim(leaf) == 0 and np.issubdtype(leaf.dtype, np.integer)):
        return 0
    return int(np.size(leaf.high_V if isinstance(leaf, Cuts) else leaf))


def _units(probability: Float[np.ndarray, "*any"]) -> UInt64[np.ndarray, "*any"]:
    """Return probabilities in whole units of 2^-63; float64 has no digits that are lost but those below the unit."""
    return np.asarray(np.rint(np.ldexp(probability, DIGITS)), np.uint64)


def _split(sums: UInt64[np.ndarray, "*any"]) -> tuple[Any, Any]:
    """Return sums in units of 2^-63 as two words in units of 2^-64, the whole as the largest number."""
    finer = np.asarray(np.where(sums >= 2**DIGITS, np.uint64(2**64 - 1), sums << np.uint64(1)))
    return random_bits.split(finer)
