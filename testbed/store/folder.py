"""The folder of a run: parts, snapshots, derived tables, JSON files. What it reads is checked before it is believed."""

import contextlib
import json
import os
import uuid
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from testbed.store import derived, seals, tables
from testbed.store.files import StoreError, atomically, explained, locked, sweep
from testbed.store.named import Named
from testbed.store.refusals import (  # fmt: skip
    BEFORE,
    IDENTITY,
    LOCK,
    PARTS,
    SNAPSHOTS,
    SPEC,
    check_new,
    digests_in,
)
from testbed.store.snapshot import Snapshot
from testbed.store.tables import Arrays

Value = TypeVar("Value")


class Store(Named):
    """The folder of one run."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        super().__init__(folder, prefix)
        self.parts = folder / PARTS
        self.snapshots = folder / SNAPSHOTS
        self.reworded = False
        """Whether the spec that was saved had other words or claims than the one that was asked for."""

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

    def part_of(self, prefix: str) -> "Store":
        """Return the same store for a part of the question, whose tables and JSON files have names of their own."""
        part = Store(self.folder, prefix)
        part.unsealed = self.unsealed
        return part

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

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Let no other process read and then write at the same time."""
        return locked(self.folder / LOCK)

    def _part(self, digest: str) -> Path:
        return self.parts / f"{digest}.parquet"
