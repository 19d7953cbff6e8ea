"""Findings about a table of losses as a figure: losses with the fit, residuals, isoFLOP curves, the frontier."""

import io
from typing import Any

import numpy as np

from testbed.report.palette import short, size_colours
from testbed.stats.estimate import Estimate
from testbed.stats.scaling.findings import Findings
from testbed.stats.scaling.isoflop import IsoFlop
from testbed.stats.scaling.optimal import Frontier
from testbed.stats.scaling.table import averaged

STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "testbed", "font.sans-serif": ["DejaVu Sans"], "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e7e8ea",
}  # fmt: skip
INK, MOST_NAMED, POINTS = "#23272f", 8, 120
BAND = {"color": "#3b6ea5", "alpha": 0.18, "lw": 0}


def figure(found: Findings) -> str:
    """Return the figure as SVG: four panels, or two where the form does not say what compute is best for."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    whole = isinstance(found.frontier, Frontier)
    with rc_context(STYLE):
        drawn = Figure(figsize=(10, 7.4 if whole else 3.9), layout="constrained")
        panels = drawn.subplots(2 if whole else 1, 2, squeeze=False)
        _losses(panels[0, 0], found)
        _residuals(panels[0, 1], found)
        if isinstance(found.frontier, Frontier):
            _isoflop(panels[1, 0], found, found.frontier)
            _frontier(panels[1, 1], found, found.frontier)
        text = io.StringIO()
        drawn.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Title": _told(found)})
    return text.getvalue()


def _told(found: Findings) -> str:
    law = found.law
    values = ", ".join(f"{name} {value:.4g}" for name, value in _values(found).items())
    return f"{law.form.formula} fitted to {len(found.table.loss_N)} losses: {values}"


def _values(found: Findings) -> dict[str, float]:
    law = found.law
    return {name: law.pinned[name] if name in law.pinned else law.parameters[name].value for name in law.form.names}


def _losses(axes: Any, found: Findings) -> None:
    """Draw cells by D, a colour for each P, and the fitted curves of some; by P where the form does not read D."""
    table, law = found.table, found.law
    by_data = "tokens" in law.form.reads
    along_N, other_N = (table.tokens_N, table.params_N) if by_data else (table.params_N, table.tokens_N)
    groups = sorted(set(other_N.tolist())) if len(law.form.reads) == 2 else [0.0]
    colours = dict(zip(groups, size_colours(list(range(len(groups)))).values(), strict=True))
    curved = {groups[at] for at in np.unique(np.linspace(0, len(groups) - 1, MOST_NAMED).round().astype(int))}
    for at, other in enumerate(groups):
        own_N = other_N == other if len(law.form.reads) == 2 else np.ones(len(along_N), bool)
        colour = colours[other]
        name = f"P = {short(other)}" if other in curved and len(groups) > 1 else None
        axes.plot(along_N[own_N], table.loss_N[own_N], "o", ms=3.5, color=colour, alpha=0.75, label=name)
        if other not in curved:
            continue
        x = np.geomspace(along_N.min(), along_N.max(), POINTS)
        fixed = np.full(POINTS, other if len(law.form.reads) == 2 else 1.0)
        y = law.form.loss(law.fitted.coordinate_Q, *((fixed, x) if by_data else (x, fixed)))
        axes.plot(x, y, "-", lw=1.1, color=colour, zorder=at)
    if "E" in law.parameters or "E" in law.pinned:
        axes.axhline(_values(found)["E"], color=INK, lw=0.9, ls="--", label="E")
    axes.set(xscale="log", ylabel="loss", title=f"L = {law.form.formula}")
    _loss_axis(axes)
    axes.set_xlabel("training tokens D" if by_data else "parameters P")
    axes.legend(fontsize=7, frameon=False, ncols=2)


def _residuals(axes: Any, found: Findings) -> None:
    """Draw residuals of log loss by fitted loss; cells or groups of high leverage ringed."""
    table, law = found.table, found.law
    fitted_N = law.form.loss(law.fitted.coordinate_Q, table.params_N, table.tokens_N)
    residual_N = np.log(table.loss_N / fitted_N)
    axes.axhline(0.0, color=INK, lw=0.8)
    axes.axhspan(-2 * law.scatter, 2 * law.scatter, **BAND)
    axes.plot(fitted_N, residual_N, "o", ms=3.5, color="#3b6ea5", alpha=0.7, label="runs; band ± 2 standard deviations")
    hat_U, unit_C = found.leverage.hat_U, table.unit_N[table.first_C]
    high_C = (hat_U > 2 * law.asked.free / len(hat_U))[unit_C]
    first_C = table.first_C[high_C]
    mean_C = averaged(residual_N, table.cell_N)[high_C]
    if len(first_C):
        ring = {"ms": 9, "mfc": "none", "color": "#b5483a", "label": f"{table.unit}s of twice the mean leverage"}
        axes.plot(fitted_N[first_C], mean_C, "o", **ring)
    axes.set(xlabel="fitted loss", ylabel="log of loss over fitted", title="residuals")
    axes.legend(fontsize=7, frameon=False)


def _isoflop(axes: Any, found: Findings, best: Frontier) -> None:
    """Draw fitted loss by P at each amount of compute, its least point, and parabolas of the runs where there are."""
    law, sizes = found.law, found.table.params_N
    colours = list(size_colours(list(range(len(best.flops_K)))).values())
    least = np.array([each.value for each in best.params])
    x = np.geomspace(min(sizes.min(), least.min()) / 3, max(sizes.max(), least.max()) * 3, POINTS)
    top = 0.0
    for flops, params, loss, colour in zip(best.flops_K.tolist(), best.params, best.loss, colours, strict=True):
        y = law.form.loss(law.fitted.coordinate_Q, x, flops / best.flops_per / x)
        axes.plot(x, y, lw=1.2, color=colour, label=f"{flops:.2g} FLOPs")
        axes.plot([params.value], [loss.value], "D", ms=5, color=colour)
        top = max(top, 1.35 * loss.value)
    if isinstance(found.isoflop, IsoFlop):
        for each in found.isoflop.profiles:
            axes.plot(each.params_C, each.loss_C, "o", ms=3, color=INK)
            if isinstance(each.params, Estimate):
                own = np.geomspace(each.params_C.min(), each.params_C.max(), POINTS)
                axes.plot(own, np.polyval(each.parabola_3, np.log(own)), ":", lw=1, color=INK)
    axes.set(xscale="log", xlabel="parameters P", ylabel="loss", title="loss at equal compute")
    axes.set_ylim(top=top)
    _loss_axis(axes)
    axes.legend(fontsize=7, frameon=False)


def _loss_axis(axes: Any) -> None:
    """Make the axis of losses logarithmic, with plain numbers at its ticks."""
    from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())


def _frontier(axes: Any, found: Findings, best: Frontier) -> None:
    """Draw the best P and D by compute with their bands; an open end of a band is cut at the frame."""
    exponents = {"P": best.params_exponent, "D": best.tokens_exponent}
    for name, estimates, colour in (("P", best.params, "#3b6ea5"), ("D", best.tokens, "#b5483a")):
        value, low, high = (np.array([getattr(each, end) for each in estimates]) for end in ("value", "low", "high"))
        shown = np.clip(low, value / 1e3, None), np.clip(high, None, value * 1e3)
        axes.fill_between(best.flops_K, *shown, color=colour, alpha=0.18, lw=0)
        label = f"{name} ∝ C^{exponents[name].value:.3f}"
        axes.plot(best.flops_K, value, "-o", ms=3.5, lw=1.2, color=colour, label=label)
    axes.axvline(found.table.flops_N.max(), color=INK, lw=0.8, ls=":", label="largest run")
    band = f"compute-optimal, {100 * best.params[0].level:g} % bands"
    axes.set(xscale="log", yscale="log", xlabel="compute C in FLOPs", ylabel="parameters, tokens", title=band)
    axes.legend(fontsize=7, frameon=False)
