"""A table of losses from a file: columns by name, and every row that cannot be used named by its line, and why."""

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from testbed.ground.wording import offered, short
from testbed.stats.identified import LONGEST, NoInformation
from testbed.stats.scaling.table import Losses, check_rows, losses

NEEDED, OFFERED = ("params", "tokens", "loss"), ("flops", "group")


class Read(NamedTuple):
    """The table, the line of each of its rows, and for each bad line the reason."""

    table: Losses
    line_N: tuple[int, ...]
    bad: Mapping[int, str]


def read(path: Path, columns: Mapping[str, str]) -> Read:
    """Return the losses of a file of comma-separated values (tab, where it ends in .tsv), with a line of names first.

    ``columns`` gives the name in the file of params, tokens, loss, flops (optional: taken if it is there) and group
    (optional: rows of one text are resampled together). Rows are bad that lack a field or the name of
    their group, or whose numbers are no text of a number, not finite, or not positive.

    Error: ValueError if a column is missing, the file is no text, no row is sound, or there are more than are fitted.

    >>> import os, tempfile
    >>> place = Path(tempfile.mkdtemp()) / "losses.csv"
    >>> _ = place.write_text("N,D,L" + os.linesep + "10,100,3.0" + os.linesep + "10,200,nan")
    >>> found = read(place, {"params": "N", "tokens": "D", "loss": "L"})
    >>> found.table.loss_N.tolist(), dict(found.bad)
    ([3.0], {3: 'loss nan is not positive and finite'})
    """
    names, rows = _lines(path)
    places = _places(path, names, columns)
    kept: list[tuple[int, list[float], str]] = []
    bad: dict[int, str] = {}
    for line, fields in rows:
        found = _row(fields, places, len(names))
        if isinstance(found, str):
            bad[line] = found
        else:
            group = fields[places["group"]].strip() if "group" in places else ""
            if "group" in places and not group:
                bad[line] = "its group has no name"
            else:
                kept.append((line, found, group))
    if not kept:
        told = next(iter(bad.values()), "it has no row")
        raise NoInformation(f"{path}: no row is sound ({told}); give params, tokens and loss as positive numbers.")
    used = [name for name in (*NEEDED, "flops") if name in places]
    column = {name: [values[at] for _, values, _ in kept] for at, name in enumerate(used)}
    groups = [group for _, _, group in kept] if "group" in places else None
    table = losses(column["params"], column["tokens"], column["loss"], column.get("flops"), groups)
    check_rows(table)
    return Read(table, tuple(line for line, _, _ in kept), bad)


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns, and each row that is not blank with its line."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; name a table of params, tokens and loss, e.g. losses.csv.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = list(_split(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise ValueError(f"{path}: it is no table of comma-separated values ({problem}); save it as CSV.") from problem
    if not found:
        raise ValueError(f"{path}: it is empty; give a line of names, e.g. params,tokens,loss, and a row for each run.")
    names = [name.strip() for name in found[0][1]]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{path}: the column {short(twice[0])!r} stands there twice; rename one of them.")
    return names, found[1:]


def _split(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for fields in rows:
        if any(field.strip() for field in fields):
            yield rows.line_num, fields  # type: ignore[attr-defined]


def _places(path: Path, names: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Return where each column stands."""
    found = {}
    for what in (*NEEDED, *OFFERED):
        name = columns.get(what, what)
        if name in names and (what != "group" or what in columns):
            found[what] = names.index(name)
        elif what in NEEDED or what in columns:
            raise ValueError(
                f"{path}: it has no column {short(name)!r} for {what}; {offered(name, names)}; name it by"
                f" --columns {what}=NAME."
            )
    return found


def _row(fields: list[str], places: Mapping[str, int], width: int) -> list[float] | str:
    """Return the numbers of a row, or what is wrong with it."""
    if len(fields) != width:
        return f"{len(fields)} fields for {width} columns"
    values = []
    for what in (*NEEDED, "flops"):
        if what not in places:
            continue
        text = fields[places[what]].strip()
        try:
            value = float(text)
        except ValueError:
            return f"{what} {short(text)!r} is no number"
        if not (math.isfinite(value) and value > 0):
            return f"{what} {short(text)} is not positive and finite"
        if not 1 / LONGEST <= value <= LONGEST:
            return f"{what} {short(text)} is not between {1 / LONGEST:g} and {LONGEST:g}"
        values.append(value)
    return values
