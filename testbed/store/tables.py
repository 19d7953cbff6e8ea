"""What the Parquet files of a run hold: a finished cell, a set of arrays, or a table; each known by its columns."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from testbed.store.seals import Damaged

Arrays = dict[str, np.ndarray]

_ARRAY_TYPES = {
    "array_name": pa.string(),
    "array_shape": pa.list_(pa.int64()),
    "array_dtype": pa.string(),
    "array_bytes": pa.large_binary(),
}
"""Columns of a set of arrays, each a list with an element per array."""


def pack_part(digest: str, row: dict[str, Any], evidence: Arrays, parameters: Arrays) -> pa.Table:
    """Return a finished cell as a table of one row."""
    columns: dict[str, Any] = {"digest": [digest], **{name: [value] for name, value in row.items()}}
    columns |= {name: [array.tolist()] for name, array in evidence.items()}
    return pa.table(columns | _packed(parameters))


def part_row(digest: str, table: pa.Table, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the scalars and the evidence of a finished cell.

    Error: Damaged if the table is not that of this cell.
    """
    _check_columns(table, {"digest": pa.string()} | {name: pa.list_(kind) for name, kind in _ARRAY_TYPES.items()})
    row: dict[str, Any] = table.drop_columns(list(_ARRAY_TYPES)).to_pylist()[0]
    if row["digest"] != digest:
        raise Damaged(f"it holds the cell {str(row['digest'])[:16]}…")
    lacking = [name for name in needed if row.get(name) is None]
    if lacking:
        raise Damaged(f"it lacks {lacking[0]}")
    return row


def part_parameters(digest: str, table: pa.Table) -> Arrays:
    """Return the kept parameters of a finished cell, by path.

    Error: Damaged if the table is not that of this cell.
    """
    part_row(digest, table)
    return unpack_arrays(table)


def pack_arrays(arrays: Arrays) -> pa.Table:
    """Return a set of arrays as a table of one row."""
    return pa.table(_packed(arrays))


def unpack_arrays(table: pa.Table, needed: tuple[str, ...] = ()) -> Arrays:
    """Return a set of arrays, the ``needed`` ones among them.

    Error: Damaged if the table holds no arrays, or lacks one of these.
    """
    _check_columns(table, {name: pa.list_(kind) for name, kind in _ARRAY_TYPES.items()})
    described = zip(*(table.column(name)[0].as_py() for name in _ARRAY_TYPES), strict=True)
    found = {name: np.frombuffer(payload, dtype=kind).reshape(shape) for name, shape, kind, payload in described}
    for name in needed:
        if name not in found:
            raise Damaged(f"it lacks the array {name}")
    return found


def pack_frame(frame: pd.DataFrame) -> pa.Table:
    """Return a frame, whose values may be arrays, as a table."""
    columns = {
        column: [value.tolist() if isinstance(value, np.ndarray) else value for value in frame[column]]
        for column in frame.columns
    }
    return pa.table(columns)


def unpack_frame(table: pa.Table, needed: tuple[str, ...]) -> pd.DataFrame:
    """Return a frame; one that has rows must have the ``needed`` columns.

    Error: Damaged if it lacks them, or holds arrays.
    """
    names = table.column_names
    lacking = [name for name in needed if name not in names] if table.num_rows else []
    if lacking or set(_ARRAY_TYPES) & set(names):
        raise Damaged(f"it lacks the column {lacking[0]}" if lacking else "it holds arrays where a table is due")
    return pd.DataFrame(table.to_pylist(), columns=names)


def as_array(value: Any) -> Any:
    """Return a list as an array, and anything else as it is."""
    return np.array(value) if isinstance(value, list) else value


def _packed(arrays: Arrays) -> dict[str, Any]:
    values = [np.ascontiguousarray(array) for array in arrays.values()]
    described = (
        list(arrays),
        [list(v.shape) for v in values],
        [v.dtype.str for v in values],
        [v.tobytes() for v in values],
    )
    named = zip(_ARRAY_TYPES.items(), described, strict=True)
    return {name: pa.array([value], type=pa.list_(kind)) for (name, kind), value in named}


def _check_columns(table: pa.Table, due: dict[str, pa.DataType]) -> None:
    """Refuse a table that is not one row with these columns."""
    for name, kind in due.items():
        if name not in table.column_names or table.schema.field(name).type != kind:
            raise Damaged(f"it has no column {name} of {kind}")
    if table.num_rows != 1:
        raise Damaged(f"it has {table.num_rows} rows where one is due")
