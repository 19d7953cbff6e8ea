"""The exact split of the mean divergence about the replicates' geometric mean, and what claims it can settle."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from testbed.measure import geometric
from testbed.report.axes import layout, log_axis
from testbed.report.palette import fresh_position, short, size_colours
from testbed.report.plots import Drawn, plot
from testbed.stats.combine import each_level, largest, magnitude
from testbed.stats.estimate import Estimate
from testbed.stats.identified import numbers, positive, told
from testbed.stats.mean import mean
from testbed.stats.moments import contrast, known
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.measures._measure import Ensemble, Measure
from testbed.studies.grid.parts import groups


def parts_add_up(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest magnitude of E[CE] − ε − center − spread over ensembles, all intervals holding at once.

    E[CE] − ε is the paired difference with the Bayes loss on the same sequences, averaged over the ensemble's
    replicates.
    """
    kept = {(size, *group[:2]): group[2] for size in analysis.horizons for group in groups(analysis, size)}
    each = each_level(level, max(len(analysis.ensembles), 1))
    parts = []
    for row in analysis.ensembles.itertuples():
        key = (row.parameters, row.role, row.tokens)
        if key not in kept:
            return f"the ensemble P = {key[0]}, {key[1]}, D = {key[2]} has no finished cells to add up."
        parts.append(magnitude(_residual(analysis, kept[key], row.center + row.spread, each)))
    return largest(parts, level=level) if parts else "there are no ensembles to add up."


def bias_on_tokens(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest abs(d log center / d log D) between neighbouring D of any size; 0 if it depends on P alone.

    ``center`` is KL(p*‖p̄) of the parameters kept under the run's stopping rule, at jackknifed value and standard error:
    another quantity than B, the least loss attainable. Fresh data count as all tokens that were read. No slopes are
    pooled, so that opposite ones do not cancel, and none hides in a curve that goes down and up.

    Error: conservative, as all intervals hold at once (Bonferroni); contexts count as given.
    """
    analysis.check_whole()
    table = analysis.ensembles
    if len(table) < 2 or (table["replicates"] < 2).any():
        return "some ensemble has fewer than two replicates, so its center has no standard error."
    if (numbers(table["center_jackknife"], "the centers") <= 0).any():
        count = int((table["center_jackknife"] <= 0).sum())
        return f"the jackknifed center of {count} ensembles is not above zero: no logarithm."
    table = table.sort_values(["parameters", "tokens", "role"], ignore_index=True)
    center_N = table["center_jackknife"].to_numpy(dtype=float)
    relative_N = positive(table["center_se"], "the centers' standard errors") / center_N
    found = known(np.log(center_N), relative_N, table["replicates"].to_numpy(dtype=float) - 1)
    log_N, size_N = np.log(table["tokens"].to_numpy(dtype=float)), table["parameters"].to_numpy()
    pairs = _neighbours(size_N, log_N)
    if not pairs:
        return "no size has ensembles at two numbers of tokens, so its center has no slope."
    each, unit_NN = each_level(level, len(pairs)), np.eye(len(table))
    slopes = [contrast(found, (unit_NN[j] - unit_NN[i]) / (log_N[j] - log_N[i]), level=each) for i, j in pairs]
    return largest([magnitude(slope) for slope in slopes], level=level)


def _neighbours(size_N: np.ndarray, log_N: np.ndarray) -> list[tuple[int, int]]:
    """Return the places of all ensembles of a size at two neighbouring D; several may share one D."""
    found = []
    for size in np.unique(size_N):
        own = size_N == size
        for fewer, more in pairwise(np.unique(log_N[own])):
            sides = [np.flatnonzero(own & (log_N == end)).tolist() for end in (fewer, more)]
            found += [(int(i), int(j)) for i in sides[0] for j in sides[1]]
    return found


def identity_closure(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest failure of the exact identity in any context, in nats: a maximum, without noise."""
    if not len(analysis.ensembles):
        return "there are no ensembles whose identity could close."
    worst = float(numbers(analysis.ensembles["closure"], "the closures").max())
    return Estimate(value=worst, low=worst, high=worst, level=level, n=len(analysis.ensembles), method="exact maximum")


class Split(Measure):
    """One row: mean divergence = center + spread, jackknifed; see ``testbed.measure.geometric``."""

    estimates = {each.__name__: told(each) for each in (parts_add_up, bias_on_tokens, identity_closure)}  # noqa: RUF012

    @staticmethod
    def observe(ensemble: Ensemble) -> list[dict[str, Any]]:
        """Return the row of ``testbed.measure.geometric.Decomposition``."""
        return [msgspec.structs.asdict(geometric.decompose(ensemble.pairs()))]

    @staticmethod
    def figures(analysis: Analysis) -> Iterator[Drawn]:
        """Yield center and spread against D."""
        if len(analysis.ensembles):
            caption = (
                "The exact identity $E K = center + spread$ about the geometric mean $p̄$ of the replicates. Solid: the "
                "center $KL(p^* ‖ p̄)$, which the paper would have depend on $P$ alone; dotted: the spread, which data "
                "averages away. Bars: ± one standard error over replicates, jackknifed. At the right: fresh data."
            )
            alt = "Center and spread of the exact split against stored tokens D, a colour for each size."
            yield Drawn(
                "The exact split", caption, plot(drawn(analysis.ensembles), alt, files=("ensemble_split.parquet",))
            )


def drawn(frame: pd.DataFrame) -> Any:
    """Return center and spread of every ensemble against D, on logarithmic axes; fresh data stands at the right."""
    import plotly.graph_objects as go

    figure = go.Figure()
    tokens = sorted({int(d) for d in frame.loc[frame["role"] == "stored", "tokens"]})
    fresh = fresh_position(tokens)
    for size, colour in size_colours(frame["parameters"].astype(int).to_list()).items():
        own = frame[frame["parameters"] == size].sort_values(["role", "tokens"], ascending=[False, True])
        x = np.where(own["role"] == "online", fresh, own["tokens"])
        for part, dash in (("center", "solid"), ("spread", "dot")):
            value = own[f"{part}_jackknife"]
            figure.add_scatter(
                x=x, y=value.where(value > 0), mode="lines+markers", name=f"P = {short(size)}", legendgroup=str(size),
                showlegend=part == "center", line={"color": colour, "width": 1.4, "dash": dash}, marker_size=5,
                error_y={"array": own[f"{part}_se"], "thickness": 1}, hovertemplate=f"{part}: %{{y:.3g}}",
            )  # fmt: skip
    layout(figure, "stored training tokens D", "nats per token")
    log_axis(figure, [*frame["center_jackknife"], *frame["spread_jackknife"]], axis="y")
    labels = [*map(short, tokens), "fresh data"]
    figure.update_xaxes(type="log", tickvals=[*tokens, fresh], ticktext=labels)
    return figure


def _residual(analysis: Analysis, group: pd.DataFrame, parts: float, level: float) -> Estimate:
    """Return E[CE] − ε − parts of one group, its sampled log-ratios paired sequence by sequence with K."""
    kl_B = numbers(np.mean(group["kl_B"].to_list(), axis=0), "K")
    ratio_B = (
        numbers(np.mean(group["ce_B"].to_list(), axis=0), "the cross-entropy") - analysis.bayes_nll_B[analysis.read]
    )
    return mean(ratio_B - kl_B + (kl_B.mean() - parts), level=level)
