"""A picture of a study of noise for the documentation: T against n of all arms, theory superimposed, as one SVG."""

import io
from typing import Any

import numpy as np
import pandas as pd

from testbed.report.palette import ticks
from testbed.report.svg import errorbars
from testbed.report.template import figure
from testbed.studies.noise.page.curves import curves, law
from testbed.studies.noise.page.figures import spread
from testbed.studies.noise.page.overview import decimals
from testbed.studies.noise.page.shapes import arm_colours
from testbed.studies.noise.page.view import GROUPS, Subject, subjects

WRAPPED = {
    "": "every assumption kept",
    "A1": "A1 dropped: bounded\nqueries, keys, values",
    "A2": "A2 dropped:\nLipschitz attention",
    "A3": "A3 dropped:\nstationary blocks",
    "A4": "A4 dropped: bounded,\nLipschitz feed-forward",
    "several": "several assumptions\ndropped",
}
STYLES = {"theory": "-", "slope": "--", "fit": ":", "none": ":"}


def picture(levels: pd.DataFrame, fits: pd.DataFrame, arms: pd.DataFrame) -> str:
    """Return an SVG with a panel for each assumption: T against n of each arm with bars, and the law beside it.

    T is that of the part and the lowest layer that the prediction is about, given the query token where that was
    measured. Solid: theory's T; dashed: theory gives the slope only; dotted: no prediction, the fitted power law.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "path", "svg.hashsalt": "testbed", "font.size": 8.5, "axes.spines.top": False,
        "axes.spines.right": False, "axes.grid": True, "grid.color": "#e7e8ea", "axes.axisbelow": True,
    }  # fmt: skip
    grouped = subjects(arms, levels, fits)
    with rc_context(style):
        drawn = Figure(figsize=(max(2.4 * len(grouped), 3.2), 4.2), layout="constrained")
        (row,) = drawn.subplots(1, len(grouped), squeeze=False)
        for axes, group in zip(row, grouped.values(), strict=True):
            _panel(axes, group, levels, fits)
        _same_scale(row)
        for axes, dropped in zip(row, grouped, strict=True):
            axes.set_title(WRAPPED[dropped], fontsize=9, loc="left", color=GROUPS[dropped][1], weight="bold")
        row[0].set_ylabel("T(n) = tr Cov")
        text = io.StringIO()
        drawn.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _panel(axes: Any, group: list[Subject], levels: pd.DataFrame, fits: pd.DataFrame) -> None:
    """Draw the arms of one assumption, and name them below with their slopes, measured and predicted."""
    for subject, colour in zip(group, arm_colours(group), strict=True):
        _arm(axes, subject, levels, fits, colour)
    axes.set(xscale="log", yscale="log", xlabel="n")
    own = levels[levels["arm"].isin([subject.arm for subject in group])]
    axes.set_xticks(*ticks([float(n) for n in own["length"]]))
    if not (own["variance"] > 0).any():
        axes.set(xlim=(1, 10), ylim=(0.1, 1))
    axes.legend(
        frameon=False, fontsize=7.5, loc="upper left", bbox_to_anchor=(-0.2, -0.17), borderaxespad=0, handlelength=1.2,
        title="slope of log T (predicted)", title_fontsize=7.5, alignment="left",
    )  # fmt: skip


def _same_scale(row: Any) -> None:
    """Give all panels as many decades of T as the one with the most, so that a slope looks the same in each."""
    ends = [np.log10(axes.get_ylim()) for axes in row]
    half = max(2.0, *(high - low for low, high in ends)) / 2
    for axes, (low, high) in zip(row, ends, strict=True):
        axes.set_ylim(10 ** ((low + high) / 2 - half), 10 ** ((low + high) / 2 + half))
        axes.minorticks_off()


def _arm(axes: Any, subject: Subject, levels: pd.DataFrame, fits: pd.DataFrame, colour: str) -> None:
    fit = subject.fit(fits, "variance")
    slope = float(subject.described.predicted_slope) if subject.measure == "variance" else np.nan
    found = curves(subject, levels, levels, "variance")
    measured = "–" if fit is None else decimals(fit.slope)
    named = f"{subject.arm}: {measured} ({figure(slope)})"
    for _, curve in found[found["given"] == subject.given].groupby("curve"):
        beside = law(curve, slope, fit)
        axes.plot(beside.length_N, beside.value_N, STYLES[beside.kind], lw=1, color=colour)
        look = {"fmt": "o", "ms": 3.5, "lw": 1.3, "capsize": 1.5, "color": colour, "label": named}
        errorbars(axes, curve["length"], spread(curve, "value", float(curve["value"].min()) / 3), look)
        named = "_" + named  # matplotlib leaves such names out of the legend
    if found.empty:
        axes.plot([], [], "o", ms=3.5, color=colour, label=f"{subject.arm}: nothing measured")
