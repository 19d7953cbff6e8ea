"""The shape of noise: KS distances against their floor, quantiles against normal ones; and how many positions count."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd

from testbed.report import panels
from testbed.report.intervals import interval
from testbed.report.palette import size_colours
from testbed.report.panels import Drawing
from testbed.studies.noise.page.view import Subject, extremes, logarithmic

NORMAL = np.linspace(-3, 3, 61)
"""Normal quantiles at which the tables hold those of the samples."""
EARLY = "#9aa1ac"
SIDE = 1.07
"""Factor by which the marks of the median and of the largest distance stand beside their n."""


def distances(subject: Subject, shapes: pd.DataFrame, low: float, high: float) -> Drawing:
    """Return the largest and the median KS distance against n, above what Gaussian samples show, between two ends."""
    drawing = panels.blank(height=250)
    own = subject.rows(shapes).sort_values("length")
    level = own.groupby("length")[["floor", "floor_95"]].max()
    length_N = level.index.to_numpy(dtype=float)
    panels.add(drawing, panels.line(length_N, np.full(len(length_N), low), "rgba(0,0,0,0)", width=0.0))
    band = panels.line(length_N, level["floor_95"], panels.SOFT, width=1.0, dash="dash")
    panels.add(drawing, band | {"fill": "tonexty", "fillcolor": "#f0f1f3"})
    panels.add(drawing, panels.line(length_N, level["floor"], panels.SOFT, width=1.0))
    found = extremes(own)
    for which, aside in (("median", SIDE), ("largest", 1 / SIDE)):
        _extreme(drawing, found[found["which"] == which], (subject.colour, aside, panels.foot(low, high)))
    panels.axis(drawing, "xaxis", "n", **panels.lengths([int(n) for n in own["length"]]))
    panels.axis(drawing, "yaxis", "KS distance", **panels.logarithmic(low, high))
    return drawing


def _extreme(drawing: Drawing, chosen: pd.DataFrame, look_of: tuple[str, float, float]) -> None:
    """Draw the largest or the median distances: their colour, how far they stand aside, the bottom of the axis."""
    colour, aside, bottom = look_of
    hollow = aside > 1
    found = interval(chosen["distance"], chosen["distance_low"], chosen["distance_high"], bottom)
    pale = colour + "73"  # nearly half transparent
    look = panels.measured(drawing, chosen["length"] * aside, found, colour, hollow=hollow, pale=pale)
    look["name"] = "median direction" if hollow else "largest direction"
    look["error_y"]["width"] = 0
    look["customdata"] = [[int(row.length), html.escape(row.direction)] for row in chosen.itertuples()]
    look = panels.joined(look, width=1.2, dash="dot" if hollow else "solid")
    panels.add(drawing, look, hover="n = %{customdata[0]}, %{customdata[1]}: %{y:.3g}")


def distance_ends(shapes: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis of KS distances that all panels share."""
    found_N = logarithmic([*shapes["distance"], *shapes["floor"], *shapes["distance_high"]])
    return (float(found_N.min()) / 1.6, min(1.0, float(found_N.max()) * 1.3)) if len(found_N) else (0.01, 1.0)


def worst(subject: Subject, shapes: pd.DataFrame) -> pd.DataFrame:
    """Return the rows at the smallest and the largest n of the direction with the largest KS distance at the latter."""
    own = subject.rows(shapes)
    own = own[own["distance"].notna()]
    if own.empty:
        return own
    last = own[own["length"] == own["length"].max()].sort_values("distance").iloc[-1]
    same = own[(own["direction"] == last["direction"]) & (own["draw"] == last["draw"])].sort_values("length")
    return same.iloc[[0, -1]] if len(same) > 1 else same


def quantiles(subject: Subject, chosen: pd.DataFrame) -> Drawing:
    """Return sample quantiles against normal ones, hollow at the smallest n and filled at the largest."""
    drawing = panels.blank(height=270)
    samples = [np.asarray(values, dtype=float) for values in chosen["quantiles"]]
    every_N = np.concatenate([*samples, [-3.1, 3.1]])
    low, high = 1.06 * float(np.nanmin(every_N)), 1.06 * float(np.nanmax(every_N))
    panels.add(drawing, panels.line([low, high], [low, high], panels.INK, width=1.0))
    looks = ((EARLY, True), (subject.colour, False))[-len(samples) :]
    for (colour, hollow), sample_N, n in zip(looks, samples, chosen["length"], strict=True):
        marker = {"color": "white" if hollow else colour, "size": 4.5, "line": {"color": colour, "width": 1.1}}
        mark = {"x": NORMAL, "y": sample_N, "mode": "markers", "marker": marker}
        panels.add(drawing, mark, hover=f"n = {n}: %{{y:.3g}} at %{{x:.1f}}")
    panels.axis(drawing, "xaxis", "normal quantile", range=[-3.3, 3.3], dtick=1)
    panels.axis(drawing, "yaxis", "sample quantile", range=[low, high], nticks=7)
    return drawing


def effective(group: Sequence[Subject], levels: pd.DataFrame) -> Drawing:
    """Return the effective sample size of attention against n of the arms of one group, below the line of all n."""
    drawing = panels.blank(height=270)
    shown = levels[(levels["effective"] > 0) & levels["arm"].isin([subject.arm for subject in group])]
    ends_N = np.array([shown["length"].min(), shown["length"].max()], dtype=float)
    panels.add(drawing, panels.line(ends_N, ends_N, panels.INK, width=1.0, dash="dash"))
    for subject, colour in zip(group, arm_colours(group), strict=True):
        for _, curve in subject.rows(shown).sort_values("length").groupby("draw"):
            none_N = np.zeros(len(curve))
            look = panels.points(curve["length"], curve["effective"], (none_N, none_N), colour)
            panels.add(drawing, panels.joined(look), hover="n = %{x}: %{y:.4g}")
    top = 1.5 * float(max(levels["length"].max(), levels["effective"].max()))
    panels.axis(drawing, "yaxis", "1/Σ a²", **panels.logarithmic(0.7, top))
    panels.axis(drawing, "xaxis", "n", **panels.lengths([int(n) for n in shown["length"]]))
    return drawing


def arm_colours(group: Sequence[Subject]) -> list[str]:
    """Return a colour for each arm of a group."""
    return list(size_colours(range(len(group))).values())
