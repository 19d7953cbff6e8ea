"""One self-contained HTML page: verdicts first, then what they rest on. It opens without a network, for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from testbed.report.drawn import drawn
from testbed.report.palette import short
from testbed.report.template import filled

HEADINGS = {
    "B": "B: limit of fresh data",
    "gap": "Ω: optimisation gap",
    "gap share": "Ω as a share of K on fresh data",
    "V": "V: cost of finite data",
    "exponent of V": "Exponent of V in D",
    "local exponent of V": "Exponent of V between neighbouring D",
    "K": "K: exact excess loss",
    "excess": "E[CE] − ε: sampled excess loss",
}


@dataclass(frozen=True)
class Page:
    """All that a page shows, as plain data.

    ``ledger`` holds one mapping per verdict (the fields of ``testbed.verdict.Verdict``), ``checks`` name, passed and
    sentence, ``truth`` name, value, low, high, error and method; ``estimates``, ``parts`` and ``curves`` are the tables
    of ``testbed.measure.split``; ``constants`` C_P of the joint law of V; ``positions`` the table of the measure
    of that name; ``references`` the lines of ``testbed.measure.references``, none for a run without; ``dropped`` counts
    what was left out, by reason.
    """

    title: str
    question: str
    ledger: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    estimates: pd.DataFrame
    parts: pd.DataFrame
    curves: pd.DataFrame
    constants: Mapping[int, float]
    positions: pd.DataFrame
    references: pd.DataFrame
    truth: Sequence[Mapping[str, Any]]
    dropped: Mapping[str, int]
    spec: str
    provenance: Mapping[str, str]


def render(page: Page) -> str:
    """Return the page as HTML: every text escaped, the plotting script inlined once, nothing loaded from elsewhere."""
    return filled("page.html", page, figures=drawn(page), tables=_tables(page.estimates))


def _tables(estimates: pd.DataFrame) -> list[tuple[str, list[dict[str, Any]]]]:
    """Estimates by quantity, in the order of their weight for the reader."""
    found = []
    for quantity, heading in HEADINGS.items():
        own = estimates[estimates["quantity"] == quantity]
        rows = [_row(row) for row in own.itertuples()]
        found += [(heading, rows)] if rows else []
    return found


def _row(row: Any) -> dict[str, Any]:
    data = "fresh" if row.role == "online" else "stored"
    tokens = "" if pd.isna(row.tokens) else f", {short(row.tokens)} tokens"
    size = "all" if pd.isna(row.parameters) else short(row.parameters)
    return {
        "parameters": size,
        "data": data + tokens,
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "n": row.n,
        "method": row.method,
    }
