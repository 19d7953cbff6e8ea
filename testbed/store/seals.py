"""A checksum of the whole file inside the file, at a place that any reader passes over.

It covers the file's name, that of its run, and every byte but its own, so that a file is believed only whole,
unchanged, and where it was written for. As it comes and goes with the file, no kill, copy or second writer can part
the two, and there is nothing to lock. In Parquet it is a value of the footer's key-value metadata; in JSON it is the
line of white space before the text, one bit a character. Files that were made before there were checksums have
neither.
"""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq

_MARK, _NAMED = b"testbed.sha256", b"testbed.file"
"""Keys of the footer. One flipped bit leaves one of them, which tells a damaged file from one without a checksum."""

_HEX = 64
_SKIPPED = 2
"""Bytes between a key of the footer and its value: the field's header and the value's length."""

_BITS = 256
_ZERO, _ONE = b" ", b"\t"


class Damaged(ValueError):
    """A file is not what was written: says how that is known."""


def parquet(name: str, table: pa.Table) -> bytes:
    """Return a table as a Parquet file of this name, sealed."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", write_page_checksum=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_MARK.decode(): "0" * _HEX, _NAMED.decode(): name})
    blank = sink.getvalue().to_pybytes()
    at = _hole(blank)
    return blank[:at] + _hash(name, blank).hex().encode() + blank[at + _HEX :]


def json(name: str, text: bytes) -> bytes:
    """Return a JSON text as a file of this name, sealed."""
    bits = f"{int.from_bytes(_hash(name, text)):0{_BITS}b}"
    return bits.encode().replace(b"0", _ZERO).replace(b"1", _ONE) + b"\n" + text


def opened(name: str, payload: bytes) -> tuple[bytes, bool]:
    """Return what a file of this name holds, and whether a checksum vouches for it.

    Error: Damaged if it is not what was written under this name.
    """
    if not payload:
        raise Damaged("it is empty")
    return (_opened_json if ".json" in name else _opened_parquet)(name, payload)


def _opened_parquet(name: str, payload: bytes) -> tuple[bytes, bool]:
    if _MARK not in payload and _NAMED not in payload:
        return payload, False
    at = _hole(payload)
    blank = payload[:at] + b"0" * _HEX + payload[at + _HEX :]
    if _MARK not in payload or payload[at : at + _HEX] != _hash(name, blank).hex().encode():
        raise Damaged(f"its checksum is not that of a file {name}")
    return payload, True


def _opened_json(name: str, payload: bytes) -> tuple[bytes, bool]:
    if payload[:1] in (b"{", b"["):
        return payload, False
    text = payload[_BITS + 1 :]
    if payload != json(name, text):
        raise Damaged(f"its checksum is not that of a file {name}")
    return text, True


def _hole(payload: bytes) -> int:
    """Return where the checksum of a Parquet file begins."""
    return payload.rfind(_MARK) + len(_MARK) + _SKIPPED


def _hash(name: str, payload: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + payload).digest()
