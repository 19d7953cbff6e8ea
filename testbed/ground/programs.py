"""Compiled programs that are kept between processes, each with a checksum, so that a damaged one is made anew.

JAX writes an entry in place, never replaces one, and warns of a damaged one each time it meets it, for ever; or it runs
what still unpacks. Here an entry is checked when it is read: one that a kill cut short, or a disk spoilt, is dropped
without a word, compiled again, and written again. Nothing is read at the start.
"""

import contextlib
import hashlib

from jax._src import compilation_cache
from jax._src.lru_cache import LRUCache

_BYTES = hashlib.sha256().digest_size


class CheckedCache(LRUCache):
    """JAX's folder of compiled programs, whose entries end in a checksum of themselves and their key."""

    def get(self, key: str) -> bytes | None:
        """Return a program; None if it is not there, or not whole."""
        try:
            entry = super().get(key)
        except OSError:
            entry = b""
        if entry is None:
            return None
        program = entry[:-_BYTES]
        if entry == _sealed(key, program):
            return program
        with contextlib.suppress(OSError):
            (self._path / f"{key}-cache").unlink()
        return None

    def put(self, key: str, value: bytes) -> None:
        """Leave a program, unless there is one."""
        super().put(key, _sealed(key, value))


def heal() -> None:
    """Make JAX keep programs in checked caches from now on."""
    compilation_cache.LRUCache = CheckedCache  # type: ignore[attr-defined] # JAX has no other door


def _sealed(key: str, program: bytes) -> bytes:
    return program + hashlib.sha256(key.encode() + b"\0" + program).digest()
