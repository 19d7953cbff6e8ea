"""Tables as text beside their Parquet files, for spreadsheets: CSV carries no checksum, so the Parquet file vouches."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from testbed.store.files import StoreError, atomically, explained, read
from testbed.store.refusals import DECLARED, SPEC, remedy

_VOUCHED = b"testbed.csv"
"""Key of the Parquet file's metadata: the sha256 of the text beside it."""


def sheet(path: Path) -> Path:
    """Return where the text of a table lies."""
    return path.with_suffix(".csv")


def text(frame: pd.DataFrame) -> bytes:
    r"""Return a table as CSV, floats to the last bit, nothing for what is no number; columns of arrays are left out.

    >>> text(pd.DataFrame({"a": [1, 2], "b": [0.1, np.nan], "c_B": [np.ones(2), np.ones(2)]}))
    b'a,b\n1,0.1\n2,\n'
    """
    plain = [name for name in frame if not any(isinstance(value, list | np.ndarray) for value in frame[name])]
    return str(frame[plain].to_csv(index=False, lineterminator="\n")).encode()


def vouching(table: pa.Table, sheet: bytes) -> pa.Table:
    """Return a table that vouches for the text beside it."""
    return table.replace_schema_metadata({_VOUCHED: hashlib.sha256(sheet).hexdigest().encode()})


def put_beside(path: Path, sheet_text: bytes, put: Callable[[], None]) -> None:
    """Replace the text beside a table, which ``put`` writes: a kill leaves no text beside a table of other numbers.

    A text that is as it should be stays where it is, also where the disk is full.

    Error: StoreError if it cannot be written.
    """
    beside = sheet(path)
    with explained(path):
        same = beside.is_file() and beside.read_bytes() == sheet_text
        if not same:
            beside.unlink(missing_ok=True)
    put()
    if not same:
        atomically(beside, sheet_text, replace=True)


def check(folder: Path, read_json: Callable[[str], Any], read_table: Callable[[Path], pa.Table]) -> None:
    """Refuse to go on beside a damaged file; of declarations, the verdicts tell.

    Error: StoreError names the first one.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".parquet") and path.name not in (DECLARED, SPEC) and path.name[0] != ".":
            if path.suffix == ".json":
                read_json(path.name)
            else:
                _check_sheet(folder, path, read_table(path))


def _check_sheet(folder: Path, path: Path, table: pa.Table) -> None:
    """Refuse a text that is not that of the table; one that no table vouches for is none of ours."""
    expected, beside = (table.schema.metadata or {}).get(_VOUCHED), sheet(path)
    if expected and beside.exists():
        told = remedy(folder, beside)
        if hashlib.sha256(read(beside, lambda: told)).hexdigest().encode() != expected:
            raise StoreError(f"{beside} is damaged (it is not what {path.name} holds): {told}")
