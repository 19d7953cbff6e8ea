"""The look that the figures of a grid share: axes, and estimates with their intervals."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from testbed.report import intervals
from testbed.report.palette import ticks
from testbed.verdict import span

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
GRID = "#e7e8ea"
CLEAR = "rgba(0,0,0,0)"
"""Of a figure's ground: the page's own shows, light or dark."""


class Look(NamedTuple):
    """How estimates are drawn; diamonds are not named in the legend."""

    name: str
    colour: str
    symbol: str = "circle"
    joined: bool = True


def estimates_on(figure: Any, frame: pd.DataFrame, x: Any, bottom: float, look: Look) -> None:
    """Draw estimates as points with bars, open ends and bounds as arrows."""
    found = intervals.estimated(frame, bottom)
    x_N = np.asarray(x, dtype=float)
    below_N, above_N = intervals.bars(found)
    bar = {"type": "data", "array": above_N, "arrayminus": below_N, "thickness": 1.2, "width": 3, "color": look.colour}
    figure.add_scatter(
        x=x_N, y=np.where(found.bound_N, np.nan, found.value_N), mode="lines+markers" if look.joined else "markers",
        name=look.name, legendgroup=look.name, showlegend=look.symbol == "circle",
        line={"color": look.colour, "width": 1.6}, marker={"color": look.colour, "size": 7, "symbol": look.symbol},
        error_y=bar, text=[span(*ends) for ends in zip(found.low_N, found.high_N, strict=True)],
        hovertemplate="%{y:.4g} %{text}",
    )  # fmt: skip
    open_ends = intervals.arrows(x_N, found, look.colour)
    if open_ends is not None:
        figure.add_scatter(**open_ends, name=f"{look.name}: open or bounded", legendgroup=look.name)


def layout(figure: Any, x_title: str, y_title: str) -> None:
    """Give the look that all figures share."""
    figure.update_layout(
        template="none",
        height=440,
        margin={"l": 72, "r": 16, "t": 12, "b": 60},
        font={"family": FONT, "size": 13, "color": "#23272f"},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        hoverlabel={"font": {"family": FONT, "size": 12}},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0},
    )
    axis = {"gridcolor": GRID, "linecolor": "#8a8f98", "showline": True, "ticks": "outside", "tickcolor": "#8a8f98"}
    figure.update_xaxes(title={"text": x_title, "standoff": 14}, zeroline=False, **axis)
    figure.update_yaxes(title={"text": y_title, "standoff": 10}, zeroline=False, **axis)


def log_axis(figure: Any, values: Any, *, axis: str) -> None:
    """Make a logarithmic axis with ticks at round numbers."""
    places, labels = ticks([float(value) for value in values])
    figure.update_layout({f"{axis}axis": {"type": "log", "tickvals": places, "ticktext": labels}})
