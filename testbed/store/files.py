"""Files that are there whole or not at all, and what is said when they cannot be read or written."""

import contextlib
import errno
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

UNFINISHED = ".unfinished-"
"""How the names of files begin that are being written, or whose writer was killed."""

_STALE_SECONDS = 3600.0
"""Age at which an unfinished file is taken to be the leaving of a killed writer."""


class StoreError(ValueError):
    """The store cannot do what is asked: says which file, why, and what to do."""


def write_outside(path: Path, payload: bytes) -> None:
    """Replace a file that belongs to no run, whole or not at all.

    Error: StoreError if it cannot be written.
    """
    try:
        atomically(path, payload, replace=True)
    except StoreError as error:
        why = getattr(error.__cause__, "strerror", None) or error.__cause__
        raise StoreError(
            f"{path} could not be written ({why}): its folder must be writable and have room; name another file."
        ) from error.__cause__


def atomically(path: Path, payload: bytes, *, replace: bool) -> None:
    """Write a file beside its place, sync it and put it there; leave one that is there unless told to ``replace`` it.

    Error: StoreError if it cannot be written.
    """
    beside = path.with_name(f"{UNFINISHED}{uuid.uuid4().hex}-{path.name}")
    with explained(path):
        try:
            beside.write_bytes(payload)
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


def read(path: Path, remedy: Callable[[], str]) -> bytes:
    """Return the bytes of a file.

    Error: StoreError if it is missing or cannot be read; ``remedy`` says what to do.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise StoreError(f"{path} is a link to nothing: {remedy()}") from error
        raise StoreError(f"{path} is missing: run again, which makes it anew; finished cells are kept.") from error
    except OSError as error:
        mend = "make it readable, or " if error.errno in (errno.EACCES, errno.EPERM) else ""
        raise StoreError(f"{path} cannot be read ({error.strerror or error}): {mend}{remedy()}") from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that processes share; the system lets go of it when its holder is killed."""
    with explained(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with explained(path):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say in a sentence why a place could not be written, and what to do."""
    try:
        yield
    except IsADirectoryError as error:
        raise StoreError(
            f"{path} is a folder where a file is due: move it away and run again; finished cells are kept."
        ) from error
    except NotADirectoryError as error:
        raise StoreError(
            f"{path} lies under a file, which holds no folder: --out must be new, empty or a run; choose another."
        ) from error
    except OSError as error:
        why = error.strerror or str(error)
        where = path if path.is_dir() else path.parent
        free = f"; {shutil.disk_usage(where).free / 2**20:.0f} MiB are free there" if where.exists() else ""
        raise StoreError(
            f"{path} could not be written ({why}{free}): the folder must be writable and have room; "
            "make room or make it writable, or copy the run elsewhere, and repeat the command: finished cells and"
            " the last snapshot are kept."
        ) from error


def sweep(folder: Path) -> None:
    """Remove what killed writers left in a folder."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > _STALE_SECONDS:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
