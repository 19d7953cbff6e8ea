"""Append-only results: one immutable Parquet part per finished cell, safe under kills and with several writers.

A part is written beside its place, synced, and linked into it, so that it is there whole or not at all; pages carry
checksums, so that damage is noticed. Any Parquet reader can query ``parts/*.parquet`` without this module.
"""

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from testbed import reading

Arrays = dict[str, np.ndarray]

_STALE_SECONDS = 3600.0
"""Age at which an unfinished file is taken to be the leaving of a killed writer."""

_ARRAY_COLUMNS = ("array_name", "array_shape", "array_dtype", "array_bytes")


class StoreError(ValueError):
    """The store cannot do what is asked: says which file, why, and what to do."""


class Store:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder / "parts"
        self.snapshots = folder / "snapshots"

    @classmethod
    def open(cls, folder: Path, spec: bytes, same: Callable[[bytes], str | None]) -> "Store":
        """Return the store in ``folder``, made if need be, once its saved spec is found to be the one asked for.

        ``same`` is given the saved spec and says in words how it differs, or None. The newest wording of an equal spec
        (its claims, say) replaces the old one.

        Error: StoreError if the folder holds another spec, holds something else, or cannot be written.
        """
        store = cls(folder)
        saved = folder / "spec.json"
        if saved.exists():
            difference = same(saved.read_bytes())
            if difference is not None:
                raise StoreError(
                    f"{folder} holds another experiment ({difference}): a folder belongs to one spec; "
                    "choose another --out, or remove the folder."
                )
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StoreError(
                f"{folder} exists and is not a run of testbed: --out must be new, empty or a run; choose another."
            )
        with _explained(folder):
            for path in (store.parts, store.snapshots):
                path.mkdir(parents=True, exist_ok=True)
        store.write_bytes("spec.json", spec)
        store._sweep()
        return store

    @classmethod
    def existing(cls, folder: Path) -> "Store":
        """Return the store of a run that has begun.

        Error: StoreError if there is none.
        """
        if not (folder / "spec.json").is_file():
            raise StoreError(
                f"{folder} is not a run of testbed (no spec.json): name a folder that `testbed run --out` made."
            )
        return cls(folder)

    def has(self, digest: str) -> bool:
        """Return whether the cell of this digest is finished."""
        return self._part(digest).exists()

    def write(self, digest: str, row: dict[str, Any], evidence: Arrays, parameters: Arrays) -> None:
        """Add a finished cell: its scalars, its evidence (leading axis C), its kept parameters. Never overwrites."""
        columns: dict[str, Any] = {"digest": [digest], **{name: [value] for name, value in row.items()}}
        columns |= {name: [array.tolist()] for name, array in evidence.items()}
        self._write_table(self._part(digest), pa.table(columns | _pack(parameters)), replace=False)

    def cells(self) -> pd.DataFrame:
        """Return all finished cells, a row each, without their parameters; evidence as float64 arrays.

        Error: StoreError naming the first part that is damaged.
        """
        rows = []
        for path in sorted(self.parts.glob("*.parquet")):
            row = self._read_table(path).drop_columns(list(_ARRAY_COLUMNS)).to_pylist()[0]
            rows.append({name: np.array(value) if isinstance(value, list) else value for name, value in row.items()})
        return pd.DataFrame(rows)

    def row(self, digest: str) -> dict[str, Any]:
        """Return the scalars and the evidence of one finished cell, without its parameters.

        Error: StoreError if it is missing or damaged.
        """
        found: dict[str, Any] = self._read_table(self._part(digest)).drop_columns(list(_ARRAY_COLUMNS)).to_pylist()[0]
        return found

    def parameters(self, digest: str) -> Arrays:
        """Return the kept parameters of a finished cell, by path."""
        return _unpack(self._read_table(self._part(digest), columns=list(_ARRAY_COLUMNS)))

    def snapshot(self, name: str) -> "Snapshot":
        """Return the place where work under way named ``name`` is saved."""
        return Snapshot(self, self.snapshots / f"{name}.parquet")

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Replace a derived table."""
        listed = {
            column: [value.tolist() if isinstance(value, np.ndarray) else value for value in frame[column]]
            for column in frame.columns
        }
        self._write_table(self.folder / name, pa.table(listed), replace=True)

    def read_frame(self, name: str) -> pd.DataFrame:
        """Return a derived table."""
        table = self._read_table(self.folder / name)
        return pd.DataFrame(table.to_pylist(), columns=table.column_names)

    def write_arrays(self, name: str, arrays: Arrays) -> None:
        """Replace a derived set of arrays."""
        self._write_table(self.folder / name, pa.table(_pack(arrays)), replace=True)

    def read_arrays(self, name: str) -> Arrays:
        """Return a derived set of arrays."""
        return _unpack(self._read_table(self.folder / name))

    def write_json(self, name: str, value: Any) -> None:
        """Replace a JSON file."""
        self.write_bytes(name, json.dumps(value, indent=1, allow_nan=False).encode() + b"\n")

    def read_json(self, name: str) -> Any:
        """Return what a JSON file holds.

        Error: StoreError if it is missing or damaged.
        """
        path = self.folder / name
        try:
            return reading.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path} cannot be read ({error}): delete it and run again; finished cells are kept."
            ) from error

    def write_bytes(self, name: str, payload: bytes) -> None:
        """Replace a file, whole or not at all."""
        _atomically(self.folder / name, lambda beside: beside.write_bytes(payload), replace=True)

    def _part(self, digest: str) -> Path:
        return self.parts / f"{digest}.parquet"

    def _write_table(self, path: Path, table: pa.Table, *, replace: bool) -> None:
        def write(beside: Path) -> None:
            pq.write_table(table, beside, compression="zstd", write_page_checksum=True)

        _atomically(path, write, replace=replace)

    def _read_table(self, path: Path, columns: list[str] | None = None) -> pa.Table:
        try:
            return pq.read_table(path, columns=columns, page_checksum_verification=True, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            why = str(error).splitlines()[0]
            raise StoreError(
                f"{path} is damaged or missing ({why}): a part must be a whole Parquet file with sound checksums; "
                "delete it and run again, which redoes only what it held."
            ) from error

    def _sweep(self) -> None:
        for folder in (self.folder, self.parts, self.snapshots):
            for path in folder.glob(".unfinished-*"):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                        path.unlink()


class Snapshot:
    """Work under way: one file, replaced whole each time."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store, self.path = store, path

    def load(self) -> Arrays | None:
        """Return the last snapshot, or None.

        Error: StoreError if it is damaged.
        """
        return _unpack(self._store._read_table(self.path)) if self.path.exists() else None

    def save(self, arrays: Arrays) -> None:
        """Replace the snapshot."""
        self._store._write_table(self.path, pa.table(_pack(arrays)), replace=True)

    def drop(self) -> None:
        """Forget the snapshot, once all it held is in finished parts."""
        self.path.unlink(missing_ok=True)


