"""The decay of noise: a panel for each arm, and for each part of a layer where several layers were observed."""

import numpy as np
import pandas as pd

from testbed.report import panels
from testbed.report.intervals import Interval, interval
from testbed.report.palette import size_colours
from testbed.report.panels import Drawing
from testbed.studies.noise.page.curves import BAR, Fit, Law, Residuals, ends, law, residuals
from testbed.studies.noise.page.view import GIVEN, Subject

DASHES = {"theory": "solid", "slope": "dash", "fit": "dot", "none": "dot"}
GUIDE = "#c3c7ce"
SIDE = 0.03
"""Part of a decade by which the points of several curves stand beside each other in the residuals."""


def decay(subject: Subject, drawn: pd.DataFrame, fit: Fit, steep: float, measure: str) -> Drawing:
    """Return T, or another measure, against 1/n of one arm, theory superimposed, and below it the residuals.

    ``drawn`` are the arm's curves (see ``curves``), ``fit`` its row of the table of fits or None, ``steep`` the
    decades of T shown for each of n.
    """
    drawing = panels.blank(height=330, share=0.64)
    slope = float(subject.described.predicted_slope) if measure == subject.measure else np.nan
    low, high = ends(drawn, steep)
    bottom = panels.foot(low, high)
    main, beside = (drawn[(drawn["given"] == subject.given) == own] for own in (True, False))
    if len(main):
        panels.add(drawing, _guide(main, -1.0 if measure == "variance" else -0.5))
    for _, curve in beside.groupby("curve"):
        _curve(drawing, curve, law(curve, np.nan, None), panels.GREY, bottom)
    for _, curve in main.groupby("curve"):
        _curve(drawing, curve, law(curve, slope, fit), subject.colour, bottom)
    _residuals(drawing, subject, main, beside, fit)
    found = [int(n) for n in drawn["length"]]
    panels.axis(drawing, "yaxis", "T" if measure == "variance" else measure, **panels.logarithmic(low, high))
    panels.axis(drawing, "xaxis", **panels.lengths(found, inverse=True))
    panels.axis(drawing, "xaxis2", "1/n", **panels.lengths(found, inverse=True))
    return drawing


def _curve(drawing: Drawing, curve: pd.DataFrame, beside: Law, colour: str, bottom: float) -> None:
    """Draw one curve with bars, and the line beside it, above the bottom of the axis."""
    grey = colour == panels.GREY
    if len(beside.length_N):
        tone = panels.GREY if grey else panels.INK
        look = panels.line(1 / beside.length_N, beside.value_N, tone, width=1.1, dash=DASHES[beside.kind])
        panels.add(drawing, look)
    look = panels.measured(drawing, 1 / curve["length"], spread(curve, "value", bottom), colour, hollow=grey)
    said = {"customdata": curve["length"].to_list(), "name": GIVEN["nothing" if grey else "query"]}
    panels.add(drawing, look | said, hover="n = %{customdata}: %{y:.4g}")


def spread(curve: pd.DataFrame, name: str, bottom: float) -> Interval:
    """Return the values of a curve with 1.96 standard errors to each side; without an error, as points alone."""
    reach_N = BAR * np.nan_to_num(curve["error"].to_numpy(dtype=float))
    return interval(curve[name], curve[name] - reach_N, curve[name] + reach_N, bottom)


def _guide(main: pd.DataFrame, slope: float) -> Drawing:
    """Return a faint line of the slope that is claimed of every noise, from the first points on."""
    first = main[main["length"] == main["length"].min()]
    length_N = np.array([main["length"].min(), main["length"].max()], dtype=float)
    value_N = float(np.exp(np.log(first["value"]).mean())) * (length_N / length_N[0]) ** slope
    return panels.line(1 / length_N, value_N, GUIDE, width=1.0)


def _residuals(drawing: Drawing, subject: Subject, main: pd.DataFrame, beside: pd.DataFrame, fit: Fit) -> None:
    """Draw the residuals of the main curves, and of those beside them where theory gives their T too."""
    own = [residuals(curve, fit) for _, curve in main.groupby("curve")]
    other = [residuals(curve, None) for _, curve in beside.groupby("curve")]
    found = [(one, grey) for grey, group in ((True, other), (False, own)) for one in group if one is not None]
    relative = any(one.relative for one, _ in found)
    found = [(one, grey) for one, grey in found if one.relative == relative]
    if found and not relative:
        panels.level(drawing, -BAR, BAR, row=2)
    panels.level(drawing, 0.0, 0.0, row=2)
    for place, (one, grey) in enumerate(found):
        aside_N = one.length_N * 10 ** (SIDE * (place - (len(found) - 1) / 2))
        colour = panels.GREY if grey else subject.colour
        look = panels.points(1 / aside_N, one.value_N, (one.bar_N, one.bar_N), colour, hollow=grey)
        panels.add(drawing, look, row=2, hover="%{y:.3g}")
    title = "T/theory − 1" if relative else "residual / s.e."
    panels.axis(drawing, "yaxis2", title, **_centred([one for one, _ in found], relative))


def _centred(found: list[Residuals], relative: bool) -> Drawing:
    """Return an axis around zero that shows every residual and its bar."""
    least = 0.02 if relative else 3.0
    reach = max([least, *(float(np.max(np.abs(one.value_N) + one.bar_N)) for one in found)])
    written = {"tickformat": ".0%" if reach > 0.04 else ".1%"} if relative else {}
    return {"range": [-1.1 * reach, 1.1 * reach], "nticks": 4, **written}


def layers(own: pd.DataFrame, colours: dict[int, str], low: float, high: float) -> Drawing:
    """Return T against n of one part from its levels, a colour for each layer, between two ends of the axis of T."""
    drawing = panels.blank(height=250)
    for (layer, _), curve in own.sort_values("length").groupby(["layer", "draw"]):
        look = panels.measured(
            drawing, curve["length"], spread(curve, "variance", panels.foot(low, high)), colours[int(layer)]
        )
        panels.add(
            drawing, panels.joined(look) | {"name": f"layer {layer}"}, hover=f"layer {layer}, n = %{{x}}: %{{y:.4g}}"
        )
    panels.axis(drawing, "yaxis", "T", **panels.logarithmic(low, high))
    panels.axis(drawing, "xaxis", "n", **panels.lengths([int(n) for n in own["length"]]))
    return drawing


def layer_colours(own: pd.DataFrame) -> dict[int, str]:
    """Return a colour for each layer."""
    return size_colours([int(layer) for layer in own["layer"]])
