"""Whole numbers of 64 bits as pairs of 32-bit words, for devices without 64 bits: pure JAX."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, UInt32, UInt64

HALF, MASK = 16, 2**16 - 1


class Words(NamedTuple):
    """The number high·2^32 + low."""

    high: UInt32[Array, "..."]
    low: UInt32[Array, "..."]


def split(number: UInt64[np.ndarray, "..."]) -> tuple[Any, Any]:
    """Return first and second words of numbers."""
    return np.asarray(number >> np.uint64(32), np.uint32), np.asarray(number & np.uint64(2**32 - 1), np.uint32)


def part(a: Words, which: int | slice | tuple[slice | int, ...], shape: tuple[int, ...] | None = None) -> Words:
    """Return some of many numbers, in another shape if one is given."""
    return Words(*(word[which] if shape is None else word[which].reshape(shape) for word in a))


def below(a: Words, b: Words) -> Bool[Array, "..."]:
    """Return a < b."""
    return (a.high < b.high) | ((a.high == b.high) & (a.low < b.low))


def plus(a: Words, b: Words) -> Words:
    """Return a + b, modulo 2^64."""
    low = a.low + b.low
    return Words(a.high + b.high + (low < a.low).astype(jnp.uint32), low)


def minus(a: Words, b: Words) -> Words:
    """Return a - b, modulo 2^64."""
    return Words(a.high - b.high - (a.low < b.low).astype(jnp.uint32), a.low - b.low)


def chosen(condition: Bool[Array, "..."], a: Words, b: Words) -> Words:
    """Return a where the condition holds, else b."""
    return Words(jnp.where(condition, a.high, b.high), jnp.where(condition, a.low, b.low))


def up(a: Words, places: Int32[Array, "..."]) -> Words:
    """Return a·2^places, modulo 2^64, for places >= 0."""
    high = _up(a.high, places) | _up(a.low, places - 32) | _down(a.low, 32 - places)
    return Words(high, _up(a.low, places))


def down(a: Words, places: Int32[Array, "..."]) -> Words:
    """Return the whole part of a/2^places, for places >= 0."""
    low = _down(a.low, places) | _down(a.high, places - 32) | _up(a.high, 32 - places)
    return Words(_down(a.high, places), low)


def share(a: Words, count: int) -> UInt32[Array, "..."]:
    """Return the whole part of count·a/2^64, for a count of 32 bits."""
    number = jnp.uint32(count)
    high, low = _product(a.high, number)
    carried = low + _product(a.low, number)[0]
    return high + (carried < low).astype(jnp.uint32)


def shared(a: Words, b: Words) -> Words:
    """Return the whole part of a·b/2^64."""
    cross, other = _product(a.high, b.low), _product(a.low, b.high)
    middle = plus(Words(jnp.zeros_like(cross[1]), cross[1]), Words(jnp.zeros_like(other[1]), other[1]))
    least = _product(a.low, b.low)[0]
    middle = plus(middle, Words(jnp.zeros_like(least), least))
    high = plus(Words(*_product(a.high, b.high)), Words(jnp.zeros_like(cross[0]), cross[0]))
    return plus(plus(high, Words(jnp.zeros_like(other[0]), other[0])), Words(jnp.zeros_like(middle.high), middle.high))


def _product(a: UInt32[Array, "..."], b: UInt32[Array, "..."]) -> tuple[Array, Array]:
    """Return first and second word of a·b."""
    (a1, a0), (b1, b0) = ((each >> HALF, each & MASK) for each in (a, b))
    first = a1 * b0 + (a0 * b0 >> HALF)
    second = a0 * b1 + (first & MASK)
    return a1 * b1 + (first >> HALF) + (second >> HALF), a * b


def _up(word: UInt32[Array, "..."], places: Int32[Array, "..."]) -> UInt32[Array, "..."]:
    """Return the word moved up, nothing being left where the places are none of 0..31."""
    inside = (places >= 0) & (places < 32)
    return jnp.where(inside, word << jnp.where(inside, places, 0).astype(jnp.uint32), 0)


def _down(word: UInt32[Array, "..."], places: Int32[Array, "..."]) -> UInt32[Array, "..."]:
    """Return the word moved down, nothing being left where the places are none of 0..31."""
    inside = (places >= 0) & (places < 32)
    return jnp.where(inside, word >> jnp.where(inside, places, 0).astype(jnp.uint32), 0)
