"""Small multiples as plain data for plotly.js: the look of one panel, its axes, lines and points.

A page holds dozens of them: plotly's own figure objects, which check every attribute, would take many times as long.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from testbed.report.axes import CLEAR, FONT, GRID
from testbed.report.intervals import Interval, arrows, bars
from testbed.report.palette import ticks

INK = "#23272f"
SOFT = "#8a8f98"
GREY = "#6b7280"
MOST = 4
"""Lengths that are named along an axis."""
AXIS = {
    "gridcolor": GRID, "linecolor": SOFT, "showline": True, "ticks": "outside", "tickcolor": SOFT, "ticklen": 4,
    "zeroline": False, "fixedrange": True, "automargin": False,
}  # fmt: skip

Drawing = dict[str, Any]


def blank(*, height: int, share: float = 1.0) -> Drawing:
    """Return an empty panel; below a ``share`` of its height less than one there is a second row, of axes x2 and y2."""
    layout: Drawing = {
        "height": height, "margin": {"l": 54, "r": 8, "t": 6, "b": 40}, "showlegend": False, "dragmode": False,
        "font": {"family": FONT, "size": 11, "color": INK}, "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR,
        "hoverlabel": {"font": {"family": FONT, "size": 12}}, "hovermode": "closest", "shapes": [],
        "xaxis": {**AXIS, "anchor": "y"}, "yaxis": {**AXIS, "anchor": "x", "domain": [1 - share, 1]},
    }  # fmt: skip
    if share < 1:
        layout["xaxis"] |= {"showticklabels": False, "matches": "x2"}
        layout |= {
            "xaxis2": {**AXIS, "anchor": "y2"},
            "yaxis2": {**AXIS, "anchor": "x2", "domain": [0, 1 - share - 0.07]},
        }
    return {"data": [], "layout": layout}


def add(drawing: Drawing, mark: Drawing, *, row: int = 1, hover: str = "") -> None:
    """Add points or a line to a row of a panel; without ``hover``, they say nothing under the mouse."""
    place = "" if row == 1 else str(row)
    said = {"hovertemplate": f"{hover}<extra></extra>"} if hover else {"hoverinfo": "skip"}
    drawing["data"].append({"type": "scatter", "xaxis": f"x{place}", "yaxis": f"y{place}", **said, **mark})


def level(drawing: Drawing, low: float, high: float, *, row: int) -> None:
    """Lay a band, or a line where both ends are one, across a row below all marks."""
    kind = "line" if low == high else "rect"
    look = {"line": {"color": INK, "width": 1}} if low == high else {"fillcolor": "#eceef1", "line": {"width": 0}}
    across = {"xref": f"x{row} domain", "x0": 0, "x1": 1, "yref": f"y{row}", "y0": low, "y1": high}
    drawing["layout"]["shapes"].append({"type": kind, "layer": "below", **across, **look})


def axis(drawing: Drawing, name: str, title: str = "", **more: Any) -> None:
    """Give an axis its title, if any, and other properties."""
    found = drawing["layout"][name]
    found.update(more)
    if title:
        found["title"] = {"text": title, "standoff": 4, "font": {"size": 11}}


def logarithmic(low: float, high: float) -> Drawing:
    """Return the properties of a logarithmic axis between two ends, with ticks at round numbers."""
    places, _ = ticks([low * 1.4, high / 1.4] if high > 2 * low else [low, high])
    ends = [float(np.log10(low)), float(np.log10(high))]
    return {"type": "log", "range": ends, "tickvals": places, "ticktext": [power(place) for place in places]}


def foot(low: float, high: float) -> float:
    """Return where an open arrow ends on a logarithmic axis between two ends: just above the bottom, so as to be seen.

    >>> round(foot(0.01, 1.0), 4)
    0.0117
    """
    return float(low * (high / low) ** (1 / 30))


def power(place: float) -> str:
    """Return a round number as a label, with a power of ten where digits would be many.

    >>> power(0.05), power(2e-5), power(1e6)
    ('0.05', '2·10<sup>−5</sup>', '10<sup>6</sup>')
    """
    digit, decade = f"{place:.0e}".split("e")
    if -3 < int(decade) < 4:
        return f"{place:g}"
    return ("" if digit == "1" else f"{digit}·") + f"10<sup>{int(decade)}</sup>".replace("-", "−")


def lengths(found: Sequence[int], *, inverse: bool = False) -> Drawing:
    """Return the properties of an axis for lengths n, a tick at each and few of them named.

    ``inverse``: of 1/n, still with n rising to the right.
    """
    ordered = sorted(set(found))
    step = -(-len(ordered) // MOST)
    named = [f"{'1/' if inverse else ''}{n}" if i % step == 0 else "" for i, n in enumerate(ordered)]
    places = [1 / n if inverse else float(n) for n in ordered]
    low, high = float(np.log10(places[0])), float(np.log10(places[-1]))
    margin = 0.06 * (high - low) or (-0.1 if inverse else 0.1)
    ends = [low - margin, high + margin]
    return {"type": "log", "range": ends, "tickvals": places, "ticktext": named, "tickangle": 0}


def points(x: Any, y: Any, reach: tuple[Any, Any], colour: str, *, hollow: bool = False) -> Drawing:
    """Return markers with bars of the given lengths below and above; hollow ones are rings, larger than the filled."""
    look = {
        "color": "white" if hollow else colour,
        "size": 7.5 if hollow else 6,
        "line": {"color": colour, "width": 1.4},
    }
    below, above = (np.asarray(bar, dtype=float) for bar in reach)
    error = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
    error |= {"thickness": 1.1, "width": 2, "color": colour}
    return {"x": np.asarray(x), "y": np.asarray(y), "mode": "markers", "marker": look, "error_y": error}


def measured(
    drawing: Drawing, x: Any, found: Interval, colour: str, *, hollow: bool = False, pale: str = ""
) -> Drawing:
    """Return markers with their intervals, for a logarithmic axis; open ends are added to the panel as arrows.

    ``pale`` is the colour of bars and arrows, where it is not that of the markers.
    """
    open_ends = arrows(x, found, pale or colour)
    if open_ends is not None:
        add(drawing, open_ends)
    look = points(x, np.where(found.bound_N, np.nan, found.value_N), bars(found), colour, hollow=hollow)
    look["error_y"]["color"] = pale or colour
    return look


def line(x: Any, y: Any, colour: str, *, width: float = 1.4, dash: str = "solid") -> Drawing:
    """Return a line without markers."""
    look = {"color": colour, "width": width, "dash": dash}
    return {"x": np.asarray(x), "y": np.asarray(y), "mode": "lines", "line": look}


def joined(mark: Drawing, *, width: float = 1.4, dash: str = "solid") -> Drawing:
    """Return points joined by a line of their colour."""
    colour = mark["marker"]["line"]["color"]
    return mark | {"mode": "lines+markers", "line": {"color": colour, "width": width, "dash": dash}}
