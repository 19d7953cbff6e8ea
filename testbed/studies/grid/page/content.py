"""The page of a grid: verdicts first, then figures, every estimate, and what they rest on."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pandas as pd

from testbed.cell import PILOTS
from testbed.report.page import Frame
from testbed.report.palette import short
from testbed.report.template import filled
from testbed.sources import Absent, Quantity, Truth
from testbed.studies.grid import references
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.measures import measures
from testbed.studies.grid.page.drawn import drawn
from testbed.studies.grid.page.shown import Page
from testbed.studies.grid.parts import constants, curves
from testbed.verdict import LEVEL

HEADINGS = {
    "B": "B: least K attainable",
    "attained": "Least K that any run attained",
    "gap": "Ω: optimisation gap",
    "gap share": "Ω as a share of K on fresh data",
    "V": "V: cost of finite data",
    "exponent of V": "Exponent of V in D",
    "local exponent of V": "Exponent of V between neighbouring D",
    "K": "K: exact excess loss",
    "excess": "E[CE] − ε: sampled excess loss",
    "variance over draws": "Variance of K over draws of the data, nats²",
    "variance over first parameters": "Variance of K over first parameters, nats²",
    "variance of the rest": "Variance of K of the rest, nats²",
}


def page(frame: Frame, analysis: Analysis, derived: Mapping[str, pd.DataFrame]) -> Page:
    """Return the page of a grid."""
    return Page(
        **vars(frame) | {"dropped": _dropped(analysis) | dict(frame.dropped)},
        estimates=derived["estimates.parquet"],
        parts=derived["loss_parts.parquet"],
        curves=curves(analysis),
        compute=derived["compute.parquet"],
        constants=constants(analysis, level=LEVEL),
        figures=[drawn for measure in measures().values() for drawn in measure.figures(analysis)],
        references=references.lines(analysis.references, level=LEVEL),
        truth=[] if analysis.truth is None else _truth_lines(analysis.truth),
    )


def render(page: Page) -> str:
    """Return the page as HTML: every text escaped, the plotting script inlined once, nothing loaded from elsewhere."""
    return filled(
        "grid.html", page, folder="testbed.studies.grid.page", figures=drawn(page), tables=_tables(page.estimates)
    )


def _truth_lines(truth: Truth) -> list[dict[str, Any]]:
    named: list[tuple[str, Quantity | Absent]] = [
        (f"ε over {truth.length} tokens", truth.epsilon),
        ("entropy rate", truth.rate),
        ("oracle entropy", truth.oracle),
    ]
    named += [(f"h_{position}", quantity) for position, quantity in enumerate(truth.curve, start=1)]
    return [
        {"name": name, **msgspec.to_builtins(quantity)} for name, quantity in named if isinstance(quantity, Quantity)
    ]


def _dropped(analysis: Analysis) -> dict[str, int]:
    """Return how many cells take no part in the estimates, by reason."""
    cells = analysis.cells
    diverged = int((cells["status"] != "finished").sum())
    pilots = int(((cells["status"] == "finished") & cells["role"].isin(PILOTS)).sum())
    return {
        "diverged": diverged,
        "pilots, which choose the learning rates": pilots,
        "parts of other experiments, or of other versions": analysis.strangers,
    }


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
        "method": row.method if row.level == LEVEL else f"{row.method}, at {100 * row.level:.4g} %",
    }
