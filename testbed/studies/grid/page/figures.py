"""One figure per function, from the tidy tables of estimates; nothing is computed here that is not drawn.

``estimates`` has the columns quantity, parameters, role, tokens, value, low, high; see ``testbed.studies.grid.parts``.
``references`` has the columns predictor, value and K_L; see ``testbed.studies.grid.references``.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from testbed.report import marks
from testbed.report.axes import Look, estimates_on, layout, log_axis
from testbed.report.palette import (
    PART_NAMES,
    PARTS,
    bars,
    floor,
    fresh_position,
    heights,
    short,
    size_colours,
)
from testbed.stats.ladder import BOUND_ONLY

INK = "#23272f"


def divergence(estimates: pd.DataFrame, references: pd.DataFrame) -> Any:
    """Return K against D for each P on logarithmic axes, with intervals; fresh data is the asymptote at the right.

    Predictors that learn within the window are levels.
    """
    import plotly.graph_objects as go

    frame = estimates[estimates["quantity"] == "K"]
    colours = size_colours(frame["parameters"].astype(int).to_list())
    tokens = sorted(int(d) for d in frame.loc[frame["role"] == "stored", "tokens"].unique())
    fresh, bottom = fresh_position(tokens), floor(frame["value"].to_list())
    figure = go.Figure()
    for size, colour in colours.items():
        own = frame[frame["parameters"] == size].sort_values("tokens")
        stored, online = own[own["role"] == "stored"], own[own["role"] == "online"]
        left = tokens[0] if tokens else fresh / 2
        for level in online.loc[online["value"] > 0, "value"]:
            figure.add_scatter(
                x=[left, fresh], y=[level, level], mode="lines", line={"color": colour, "width": 1, "dash": "dot"},
                showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        for part, symbol in ((stored, "circle"), (online, "diamond")):
            x = part["tokens"] if symbol == "circle" else [fresh] * len(part)
            estimates_on(figure, part, x, bottom, Look(f"P = {short(size)}", colour, symbol))
    layout(figure, "stored training tokens D", "K, nats per token")
    drawn = marks.levels(figure, references, (tokens[0] if tokens else fresh / 2, fresh))
    log_axis(figure, [*frame["value"], *drawn], axis="y")
    labels = [short(d) for d in tokens] + ["fresh data"]
    figure.update_xaxes(type="log", tickvals=[*tokens, fresh], ticktext=labels)
    return figure


def bias(estimates: pd.DataFrame) -> Any:
    """Return B against P with its interval, below the measured K of fresh data; between them the optimisation gap."""
    import plotly.graph_objects as go

    limits = estimates[estimates["quantity"] == "B"].sort_values("parameters")
    online = estimates[(estimates["quantity"] == "K") & (estimates["role"] == "online")].sort_values("parameters")
    bottom = floor([*limits["value"], *online["value"]])
    figure = go.Figure()
    x, y = _gap(limits, online, bottom)
    figure.add_scatter(
        x=x, y=y, fill="toself", fillcolor="rgba(224,160,48,0.22)", line={"width": 0}, mode="lines",
        name="Ω: optimisation gap", hoverinfo="skip",
    )  # fmt: skip
    for part, colour, name in (
        (online, PARTS["gap"], "K online at horizon T"),
        (limits, PARTS["bias"], "B: least loss of a size"),
    ):
        aside = 1.0 if part is online else 1.03
        estimates_on(figure, part, part["parameters"] * aside, bottom, Look(name, colour))
    layout(figure, "parameters P", "nats per token")
    log_axis(figure, [*online["value"], bottom], axis="y")
    sizes = online["parameters"].astype(int).to_list()
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[short(size) for size in sizes])
    return figure


def _gap(limits: pd.DataFrame, online: pd.DataFrame, bottom: float) -> tuple[list[Any], list[Any]]:
    """Return the outline of what lies between B and K, in pieces from each size to the next where both are known."""
    both = limits.merge(online, on="parameters", suffixes=("", "_online"))
    x: list[Any] = []
    y: list[Any] = []
    for left, right in pairwise(both.itertuples()):
        if any(row.method.startswith(BOUND_ONLY) or row.value <= bottom for row in (left, right)):
            continue
        x += [left.parameters, right.parameters, right.parameters, left.parameters, None]
        y += [left.value_online, right.value_online, right.value, left.value, None]
    return x, y


def variance(estimates: pd.DataFrame, constants: dict[int, float]) -> Any:
    """Return V against D, and the line C_P · D^−β of each size in ``constants``; where V ≤ 0, an arrow."""
    import plotly.graph_objects as go

    frame = estimates[estimates["quantity"] == "V"]
    joint = estimates[(estimates["quantity"] == "exponent of V") & estimates["parameters"].isna()]
    colours = size_colours(frame["parameters"].astype(int).to_list())
    bottom = floor([*frame["value"], *frame["high"]])
    figure = go.Figure()
    for place, (size, colour) in enumerate(colours.items()):
        own = frame[frame["parameters"] == size].sort_values("tokens")
        aside = 1.05 ** (place - (len(colours) - 1) / 2)
        estimates_on(figure, own, own["tokens"] * aside, bottom, Look(f"P = {short(size)}", colour, joined=False))
        for exponent in joint["value"] if size in constants and len(own) else ():
            x = np.geomspace(own["tokens"].min(), own["tokens"].max(), 30)
            y = constants[size] * x**-exponent
            figure.add_scatter(
                x=x[y > bottom], y=y[y > bottom], mode="lines", line={"color": colour, "width": 1.2}, showlegend=False,
                legendgroup=f"P = {short(size)}", hoverinfo="skip",
            )  # fmt: skip
    layout(figure, "stored training tokens D", "V, nats per token")
    log_axis(figure, [*frame["value"], bottom], axis="y")
    tokens = sorted(int(d) for d in frame["tokens"].unique())
    ends = [float(np.log10(tokens[0] / 1.4)), float(np.log10(tokens[-1] * 1.4))]
    figure.update_xaxes(type="log", range=ends, tickvals=tokens, ticktext=[short(d) for d in tokens])
    return figure


def learning(curves: pd.DataFrame, references: pd.DataFrame) -> Any:
    """Return K against optimisation steps, one line per run, coloured by size; stored runs dotted.

    Predictors that learn within the window are levels.
    """
    import plotly.graph_objects as go

    colours = size_colours(curves["parameters"].astype(int).to_list())
    figure, named = go.Figure(), set()
    for (size, role, tokens, _), run in curves.groupby(["parameters", "role", "tokens", "replicate"]):
        own = run[(run["step"] > 0) & (run["K"] > 0)].sort_values("step")
        label = f"P = {short(size)}"
        where = "fresh data" if role == "online" else f"D = {short(tokens)}"
        figure.add_scatter(
            x=own["step"], y=own["K"], mode="lines", name=label, legendgroup=label, showlegend=label not in named,
            line={"color": colours[int(size)], "width": 1.4, "dash": "solid" if role == "online" else "dot"},
            opacity=1.0 if role == "online" else 0.55, hovertemplate=f"{label}, {where}: %{{y:.3g}}<extra></extra>",
        )  # fmt: skip
        named.add(label)
    layout(figure, "optimisation steps", "K, nats per token")
    steps = curves.loc[curves["step"] > 0, "step"]
    drawn = marks.levels(figure, references, (float(steps.min()), float(steps.max())))
    log_axis(figure, [*curves["K"], *drawn], axis="y")
    log_axis(figure, curves["step"], axis="x")
    return figure


def compute(frame: pd.DataFrame) -> Any:
    """Return K against training FLOPs, a line for each group of replicates, and the attained frontier with intervals.

    ``frame`` is the table of ``testbed.studies.grid.compute``.
    """
    import plotly.graph_objects as go

    seen = frame[frame["K"] > 0]
    colours = size_colours(seen["parameters"].astype(int).to_list())
    figure, named = go.Figure(), set()
    for (size, role, tokens, _), group in seen.groupby(["parameters", "role", "tokens", "horizon"]):
        own, label = group.sort_values("step"), f"P = {short(size)}"
        where = "fresh data" if role == "online" else f"D = {short(tokens)}"
        figure.add_scatter(
            x=own["flops"], y=own["K"], mode="lines", name=label, legendgroup=label, showlegend=label not in named,
            line={"color": colours[int(size)], "width": 1.2, "dash": "solid" if role == "online" else "dot"},
            opacity=0.7, hovertemplate=f"{label}, {where}: %{{y:.3g}}<extra></extra>",
        )  # fmt: skip
        named.add(label)
    best = seen[seen["frontier"]].assign(value=seen["K"], method="")
    layout(figure, "training FLOPs of one run", "K, nats per token")
    if len(best):
        bottom = floor(best["value"].to_list())
        estimates_on(figure, best, best["flops"], bottom, Look("attained frontier", INK))
        log_axis(figure, [*seen["K"], bottom], axis="y")
        log_axis(figure, seen["flops"], axis="x")
    return figure


def parts(frame: pd.DataFrame) -> Any:
    """Return the loss stacked as ε + B + Ω + V, a bar per (P, D), cut just below ε, which would dwarf the rest.

    B and Ω are one part where they cannot be told apart.
    """
    import plotly.graph_objects as go

    ordered, x_N, labels = bars(frame)
    epsilon = float(ordered["epsilon"].iloc[0])
    foot = epsilon - 0.08 * float((ordered["loss"] - epsilon).max())
    above = heights(ordered)
    base_N = np.full(len(ordered), foot)
    figure = go.Figure()
    for name, height_N in ({"epsilon": np.full(len(ordered), epsilon - foot)} | above).items():
        figure.add_bar(
            x=x_N, y=height_N, base=base_N, width=0.8, name=PART_NAMES[name], marker_color=PARTS[name],
            customdata=above.get(name, ordered["epsilon"]),
            hovertemplate="%{customdata:.4f}<extra>" + PART_NAMES[name] + "</extra>",
        )  # fmt: skip
        base_N = base_N + height_N
    layout(figure, "stored training tokens D, for each size P", "loss, nats per token (axis cut below ε)")
    figure.update_layout(barmode="overlay", margin={"t": 36, "b": 84})
    figure.update_xaxes(showgrid=False, tickangle=-90, tickvals=x_N, ticktext=labels, ticks="")
    figure.update_yaxes(range=[foot, epsilon + 1.05 * float((ordered["loss"] - epsilon).max())])
    for size in sorted(set(ordered["parameters"])):
        figure.add_annotation(
            text=f"P = {short(size)}", x=x_N[ordered["parameters"] == size].mean(), y=1.0, yref="paper",
            yanchor="bottom", showarrow=False, font={"size": 12, "color": "#5a606b"},
        )  # fmt: skip
    figure.update_layout(legend={"y": 1.07})
    figure.update_xaxes(title={"standoff": 30})
    return figure
