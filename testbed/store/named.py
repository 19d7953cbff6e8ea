"""Tables, arrays and JSON files of a run by name, each with its checksum, each checked before it is believed."""

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from testbed.ground import reading
from testbed.store import derived, seals, tables
from testbed.store.files import StoreError, atomically, read
from testbed.store.refusals import DECLARED, IDENTITY, PROVENANCE, SPEC, remedy
from testbed.store.tables import Arrays

Value = TypeVar("Value")


class Named:
    """The named files of a folder."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self.folder = folder
        self.prefix = prefix
        """What the names of its tables and JSON files begin with."""
        self.unsealed: set[str] = set()
        """Files read so far that carry no checksum, as they were written before there were any."""

    def holds(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return os.path.lexists(self._file(name))

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Replace a derived table."""
        self._put_table(self._file(name), tables.pack_frame(frame), replace=True)

    def write_sheet(self, name: str, frame: pd.DataFrame) -> None:
        """Replace a derived table, and beside it the same as CSV, without columns of arrays."""
        path, text = self._file(name), derived.text(frame)
        table = derived.vouching(tables.pack_frame(frame), text)
        derived.put_beside(path, text, lambda: self._put_table(path, table, replace=True))

    def read_frame(self, name: str, needed: tuple[str, ...] = ()) -> pd.DataFrame:
        """Return a derived table, which must have the ``needed`` columns unless it is empty.

        Error: StoreError if it is missing, damaged, or another table.
        """
        return self._table(self._file(name), lambda table: tables.unpack_frame(table, needed))

    def write_arrays(self, name: str, arrays: Arrays) -> None:
        """Replace a derived set of arrays."""
        self._put_table(self._file(name), tables.pack_arrays(arrays), replace=True)

    def read_arrays(self, name: str, needed: tuple[str, ...] = ()) -> Arrays:
        """Return a derived set of arrays, the ``needed`` ones among them.

        Error: StoreError if it is missing, damaged, or holds something else.
        """
        return self._table(self._file(name), lambda table: tables.unpack_arrays(table, needed))

    def write_json(self, name: str, value: Any) -> None:
        """Replace a JSON file."""
        self.write_text(name, json.dumps(value, indent=1, allow_nan=False).encode() + b"\n")

    def read_json(self, name: str, kind: Any = Any) -> Any:
        """Return what a JSON file holds, as a value of this kind.

        Error: StoreError if it is missing, damaged, or holds something else.
        """
        with self._believing(self._file(name)) as text:
            return msgspec.json.decode(text, type=kind)

    def write_text(self, name: str, text: bytes) -> None:
        """Replace a JSON file by a text that is JSON."""
        atomically(self._file(name), seals.json(self._sealed_as(f"{self.prefix}{name}"), text), replace=True)

    def write_page(self, name: str, payload: bytes) -> None:
        """Replace a file that is for people, and never read back."""
        atomically(self._file(name), payload, replace=True)

    @functools.cached_property
    def identity(self) -> str:
        """What tells a table of this run from those of others; empty in a run made before there was such a thing."""
        if not os.path.lexists(self.folder / IDENTITY):
            return ""
        with self._believing(self.folder / IDENTITY) as text:
            return msgspec.json.decode(text, type=dict[str, str])["id"]

    def _file(self, name: str) -> Path:
        return self.folder / f"{self.prefix}{name}"

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _sealed_as(self, name: str) -> str:
        """Return the name that a checksum covers: a derived file is of this run, a part is named by what it holds."""
        own = "/" in name or name in (DECLARED, IDENTITY, PROVENANCE, SPEC)
        return name if own or not self.identity else f"{name} of run {self.identity}"

    def _put_table(self, path: Path, table: pa.Table, *, replace: bool) -> None:
        atomically(path, seals.parquet(self._sealed_as(self._name(path)), table), replace=replace)

    def _table(self, path: Path, extract: Callable[[pa.Table], Value]) -> Value:
        with self._believing(path) as payload:
            source = pa.BufferReader(payload)
            return extract(pq.read_table(source, page_checksum_verification=True, partitioning=None))

    @contextlib.contextmanager
    def _believing(self, path: Path) -> Iterator[bytes]:
        """Yield what a file holds once its checksum is right; whatever goes wrong within is the file's damage."""
        payload, name = read(path, lambda: remedy(self.folder, path)), self._name(path)
        try:
            held, sealed = seals.opened(self._sealed_as(name), payload)
            if not sealed and self.identity and "/" not in name and name not in (IDENTITY, SPEC):
                raise seals.Damaged("it has no checksum, and this run's files do")
            if not sealed:
                self.unsealed.add(name)
            yield held
        except reading.UnfamiliarError as error:
            raise StoreError(f"{path}: {error}.") from error
        except Exception as error:  # a file without a checksum makes its reader raise anything, KeyError included
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise StoreError(f"{path} is damaged ({why:.200}): {remedy(self.folder, path)}") from error
