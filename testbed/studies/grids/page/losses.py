"""Losses across planes: against the context length, and K against D in each of them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from testbed.report.axes import layout, log_axis
from testbed.report.palette import fresh_position, short, size_colours

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def against_context(table: pd.DataFrame) -> Any:
    """Return E[loss] of fresh data at the longest horizon against n, a curve for each size by rank, above ε_n."""
    import plotly.graph_objects as go

    online = table[table["role"] == "online"]
    last = online[online["horizon"] == online.groupby(["world", "sigma", "context"])["horizon"].transform("max")]
    last = last.assign(rank=last.groupby(["world", "sigma", "context"])["parameters"].rank(method="dense").astype(int))
    figure = go.Figure()
    for rank, colour in size_colours(last["rank"].to_list()).items():
        for number, (name, own) in enumerate(last[last["rank"] == rank].groupby(["world", "sigma"])):
            own = own.sort_values("context")
            spread = {"array": own["high"] - own["loss"], "arrayminus": own["loss"] - own["low"], "thickness": 1.2}
            sizes = f"{short(float(own['parameters'].min()))}–{short(float(own['parameters'].max()))}"
            figure.add_scatter(
                x=own["context"], y=own["loss"], mode="lines+markers", error_y=spread,
                name=f"P = {sizes if own['parameters'].nunique() > 1 else short(float(own['parameters'].iloc[0]))}",
                line={"color": colour, "width": 1.6, "dash": DASHES[number % len(DASHES)]},
                text=[f"{name[0]}, σ = {name[1]:g}, P = {short(p)}" for p in own["parameters"]],
                hovertemplate="%{y:.4g}, %{text}",
            )  # fmt: skip
    for number, (_, own) in enumerate(last.groupby(["world", "sigma"])):
        exact = own.drop_duplicates("context").sort_values("context")
        figure.add_scatter(
            x=exact["context"], y=exact["epsilon"], mode="lines", name="ε<sub>n</sub>", showlegend=number == 0,
            line={"color": "#333333", "width": 2, "dash": "dot"},
        )  # fmt: skip
    layout(figure, "context length n, tokens", "E[loss], nats per token")
    log_axis(figure, last["context"], axis="x")
    return figure


def in_planes(estimates: pd.DataFrame, labels: Sequence[str]) -> Any:
    """Return K against D, a colour for each size and a dash for each plane."""
    import plotly.graph_objects as go

    frame = estimates[estimates["quantity"] == "K"]
    tokens = sorted({int(d) for d in frame.loc[frame["role"] == "stored", "tokens"]})
    fresh, figure = fresh_position(tokens), go.Figure()
    colours = size_colours(frame["parameters"].astype(int).to_list())
    planes = frame.groupby(["world", "sigma", "context"], sort=False)
    for number, (label, (_, plane)) in enumerate(zip(labels, planes, strict=False)):
        for size, own in plane.groupby("parameters"):
            own = own.sort_values(["role", "tokens"], ascending=[False, True])
            x = own["tokens"].where(own["role"] == "stored", fresh)
            figure.add_scatter(
                x=x, y=own["value"].where(own["value"] > 0), mode="lines+markers", marker_size=5,
                name=f"{label}, P = {short(float(size))}",
                error_y={"array": own["high"] - own["value"], "arrayminus": own["value"] - own["low"], "thickness": 1},
                line={"color": colours[int(size)], "width": 1.4, "dash": DASHES[number % len(DASHES)]},
            )  # fmt: skip
    layout(figure, "stored training tokens D", "K, nats per token")
    log_axis(figure, frame["value"], axis="y")
    figure.update_xaxes(type="log", tickvals=[*tokens, fresh], ticktext=[*map(short, tokens), "fresh data"])
    return figure
