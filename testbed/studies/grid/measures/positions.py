"""Where in the window the excess loss is: K position by position, beside the Bayes curve it adds to."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from testbed.measure.geometric import divergence, normalised
from testbed.report import marks
from testbed.report.axes import layout
from testbed.report.palette import short, size_colours
from testbed.report.plots import Drawn, plot
from testbed.studies.grid import references
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.measures._measure import Ensemble, Measure
from testbed.verdict import LEVEL


class Positions(Measure):
    """One row a position t (from 1): K_t and h_t, averaged over replicates and sequences, in nats."""

    @staticmethod
    def observe(ensemble: Ensemble) -> list[dict[str, Any]]:
        """Return t, K_t = E KL(p*(· given x_<t) ‖ p(· given x_<t)) and h_t = E H(p*(· given x_<t)).

        Error: both are means over the evaluation sequences; ``K_se`` and ``h_se`` are their standard errors over
        sequences, the replicates averaged within each.
        """
        excess_BL, entropy_BL = [], []
        for log_star_LV, log_p_RLV in ensemble.pairs():
            star_LV = np.exp(log_star_LV)
            each_RL = [divergence(star_LV, log_star_LV, normalised(log_p_LV)) for log_p_LV in log_p_RLV]
            excess_BL.append(np.mean(each_RL, axis=0))
            entropy_BL.append(divergence(star_LV, np.zeros_like(star_LV), log_star_LV))
        columns = {"K": np.array(excess_BL), "h": np.array(entropy_BL)}
        count = np.sqrt(len(excess_BL))
        return [
            {"t": at + 1}
            | {name: float(value_BL[:, at].mean()) for name, value_BL in columns.items()}
            | {f"{name}_se": float(value_BL[:, at].std(ddof=1) / count) for name, value_BL in columns.items()}
            for at in range(columns["K"].shape[1])
        ]

    @staticmethod
    def figures(analysis: Analysis) -> Iterator[Drawn]:
        """Yield the loss along the window, above the Bayes curve."""
        frame, beside = analysis.measured["positions"], references.lines(analysis.references, level=LEVEL)
        if len(frame):
            caption = (
                "Loss on fresh data position by position: $K_t$, what the models lose, on top of the Bayes curve $h_t$."
            )
            alt = (
                f"Loss at each of {frame['t'].nunique()} positions of the window, a curve for each size above the "
                "dotted Bayes curve."
            )
            files = ("ensemble_positions.parquet", *((references.TABLE,) if len(beside) else ()))
            caption += marks.BESIDE if len(beside) else ""
            yield Drawn("Along the window", caption, plot(drawn(frame, beside), alt, files=files))


def drawn(frame: pd.DataFrame, references: pd.DataFrame) -> Any:
    """Return K on fresh data at each position of the window, on top of the Bayes curve h_t, for each P.

    So are predictors that learn within the window.
    """
    import plotly.graph_objects as go

    online = frame[frame["role"] == "online"]
    colours = size_colours(online["parameters"].astype(int).to_list())
    figure = go.Figure()
    for size, colour in colours.items():
        own = online[online["parameters"] == size].sort_values("t")
        figure.add_scatter(
            x=own["t"], y=own["h"] + own["K"], mode="lines+markers", name=f"P = {short(size)}",
            line={"color": colour, "width": 1.4}, marker_size=4, error_y={"array": 1.96 * own["K_se"], "thickness": 1},
        )  # fmt: skip
    bayes = online[online["parameters"] == online["parameters"].min()].sort_values("t")
    figure.add_scatter(
        x=bayes["t"],
        y=bayes["h"],
        mode="lines",
        name="h<sub>t</sub>: Bayes",
        line={"color": "#333333", "width": 2, "dash": "dot"},
    )
    layout(figure, "position t in the window", "h<sub>t</sub> + K<sub>t</sub>, nats")
    marks.curves(figure, references, bayes)
    return figure
