"""One self-contained HTML page: verdicts first, then what they rest on. It opens without a network, for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed.report.plots import Drawn
from testbed.report.template import figure, filled

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What the pages of all kinds of questions share, as plain data.

    ``ledger`` holds one mapping per verdict (the fields of ``testbed.verdict.Verdict``), ``checks`` name, passed and
    sentence; ``dropped`` counts what was left out, by reason.
    """

    title: str
    question: str
    ledger: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    dropped: Mapping[str, int]
    spec: str
    provenance: Mapping[str, str]


def plain(frame: Frame, figures: Sequence[Drawn], tables: "Mapping[str, pd.DataFrame]") -> str:
    """Return the page of a question that has no page of its own: figures, and every table in full."""
    rows = {
        name: ([str(c) for c in table], [_cells(row) for row in table.itertuples(index=False, name=None)])
        for name, table in tables.items()
    }
    return filled("plain.html", frame, figures=figures, tables=rows)


def _cells(row: Sequence[Any]) -> list[str]:
    return [figure(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else str(cell) for cell in row]
