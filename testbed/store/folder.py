"""The folder of a run: parts, snapshots, derived tables, JSON files. What it reads is checked before it is believed."""

import contextlib
import functools
import json
import os
import uuid
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from testbed.ground import reading
from testbed.store import derived, seals, tables
from testbed.store.files import StoreError, atomically, explained, locked, read, sweep
from testbed.store.refusals import (  # fmt: skip
    BEFORE,
    DECLARED,
    IDENTITY,
    LOCK,
    PARTS,
    PROVENANCE,
    SNAPSHOTS,
    SPEC,
    check_new,
    digests_in,
    remedy,
)
from testbed.store.snapshot import Snapshot
from testbed.store.tables import Arrays

Value = TypeVar("Value")


class Store:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder / PARTS
        self.snapshots = folder / SNAPSHOTS
        self.reworded = False
        """Whether the spec that was saved had other words or claims than the one that was asked for."""
        self.unsealed: set[str] = set()
        """Files read so far that carry no checksum, as they were written before there were any."""

    @classmethod
    def open(cls, folder: Path, spec: bytes, same: Callable[[bytes], str | None]) -> "Store":
        """Return the store in ``folder``, made if need be, once its saved spec is found to be the one asked for.

        ``same`` is given the saved spec and says in words how it differs, or None. The newest wording of an equal spec
        (its claims, say) replaces the old one. Of several processes that begin at once, the first one's spec counts;
        where a spec is, the identity of the run is.

        Error: StoreError if the folder holds another spec, something else, or a damaged file, or cannot be written.
        """
        store = cls(folder)
        if not os.path.lexists(folder / SPEC):
            check_new(folder)
            with explained(folder):
                folder.mkdir(parents=True, exist_ok=True)
            named = json.dumps({"id": uuid.uuid4().hex}).encode()
            atomically(folder / IDENTITY, seals.json(IDENTITY, named), replace=False)
            atomically(folder / SPEC, seals.json(SPEC, spec), replace=False)
        difference = store.spec(same)
        if difference is not None:
            raise StoreError(
                f"{folder} holds another experiment ({difference}): a folder belongs to one spec; "
                "choose another --out, or remove the folder."
            )
        derived.check(folder, store.read_json, lambda path: store._table(path, lambda table: table))
        with explained(folder):
            for path in (store.parts, store.snapshots):
                path.mkdir(parents=True, exist_ok=True)
        if store.spec(bytes) != spec:
            store.reworded = True
            store.write_text(SPEC, spec)
        for path in (folder, store.parts, store.snapshots):
            sweep(path)
        return store

    @classmethod
    def existing(cls, folder: Path) -> "Store":
        """Return the store of a run that has begun.

        Error: StoreError if there is none.
        """
        if not os.path.lexists(folder / SPEC):
            raise StoreError(
                f"{folder} is not a run of testbed (no spec.json): name a folder that `testbed run --out` made."
            )
        return cls(folder)

    def spec(self, decode: Callable[[bytes], Value]) -> Value:
        """Return what ``decode`` makes of the saved spec.

        Error: StoreError if it is damaged.
        """
        with self._believing(self.folder / SPEC) as payload:
            return decode(payload)

    def has(self, digest: str) -> bool:
        """Return whether the cell of this digest is finished."""
        return os.path.lexists(self._part(digest))

    def write(self, digest: str, row: dict[str, Any], evidence: Arrays, parameters: Arrays) -> None:
        """Add a finished cell: its scalars, its evidence (leading axis C), its kept parameters. Never overwrites."""
        self._put_table(self._part(digest), tables.pack_part(digest, row, evidence, parameters), replace=False)

    def digests(self) -> list[str]:
        """Return the digests of all finished cells, in order."""
        return digests_in(self.parts)

    def cells(self, digests: Container[str] | None = None, needed: tuple[str, ...] = ()) -> pd.DataFrame:
        """Return finished cells, a row each, without their parameters; evidence as arrays. All, or those asked for.

        Error: StoreError naming the first part that is damaged, or lacks one of the ``needed`` columns.
        """
        rows = [self.row(digest, needed) for digest in self.digests() if digests is None or digest in digests]
        return pd.DataFrame([{name: tables.as_array(value) for name, value in row.items()} for row in rows])

    def row(self, digest: str, needed: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the scalars and the evidence of one finished cell, without its parameters.

        Error: StoreError if it is missing or damaged, or lacks one of the ``needed`` columns.
        """
        return self._table(self._part(digest), lambda table: tables.part_row(digest, table, needed))

    def parameters(self, digest: str) -> Arrays:
        """Return the kept parameters of a finished cell, by path."""
        return self._table(self._part(digest), lambda table: tables.part_parameters(digest, table))

    def begun(self) -> bool:
        """Return whether any part or snapshot is there, or any other file that a stage or judging leaves."""
        files = {path.name for path in self.folder.iterdir() if path.is_file() and path.name[0] != "."}
        return bool(files - BEFORE or self.digests() or digests_in(self.snapshots))

    def oldest_part(self) -> float:
        """Return the time of the oldest part in seconds since 1970, infinite if there is none."""
        return min((self._part(digest).lstat().st_mtime for digest in self.digests()), default=float("inf"))

    def snapshot(self, name: str) -> Snapshot:
        """Return the place where work under way named ``name`` (a digest) is saved."""
        path = self.snapshots / f"{name}.parquet"
        write = lambda arrays: self._put_table(path, tables.pack_arrays(arrays), replace=True)  # noqa: E731
        return Snapshot(path, lambda: self._table(path, tables.unpack_arrays), write)

    def holds(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return os.path.lexists(self.folder / name)

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Replace a derived table."""
        self._put_table(self.folder / name, tables.pack_frame(frame), replace=True)

    def write_sheet(self, name: str, frame: pd.DataFrame) -> None:
        """Replace a derived table, and beside it the same as CSV, without columns of arrays."""
        path, text = self.folder / name, derived.text(frame)
        table = derived.vouching(tables.pack_frame(frame), text)
        derived.put_beside(path, text, lambda: self._put_table(path, table, replace=True))

    def read_frame(self, name: str, needed: tuple[str, ...] = ()) -> pd.DataFrame:
        """Return a derived table, which must have the ``needed`` columns unless it is empty.

        Error: StoreError if it is missing, damaged, or another table.
        """
        return self._table(self.folder / name, lambda table: tables.unpack_frame(table, needed))

    def write_arrays(self, name: str, arrays: Arrays) -> None:
        """Replace a derived set of arrays."""
        self._put_table(self.folder / name, tables.pack_arrays(arrays), replace=True)

    def read_arrays(self, name: str, needed: tuple[str, ...] = ()) -> Arrays:
        """Return a derived set of arrays, the ``needed`` ones among them.

        Error: StoreError if it is missing, damaged, or holds something else.
        """
        return self._table(self.folder / name, lambda table: tables.unpack_arrays(table, needed))

    def write_json(self, name: str, value: Any) -> None:
        """Replace a JSON file."""
        self.write_text(name, json.dumps(value, indent=1, allow_nan=False).encode() + b"\n")

    def read_json(self, name: str, kind: Any = Any) -> Any:
        """Return what a JSON file holds, as a value of this kind.

        Error: StoreError if it is missing, damaged, or holds something else.
        """
        with self._believing(self.folder / name) as text:
            return msgspec.json.decode(text, type=kind)

    def write_text(self, name: str, text: bytes) -> None:
        """Replace a JSON file by a text that is JSON."""
        atomically(self.folder / name, seals.json(self._sealed_as(name), text), replace=True)

    def write_page(self, name: str, payload: bytes) -> None:
        """Replace a file that is for people, and never read back."""
        atomically(self.folder / name, payload, replace=True)

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Let no other process read and then write at the same time."""
        return locked(self.folder / LOCK)

    @functools.cached_property
    def identity(self) -> str:
        """What tells a table of this run from those of others; empty in a run made before there was such a thing."""
        return self.read_json(IDENTITY, dict[str, str])["id"] if self.holds(IDENTITY) else ""

    def _part(self, digest: str) -> Path:
        return self.parts / f"{digest}.parquet"

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
