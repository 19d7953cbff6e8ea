"""Named random streams: two runs share exactly the randomness whose stream and indices they share."""

import zlib

import jax
from jaxtyping import Array, Key


def stream(root: int, name: str, *indices: int) -> Key[Array, ""]:
    """Return the key of stream ``name`` ("data", "init", "evaluation", …) under the seed ``root``.

    Each index (a replicate, a draw, …) is folded in, in order; names are hashed by CRC-32, so that a new stream
    leaves the others as they were.
    """
    key = jax.random.fold_in(jax.random.key(root), zlib.crc32(name.encode()))
    for index in indices:
        key = jax.random.fold_in(key, index)
    return key
