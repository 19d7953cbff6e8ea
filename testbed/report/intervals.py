"""Intervals on a logarithmic axis: one that reaches zero ends in an open arrow, and a bound has no point.

What is returned are traces as plain data, for both kinds of figure.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from testbed.stats.ladder import BOUND_ONLY
from testbed.verdict import span

Trace = dict[str, Any]
ARROW = 9
"""Size of an arrow's head."""
DOWN, UP, TICK, NONE = "triangle-down-open", "triangle-up-open", "line-ew-open", "circle"


class Interval(NamedTuple):
    """Values with the ends of their intervals, which of them are only bounded, and where the open ones are cut."""

    value_N: np.ndarray
    low_N: np.ndarray
    high_N: np.ndarray
    bound_N: np.ndarray
    bottom: float
    top: float

    @property
    def below_N(self) -> np.ndarray:
        """Which intervals reach zero, or leave the axis at its bottom."""
        return ~(self.low_N >= self.bottom)

    @property
    def above_N(self) -> np.ndarray:
        """Which intervals are endless above."""
        return ~np.isfinite(self.high_N)


def interval(value: Any, low: Any, high: Any, bottom: float, bound: Any = False) -> Interval:
    """Return the intervals of values on a logarithmic axis; what lies at or below its bottom is only bounded."""
    value_N, low_N, high_N = (np.asarray(each, dtype=float) for each in (value, low, high))
    bound_N = np.asarray(bound, dtype=bool) | ~(value_N > bottom)
    known_N = np.concatenate([value_N, high_N, [bottom]])
    top = 2 * float(known_N[np.isfinite(known_N)].max())
    return Interval(value_N, low_N, high_N, np.broadcast_to(bound_N, value_N.shape), bottom, top)


def estimated(frame: pd.DataFrame, bottom: float) -> Interval:
    """Return the intervals of a table of estimates; its column ``method`` says which are bounds."""
    bound = [str(method).startswith(BOUND_ONLY) for method in frame["method"]]
    return interval(frame["value"], frame["low"], frame["high"], bottom, bound)


def bars(found: Interval) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths of the closed bars below and above each value; none where an arrow is drawn instead."""
    below_N = np.where(found.below_N, 0.0, found.value_N - found.low_N)
    above_N = np.where(found.above_N, 0.0, found.high_N - found.value_N)
    closed_N = ~found.bound_N
    return np.where(closed_N, np.maximum(below_N, 0.0), 0.0), np.where(closed_N, np.maximum(above_N, 0.0), 0.0)


def arrows(x: Any, found: Interval, colour: str) -> Trace | None:
    """Return open ends and bounds as one trace of lines, or None where all is closed.

    A line has an open head where an interval goes on, and a tick where it ends; the empty place after it keeps it apart
    from the next.
    """
    places: list[float | None] = []
    heights: list[float | None] = []
    marks: list[str] = []
    said: list[str] = []
    for number, start, end, tail, head in _segments(found):
        places += [float(np.asarray(x, dtype=float)[number])] * 2 + [None]
        heights += [start, end, None]
        marks += [tail, head, NONE]
        said += [span(found.low_N[number], found.high_N[number])] * 2 + [""]
    sizes = [0 if mark == NONE else ARROW for mark in marks]
    look = {"symbol": marks, "size": sizes, "color": colour, "line": {"width": 1.3, "color": colour}}
    trace = {"x": places, "y": heights, "text": said, "mode": "lines+markers", "marker": look, "connectgaps": False}
    trace |= {"line": {"color": colour, "width": 1.2}, "showlegend": False, "hovertemplate": "%{text}<extra></extra>"}
    return trace if places else None


def _segments(found: Interval) -> list[tuple[int, float, float, str, str]]:
    """Return the lines to draw: which value, from where, to where, and the mark at each end."""
    made = []
    for number in range(len(found.value_N)):
        down, up = bool(found.below_N[number]), bool(found.above_N[number])
        low = found.bottom if down else float(found.low_N[number])
        high = found.top if up else max(float(found.high_N[number]), found.bottom)
        if found.bound_N[number]:
            made.append((number, high, low, UP if up else TICK, DOWN if down else TICK))
            continue
        value = float(found.value_N[number])
        made += [(number, value, low, NONE, DOWN)] if down else []
        made += [(number, value, high, NONE, UP)] if up else []
    return made
