"""The main figure of a study of noise: how fast noise falls in every arm, beside the claim and the theory."""

import html
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from testbed.report import panels
from testbed.report.panels import Drawing
from testbed.studies.noise.page.overview import fitted
from testbed.studies.noise.page.view import GROUPS, Subject
from testbed.verdict import span

CLAIMED = {"variance": -1.0}
SPREAD = -0.5
"""Claimed slope of the interquartile range, the only other measure."""
NEAR = 0.05
"""The law is supported where the whole interval lies this near 1."""
LEAST, MOST = -0.75, 2.5
"""Between these the axis ends, however far an arm goes beyond."""
ROW, FRAME, LETTER, WIDEST = 22, 92, 6.6, 190
"""Pixels: a row, the axis with its title, a letter of a name, and the most that names get."""


class Row(NamedTuple):
    """An arm: its exponent with its interval, and that of theory, as shares of the claimed one; NaN where absent."""

    arm: str
    colour: str
    value: float
    low: float
    high: float
    predicted: float


def rows(subjects: Sequence[Subject], fits: pd.DataFrame) -> list[Row]:
    """Return the rows of all arms, in order."""
    found = []
    for subject in subjects:
        claimed = CLAIMED.get(subject.measure, SPREAD)
        fit = subject.fit(fits)
        slopes = (fit.slope, fit.slope_high, fit.slope_low) if fitted(fit) else (np.nan,) * 3
        shares = [float(slope) / claimed for slope in (*slopes, subject.described.predicted_slope)]
        found.append(Row(subject.arm, subject.colour, *shares))
    return found


def forest(found: Sequence[Row]) -> Drawing:
    """Return the exponents of all arms below each other: intervals, theory, and a band where the law holds."""
    ends_N = np.array([[row.value, row.low, row.high, row.predicted] for row in found])
    inside_N = ends_N[np.isfinite(ends_N)]
    low, high = (float(end) for end in np.clip([min([0.0, *inside_N]), max([1.2, *inside_N])], LEAST, MOST))
    margin = 0.03 * (high - low)
    drawing = panels.blank(height=FRAME + ROW * len(found))
    names = [html.escape(row.arm) for row in found]
    left = 14 + min(WIDEST, int(LETTER * max((len(row.arm) for row in found), default=0)))
    layout = drawing["layout"]
    layout["margin"] |= {"l": left, "b": 48}
    layout["shapes"].append({
        "type": "rect", "layer": "below", "xref": "x", "x0": 1 - NEAR, "x1": 1 + NEAR, "yref": "y domain", "y0": 0,
        "y1": 1, "fillcolor": "#dfe7f1", "line": {"width": 0},
    })  # fmt: skip
    for _, group in groupby(enumerate(found), key=lambda pair: pair[1].colour):
        _marks(drawing, list(group), (low, high))
    theory = [(row.predicted, place) for place, row in enumerate(found) if low <= row.predicted <= high]
    mark = {"symbol": "diamond-open", "size": 10, "color": panels.INK, "line": {"width": 1.2}}
    panels.add(drawing, {"x": [x for x, _ in theory], "y": [y for _, y in theory], "mode": "markers", "marker": mark,
                         "name": "theory"}, hover="theory: %{x:.4g}")  # fmt: skip
    places = list(range(len(found)))
    panels.axis(drawing, "xaxis", "measured exponent / claimed exponent", range=[low - margin, high + margin])
    panels.axis(drawing, "yaxis", tickvals=places, ticktext=names, range=[len(found) - 0.4, -0.6], ticks="")
    return drawing


def _marks(drawing: Drawing, group: list[tuple[int, Row]], ends: tuple[float, float]) -> None:
    """Draw the arms of one colour: points with bars, and an open arrow where an interval or a point leaves the axis."""
    low, high = ends
    colour = group[0][1].colour
    seen = [(place, row) for place, row in group if low <= row.value <= high]
    x_N = np.array([row.value for _, row in seen])
    below_N = np.array([_closed(row.value - row.low, row.low >= low) for _, row in seen])
    above_N = np.array([_closed(row.high - row.value, row.high <= high) for _, row in seen])
    look = panels.points(x_N, [place for place, _ in seen], ([], []), colour)
    look["error_x"] = look.pop("error_y") | {"array": above_N, "arrayminus": below_N, "width": 3}
    look["text"] = [f"{html.escape(row.arm)}: {row.value:.4g} {span(row.low, row.high)}" for _, row in seen]
    panels.add(drawing, look | {"name": "measured"}, hover="%{text}")
    for place, row in group:
        for end, beyond, symbol in (
            (low, row.low < low, "triangle-left-open"),
            (high, row.high > high, "triangle-right-open"),
        ):
            if beyond:
                start = min(max(row.value, low), high) if np.isfinite(row.value) else end
                panels.add(drawing, _arrow(start, end, place, symbol, row), hover="%{text}")


def _closed(length: float, closed: bool) -> float:
    return max(length, 0.0) if closed and np.isfinite(length) else 0.0


def _arrow(start: float, end: float, place: int, symbol: str, row: Row) -> Drawing:
    said = f"{html.escape(row.arm)}: {row.value:.4g} {span(row.low, row.high)}"
    mark = {
        "symbol": ["circle", symbol],
        "size": [0, 9],
        "color": row.colour,
        "line": {"width": 1.3, "color": row.colour},
    }
    line = {"color": row.colour, "width": 1.1}
    return {"x": [start, end], "y": [place, place], "text": [said] * 2, "mode": "lines+markers", "marker": mark,
            "line": line, "name": "goes on beyond the axis"}  # fmt: skip


def told(found: Sequence[Row]) -> str:
    """Return in words what the figure shows."""
    said = [
        f"{row.arm}: {row.value:.3g} {span(row.low, row.high)}" if np.isfinite(row.value) else f"{row.arm}: no exponent"
        for row in found
    ]
    return "Exponent of the decay of noise as a share of the claimed one, with 95 % intervals. " + "; ".join(said) + "."


def key(subjects: Sequence[Subject]) -> list[tuple[str, str]]:
    """Return the colours of the assumptions that are dropped, with their names."""
    return [(colour, heading) for dropped, (heading, colour) in GROUPS.items()
            if any(subject.described.assumption == dropped for subject in subjects)]  # fmt: skip
