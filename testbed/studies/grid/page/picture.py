"""A picture for the front of the repository: K against D, and where the loss goes, as one SVG."""

import io
from typing import Any

import numpy as np
import pandas as pd

from testbed.report import intervals
from testbed.report.palette import (
    PART_NAMES,
    PARTS,
    bars,
    floor,
    fresh_position,
    heights,
    short,
    size_colours,
    ticks,
)
from testbed.report.svg import errorbars

_SHORT = {"merged": "B + Ω"}
"""Names of parts where there is less room than on the page."""


def picture(estimates: pd.DataFrame, parts: pd.DataFrame) -> str:
    """Return an SVG of two panels: K against D for each P with intervals, and the loss above ε stacked as B + Ω + V."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "path", "svg.hashsalt": "testbed", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.grid": True, "grid.color": "#e7e8ea", "axes.axisbelow": True,
    }  # fmt: skip
    with rc_context(style):
        figure = Figure(figsize=(11, 3.9), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
        _divergence(left, estimates[estimates["quantity"] == "K"])
        _parts(right, parts.sort_values(["parameters", "tokens"]))
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _divergence(axes: Any, frame: pd.DataFrame) -> None:
    colours = size_colours(frame["parameters"].astype(int).to_list())
    tokens = sorted(int(d) for d in frame.loc[frame["role"] == "stored", "tokens"].unique())
    fresh, bottom = fresh_position(tokens), floor(frame["value"].to_list())
    for size, colour in colours.items():
        own = frame[frame["parameters"] == size].sort_values("tokens")
        stored, online = own[own["role"] == "stored"], own[own["role"] == "online"]
        for part, marker, x in ((stored, "o-", stored["tokens"]), (online, "D", [fresh] * len(online))):
            label = f"P = {short(size)}" if marker == "o-" else None
            look = {"fmt": marker, "ms": 4, "lw": 1.3, "capsize": 2, "color": colour, "label": label}
            errorbars(axes, x, intervals.estimated(part, bottom), look)
        for level in online.loc[online["value"] > 0, "value"]:
            axes.plot([tokens[0] if tokens else fresh / 2, fresh], [level, level], ":", lw=0.9, color=colour)
    axes.set(xscale="log", yscale="log", xlabel="stored training tokens D", ylabel="K, nats per token")
    axes.set_xticks([*tokens, fresh], [short(d) for d in tokens] + ["fresh"])
    axes.set_yticks(*ticks(frame["value"].to_list()))
    axes.minorticks_off()
    _legend(axes)


def _parts(axes: Any, frame: pd.DataFrame) -> None:
    ordered, x_N, labels = bars(frame)
    bottom_N = np.zeros(len(ordered))
    for name, height_N in heights(ordered).items():
        axes.bar(x_N, height_N, 0.8, bottom_N, color=PARTS[name], label=_SHORT.get(name, PART_NAMES[name]))
        bottom_N += height_N
    axes.set_xticks(x_N, labels, rotation=90, fontsize=7)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.1)
    for size in sorted(set(ordered["parameters"])):
        middle = x_N[ordered["parameters"] == size].mean()
        axes.annotate(f"P = {short(size)}", (middle, 0.96), xycoords=("data", "axes fraction"), ha="center", fontsize=8)
    axes.axhline(0, lw=0.8, color="#23272f")
    axes.set(ylabel="loss − ε, nats per token", xlabel="stored training tokens D")
    _legend(axes)


def _legend(axes: Any) -> None:
    axes.legend(
        frameon=False,
        fontsize=8,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=4,
        columnspacing=1.2,
        borderaxespad=0.2,
    )
