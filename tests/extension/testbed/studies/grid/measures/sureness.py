"""How sure models are beside how sure they should be: entropy of the prediction, less that of the Bayes predictive."""

import numpy as np
import plotly.graph_objects as go

from testbed.report.axes import layout
from testbed.report.plots import Drawn, plot
from testbed.stats.combine import each_level, largest, magnitude
from testbed.stats.identified import told
from testbed.stats.mean import mean
from testbed.studies.grid.measures import Measure


def overconfidence(analysis, level):
    """Return the largest magnitude, over ensembles, of the mean excess of entropy, in nats; 0 if calibrated."""
    rows = list(analysis.measured["sureness"].itertuples())
    each = each_level(level, max(len(rows), 1))
    return largest([magnitude(mean(np.asarray(row.excess_B), level=each)) for row in rows], level=level)


class Sureness(Measure):
    """One row: H(p) − H(p*) of each sequence, averaged over positions and replicates."""

    estimates = {"overconfidence": told(overconfidence)}  # noqa: RUF012

    @staticmethod
    def observe(ensemble):
        """Return the row of one ensemble."""
        entropy = lambda logp: -(np.exp(logp) * np.where(np.isfinite(logp), logp, 0.0)).sum(-1)  # noqa: E731
        excess_B = [float((entropy(each_RLV) - entropy(star_LV)).mean()) for star_LV, each_RLV in ensemble.pairs()]
        return [{"excess_B": excess_B, "excess": float(np.mean(excess_B))}]

    @staticmethod
    def figures(analysis):
        """Yield the excess of entropy of every ensemble."""
        table = analysis.measured["sureness"]
        figure = go.Figure(go.Scatter(x=table["tokens"], y=table["excess"], mode="markers"))
        layout(figure, "tokens D", "H(p) − H(p*), nats")
        alt = "Excess of entropy of each ensemble against tokens."
        yield Drawn(
            "Sureness", "Below zero, models are too sure.", plot(figure, alt, files=("ensemble_sureness.parquet",))
        )
