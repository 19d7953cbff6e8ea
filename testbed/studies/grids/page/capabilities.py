"""Capabilities in figures: scores against SNR with thresholds, rises that collapse or do not, sharp beside smooth."""

from typing import Any

import numpy as np
import pandas as pd
from plotly.subplots import make_subplots

from testbed.report.axes import layout, log_axis
from testbed.report.palette import SIZES, short, size_colours
from testbed.studies.grids.capabilities import SHARP, SMOOTH

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")


def against_signal(frame: pd.DataFrame, thresholds: pd.DataFrame) -> Any:
    """Return the smooth score of every run against its SNR: a colour for each σ, a symbol for each size.

    Dotted: chance and the Bayes predictor at each σ; upright: the threshold of each σ where it is told.
    """
    import plotly.graph_objects as go

    figure, colours = go.Figure(), _colours(frame)
    symbols = dict(zip(sorted(frame["parameters"].unique()), SYMBOLS * len(frame), strict=False))
    for (sigma, size), own in frame.groupby(["sigma", "parameters"]):
        figure.add_scatter(
            x=np.exp(own["log_snr"]), y=own[SMOOTH], mode="markers", name=f"σ = {sigma:g}, P = {short(float(size))}",
            marker={"color": colours[sigma], "symbol": symbols[size], "size": 6, "opacity": 0.75},
            text=_told(own), hovertemplate="%{y:.3f} at SNR %{x:.3g}<br>%{text}",
        )  # fmt: skip
    ends = np.exp([frame["log_snr"].min(), frame["log_snr"].max()])
    for sigma, own in frame.groupby("sigma"):
        for mark, dash in (("bayes_smooth", "dot"), ("chance_smooth", "dash")):
            figure.add_scatter(
                x=ends, y=[own[mark].mean()] * 2, mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": colours[sigma], "width": 1, "dash": dash},
            )  # fmt: skip
        place = thresholds[thresholds["sigma"] == sigma]
        if len(place):
            figure.add_vline(x=float(10 ** place["value"].iloc[0]), line={"color": colours[sigma], "width": 1.4})
    layout(figure, "SNR of log p across contexts", "probability given to what is right")
    log_axis(figure, np.exp(frame["log_snr"]), axis="x")
    return figure


def collapsed(frame: pd.DataFrame) -> Any:
    """Return how far each run has risen from chance to Bayes, against SNR and against K: what tells more lines up."""
    figure, colours = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06), _colours(frame)
    for sigma, own in frame.groupby("sigma"):
        rise = (own[SMOOTH] - own["chance_smooth"]) / (own["bayes_smooth"] - own["chance_smooth"])
        for column, x in ((1, np.exp(own["log_snr"])), (2, own["K"])):
            figure.add_scatter(
                x=x, y=rise, mode="markers", name=f"σ = {sigma:g}", legendgroup=f"{sigma}", showlegend=column == 1,
                marker={"color": colours[sigma], "size": 5, "opacity": 0.75}, text=_told(own),
                hovertemplate="%{y:.2f} at %{x:.3g}<br>%{text}", row=1, col=column,
            )  # fmt: skip
    layout(figure, "", "rise from chance (0) to Bayes (1)")
    figure.update_xaxes(type="log", title_text="SNR of log p across contexts", row=1, col=1)
    figure.update_xaxes(type="log", title_text="K, nats per token", row=1, col=2)
    figure.update_yaxes(title_text="", row=1, col=2)
    return figure


def side_by_side(frame: pd.DataFrame) -> Any:
    """Return the rise of the smooth and of the sharp score of every run, a dot for each seed."""
    figure, colours = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06), _colours(frame)
    for column, score in enumerate((SMOOTH, SHARP), start=1):
        for sigma, own in frame.groupby("sigma"):
            rise = (own[score] - own[f"chance_{score}"]) / (own[f"bayes_{score}"] - own[f"chance_{score}"])
            figure.add_scatter(
                x=np.exp(own["log_snr"]), y=rise, mode="markers", name=f"σ = {sigma:g}", legendgroup=f"{sigma}",
                showlegend=column == 1, marker={"color": colours[sigma], "size": 5, "opacity": 0.75}, text=_told(own),
                hovertemplate="%{y:.2f} at SNR %{x:.3g}<br>%{text}", row=1, col=column,
            )  # fmt: skip
    layout(figure, "", "rise from chance (0) to Bayes (1)")
    for column, words in enumerate(("SNR; smooth score", "SNR; sharp score"), start=1):
        figure.update_xaxes(type="log", title_text=words, row=1, col=column)
    figure.update_yaxes(title_text="", row=1, col=2)
    return figure


def _colours(frame: pd.DataFrame) -> dict[float, str]:
    sigmas = sorted(frame["sigma"].unique())
    numbers = size_colours(range(len(sigmas))) if len(sigmas) > 1 else {0: SIZES[0]}
    return {sigma: numbers[at] for at, sigma in enumerate(sigmas)}


def _told(own: pd.DataFrame) -> list[str]:
    """Return which run each point is."""
    return [
        f"{row.world}, P = {short(row.parameters)}, D = {short(row.tokens)}, seed {row.draw}"
        for row in own.itertuples()
    ]
