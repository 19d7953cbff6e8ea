"""Figures as a page holds them: the numbers as plain data, drawn by the browser when they come into view."""

import base64
import functools
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from testbed.report.formulas import spoken

DIGITS = 6
"""Significant figures of the numbers behind a figure."""


class Plot(NamedTuple):
    """A figure: its data and layout as a script holds them, its height, what it shows in words, the files behind it."""

    payload: Any
    height: int
    alt: str
    files: Sequence[str] = ()


class Drawn(NamedTuple):
    """A figure with its heading and caption, in which formulas stand between dollar signs."""

    heading: str
    caption: str
    plot: Plot


def plot(drawn: Any, alt: str, *, files: Sequence[str] = ()) -> Plot:
    """Return a figure of plotly, or its plain data and layout, for a page.

    ``alt`` says in words what is seen; ``files`` are those of the run that hold its numbers.
    """
    from markupsafe import Markup

    made = drawn if isinstance(drawn, Mapping) else drawn.to_plotly_json()
    plain_data = {"data": [plain(trace) for trace in made["data"]], "layout": plain(made["layout"])}
    text = json.dumps(plain_data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")  # no text of the data can end the script
    return Plot(Markup(text), int(made["layout"]["height"]), spoken(alt), files)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numbers to six figures, the undefined and the infinite as null.

    >>> plain({"x": np.array([1 / 3, np.nan])})
    {'x': [0.333333, None]}
    """
    if isinstance(value, Mapping) and "bdata" in value:  # plotly's way of holding an array
        return plain(np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"]))
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float | np.floating):
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return [plain(inner) for inner in value]


@functools.cache
def script() -> str:
    """Return the plotting library, compressed, as text; the browser unpacks it once a figure comes into view."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()