def write_outside(path: Path, payload: bytes) -> None:
    """Replace a file that belongs to no run, whole or not at all.

    Error: StoreError if it cannot be written.
    """
    _atomically(path, lambda beside: beside.write_bytes(payload), replace=True)


def _pack(arrays: Arrays) -> dict[str, Any]:
    values = [np.ascontiguousarray(array) for array in arrays.values()]
    described = (
        list(arrays),
        [list(v.shape) for v in values],
        [v.dtype.str for v in values],
        [v.tobytes() for v in values],
    )
    types = (pa.string(), pa.list_(pa.int64()), pa.string(), pa.large_binary())
    named = zip(_ARRAY_COLUMNS, described, types, strict=True)
    return {name: pa.array([value], type=pa.list_(kind)) for name, value, kind in named}


def _unpack(table: pa.Table) -> Arrays:
    names, shapes, kinds, payloads = (table.column(name)[0].as_py() for name in _ARRAY_COLUMNS)
    described = zip(names, shapes, kinds, payloads, strict=True)
    return {name: np.frombuffer(payload, dtype=kind).reshape(shape) for name, shape, kind, payload in described}


def _atomically(path: Path, write: Callable[[Path], object], *, replace: bool) -> None:
    beside = path.with_name(f".unfinished-{uuid.uuid4().hex}-{path.name}")
    with _explained(path):
        try:
            write(beside)
            with open(beside, "rb") as handle:
                os.fsync(handle.fileno())
            if replace:
                os.replace(beside, path)
            else:
                with contextlib.suppress(FileExistsError):
                    os.link(beside, path)
            _sync_folder(path.parent)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        where = path if path.is_dir() else path.parent
        free = f"; {shutil.disk_usage(where).free / 2**20:.0f} MiB are free there" if where.exists() else ""
        raise StoreError(
            f"{path} could not be written ({why}{free}): the folder must be writable and have room; "
            "make room or choose another --out, and run again: finished cells and the last snapshot are kept."
        ) from error
