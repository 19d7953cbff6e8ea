"""Signal to noise in figures: against D for each size and noise with the fitted plane, and layer by layer."""

from typing import Any

import numpy as np
import pandas as pd

from testbed.report.axes import layout, log_axis
from testbed.report.palette import fresh_position, short, size_colours
from testbed.studies.grids.page.losses import DASHES


def against_tokens(table: pd.DataFrame, power: float | None) -> Any:
    """Return SNR of one reading of log p against D, a colour for each size, a dash for each σ; fresh data at the right.

    With a ``power``, lines of the fitted plane go through the mean of each size and noise.
    """
    import plotly.graph_objects as go

    told = table[table["sentence"] == ""]
    tokens = sorted({int(d) for d in told.loc[told["role"] == "stored", "tokens"]})
    fresh, figure = fresh_position(tokens), go.Figure()
    dashes = {sigma: DASHES[at % len(DASHES)] for at, sigma in enumerate(sorted(told["sigma"].unique()))}
    for size, colour in size_colours(told["parameters"].astype(int).to_list()).items():
        for (sigma, world), own in told[told["parameters"] == size].groupby(["sigma", "world"]):
            own = own.sort_values(["role", "tokens"], ascending=[False, True])
            x_N = np.where(own["role"] == "stored", own["tokens"], fresh)
            value_N = np.exp(own["log_snr"].to_numpy())
            figure.add_scatter(
                x=x_N, y=value_N, mode="markers", marker={"color": colour, "size": 7},
                name=f"P = {short(size)}, σ = {sigma:g}", legendgroup=f"{size} {sigma} {world}",
                error_y={"array": value_N * np.expm1(own["error"]), "thickness": 1},
                text=[f"{world}, n = {n}" for n in own["context"]], hovertemplate="SNR %{y:.3g}, %{text}",
            )  # fmt: skip
            stored = own[own["role"] == "stored"]
            if power is not None and len(stored):
                middle = float(np.log(stored["tokens"].to_numpy(dtype=float)).mean())
                line_N = np.exp(stored["log_snr"].mean() + power * (np.log(stored["tokens"].astype(float)) - middle))
                figure.add_scatter(
                    x=stored["tokens"], y=line_N, mode="lines", showlegend=False, hoverinfo="skip",
                    legendgroup=f"{size} {sigma} {world}", line={"color": colour, "width": 1.2, "dash": dashes[sigma]},
                )  # fmt: skip
    layout(figure, "stored training tokens D", "SNR of log p")
    log_axis(figure, np.exp(told["log_snr"]), axis="y")
    figure.update_xaxes(type="log", tickvals=[*tokens, fresh], ticktext=[*map(short, tokens), "fresh data"])
    return figure


def naive_beside(table: pd.DataFrame) -> Any:
    """Return the naive ratio against the unbiased SNR, one point a group; on the line they agree."""
    import plotly.graph_objects as go

    told, figure = table[table["sentence"] == ""], go.Figure()
    for reading, own in told.groupby("reading"):
        figure.add_scatter(
            x=np.exp(own["log_snr"]), y=np.exp(own["naive"]), mode="markers", marker_size=6, name=f"across {reading}",
            text=[
                f"{row.part}, P = {short(row.parameters)}, D = {short(row.tokens)}, σ = {row.sigma:g}"
                for row in own.itertuples()
            ],
            hovertemplate="%{y:.3g} for %{x:.3g}, %{text}",
        )  # fmt: skip
    ends = np.exp([told["log_snr"].min(), told["log_snr"].max()])
    figure.add_scatter(x=ends, y=ends, mode="lines", name="equal", line={"color": "#8a8f98", "dash": "dot"})
    layout(figure, "SNR, unbiased", "naive ratio")
    log_axis(figure, np.exp(told["log_snr"]), axis="x")
    log_axis(figure, np.exp(told["naive"]), axis="y")
    return figure
