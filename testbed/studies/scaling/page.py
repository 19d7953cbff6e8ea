"""The figures of a study of scaling laws: fitted curves, residuals, simulated estimates of E, errors of forecasts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from testbed.report.axes import layout, log_axis
from testbed.report.palette import short, size_colours
from testbed.report.plots import Drawn, plot
from testbed.report.template import figure as number
from testbed.studies.scaling.analysis import FORM, ScalingAnalysis
from testbed.studies.scaling.asked import TRUTH
from testbed.studies.scaling.finished import FITS, RESIDUALS

POINTS = 60
DASHES = {TRUTH: "solid", "free": "dot"}
COLOURS = {TRUTH: "#3b6ea5", "free": "#b5483a"}
NAMES = {TRUTH: "E pinned to ε", "free": "E free"}


def drawn(analysis: ScalingAnalysis, derived: Mapping[str, pd.DataFrame]) -> Sequence[Drawn]:
    """Return the figures for which there is data, the main one first."""
    return list(_drawn(analysis, derived[FITS], derived[RESIDUALS]))


def _drawn(analysis: ScalingAnalysis, fits: pd.DataFrame, residuals: pd.DataFrame) -> Iterator[Drawn]:
    if len(residuals):
        yield Drawn(
            "Losses and two fits",
            "$loss − ε$ of every run against $D$, a colour for each $P$. Solid: the fit with $E$ pinned to the truth; "
            "dotted: with $E$ free, which ends where it falls below $ε$.",
            plot(curves(analysis, fits, residuals), _told(fits), files=("losses.parquet", FITS)),
        )
        yield Drawn(
            "Residuals",
            "Log of seen over fitted loss against fitted loss. What a form cannot follow stands out as a pattern.",
            plot(
                scattered(residuals),
                f"Residuals of {len(residuals)} runs around two fits, {_spread(residuals)}.",
                files=(RESIDUALS,),
            ),
        )
    answered = analysis.simulations[analysis.simulations["sentence"] == ""]
    if len(answered):
        off = float(answered["E"].median()) - analysis.world.epsilon
        yield Drawn(
            "What a free fit makes of a known E",
            "$E − ε$ of free fits to surfaces simulated from the pinned fit, with the noise of this grid.",
            plot(
                simulated(answered, analysis.world.epsilon),
                f"Histogram of E less epsilon over {len(answered)} simulated surfaces; the median is {number(off)}.",
                files=("simulations.parquet",),
            ),
        )
    seen = fits[fits["forecast_error"].notna()]
    if len(seen):
        told = "; ".join(f"{row.assumed}: {number(row.forecast_error)}" for row in seen.itertuples())
        what = "largest size" if analysis.study.held == "size" else "most data"
        yield Drawn(
            "What an assumed E costs a forecast",
            f"Error of the forecast of the {what}, fitted to the rest: root mean square over cells, in nats. "
            "Assumptions whose fit was refused are in the table of fits, with the reason.",
            plot(forecasts(seen), f"Errors of forecasts in nats, {told}.", files=(FITS,)),
        )


def curves(analysis: ScalingAnalysis, fits: pd.DataFrame, residuals: pd.DataFrame) -> Any:
    """Return loss − ε against D with the curves of the fits, on logarithmic axes; what is not above 0 has no place."""
    import plotly.graph_objects as go

    epsilon, figure = analysis.world.epsilon, go.Figure()
    runs = residuals[residuals["assumed"] == residuals["assumed"].iloc[0]]
    x = np.geomspace(runs["tokens"].min(), runs["tokens"].max(), POINTS)
    shown: list[float] = []
    for size, colour in size_colours(runs["parameters"].astype(int).to_list()).items():
        own, label = runs[runs["parameters"] == size], f"P = {short(size)}"
        y = own["loss"].to_numpy() - epsilon
        shown += [float(each) for each in y if each > 0]
        figure.add_scatter(
            x=own["tokens"], y=np.where(y > 0, y, np.nan), mode="markers", name=label, legendgroup=label,
            marker={"color": colour, "size": 6},
        )  # fmt: skip
        for row in fits[fits["assumed"].isin(residuals["assumed"])].itertuples():
            if row.assumed in DASHES:
                above = row.E + row.A * float(size) ** -row.alpha + row.B * x**-row.beta - epsilon
                figure.add_scatter(
                    x=x, y=np.where(above > 0, above, np.nan), mode="lines", name=NAMES[row.assumed], legendgroup=label,
                    line={"color": colour, "width": 1.3, "dash": DASHES[row.assumed]}, showlegend=False,
                )  # fmt: skip
    layout(figure, "training tokens D", "loss − ε, nats per token")
    log_axis(figure, shown, axis="y")
    log_axis(figure, runs["tokens"], axis="x")
    return figure


def scattered(residuals: pd.DataFrame) -> Any:
    """Return residuals of log loss against fitted loss, a colour for each fit."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, own in residuals.groupby("assumed", sort=False):
        marker = {"color": COLOURS[name], "size": 6, "opacity": 0.7}
        figure.add_scatter(x=own["fitted"], y=own["residual"], mode="markers", name=NAMES[name], marker=marker)
    layout(figure, "fitted loss, nats per token", "log of seen over fitted loss")
    return figure


def simulated(answered: pd.DataFrame, epsilon: float) -> Any:
    """Return the histogram of E − ε of simulated surfaces."""
    import plotly.graph_objects as go

    counts, edges = np.histogram(answered["E"].to_numpy(float) - epsilon, bins=24)
    figure = go.Figure()
    figure.add_bar(x=(edges[1:] + edges[:-1]) / 2, y=counts, width=np.diff(edges), marker_color=COLOURS["free"])
    layout(figure, "E − ε of a free fit, nats per token", "simulated surfaces")
    return figure


def forecasts(fits: pd.DataFrame) -> Any:
    """Return a bar for the error of the forecast under each assumption."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_bar(x=fits["assumed"], y=fits["forecast_error"], marker_color=COLOURS[TRUTH])
    layout(figure, "what is assumed of E", "error of the forecast, nats per token")
    log_axis(figure, fits["forecast_error"], axis="y")
    return figure


def _told(fits: pd.DataFrame) -> str:
    """Say what the fits found."""
    said = [f"loss above epsilon against training tokens, a colour for each size; fitted form {FORM.formula}."]
    for row in fits[fits["assumed"].isin(DASHES) & (fits["status"] != "refused")].itertuples():
        said.append(f"{NAMES[row.assumed]}: E {number(row.E)}, alpha {number(row.alpha)}, beta {number(row.beta)}.")
    return " ".join(said)


def _spread(residuals: pd.DataFrame) -> str:
    spreads = residuals.groupby("assumed", sort=False)["residual"].std()
    return ", ".join(f"{NAMES[name]}: standard deviation {number(value)}" for name, value in spreads.items())
