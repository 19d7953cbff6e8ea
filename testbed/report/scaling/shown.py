"""Findings about a table of losses on a terminal: the law, what it rests on, the frontier, other forms."""

import math
from typing import TYPE_CHECKING

import numpy as np

from testbed.report.palette import short as count
from testbed.stats.estimate import Estimate
from testbed.stats.scaling.findings import Findings
from testbed.stats.scaling.optimal import Frontier
from testbed.stats.scaling.reading import Read
from testbed.stats.scaling.table import Losses

if TYPE_CHECKING:
    from rich.table import Table

FIRST = 3
"""Bad rows that are told one by one."""


def show(found: Findings, read: Read) -> None:
    """Print the findings."""
    import rich

    law = found.law
    rich.print(f"L(P, D) = {law.form.formula}", parameters(found), sep="\n")
    for line in sentences(found, read):
        print(line)
    if isinstance(found.frontier, Frontier):
        rich.print(frontier(found.frontier))
    else:
        print(f"compute-optimal: {_reason(found.frontier)}")
    for line in isoflops(found):
        print(line)
    for line in found.cautions:
        print(f"caution: {line}")
    if isinstance(found.compared, str):
        print(f"forms compared: {_reason(found.compared)}")
    elif found.compared:
        rich.print(compared(found))


def bad_rows(read: Read) -> str:
    """Return the sentence about rows that were left out; none if all were sound."""
    if not read.bad:
        return ""
    first = "; ".join(f"line {line}: {reason}" for line, reason in list(read.bad.items())[:FIRST])
    more = f"; and {len(read.bad) - FIRST} more" if len(read.bad) > FIRST else ""
    return f"{len(read.bad)} of {len(read.bad) + len(read.line_N)} rows are left out: {first}{more}"


def interval(found: Estimate, digits: int = 4) -> str:
    """Return the interval of an estimate, open ends as such.

    >>> interval(Estimate(value=1.0, low=0.5, high=math.inf, level=0.95, n=4, method="m"))
    '[0.5, ∞)'
    """
    low = f"[{found.low:.{digits}g}" if math.isfinite(found.low) else "(−∞"
    high = f"{found.high:.{digits}g}]" if math.isfinite(found.high) else "∞)"
    return f"{low}, {high}".replace("-", "−")


def parameters(found: Findings) -> "Table":
    """Return the table of parameters."""
    law = found.law
    level = next((each.level for each in law.parameters.values()), 0.95)
    table = _table("", "value", f"{100 * level:g} % interval", "")
    for name in law.form.names:
        if name in law.pinned:
            table.add_row(name, _number(law.pinned[name]), "pinned", "")
        else:
            each = law.parameters[name]
            told = each.method.partition("; ")[2]
            table.add_row(name, _number(each.value), interval(each), told)
    return table


def sentences(found: Findings, read: Read) -> list[str]:
    """Return what the fit rests on, a line each."""
    law, single = found.law, found.leverage
    method = next((each.method.partition("; ")[0] for each in law.parameters.values()), "none, as all is pinned")
    worst, place = single.worst
    lines = [
        f"status: {law.status}{' (' + ', '.join(law.fitted.at_bound) + ')' if law.fitted.at_bound else ''}; "
        f"{law.asked.objective.name}, sum {law.fitted.objective:.6g}; {law.fitted.agreeing:.0%} of the starts agree",
        f"intervals: {method}",
        f"rows: {len(read.line_N)} in {len(found.table.first_C)} cells; standard deviation of log loss around the fit"
        f" {law.scatter:.3g}",
        f"identified: condition number {law.design.condition:.3g}; 1 − R² of log D on log P {law.design.off_ray:.3g}",
        f"most influence: {_unit(found.table, worst)} (leverage {single.hat_U[worst]:.2f}): without it"
        f" {law.form.names[place]} is {_number(float(single.without_UQ[worst, place]))},"
        f" {abs(single.shift_UQ[worst, place]):.2g} errors off",
    ]
    if law.lack_of_fit is not None:
        lines.append(f"lack of fit, cells against their seeds: p = {law.lack_of_fit:.2g}")
    if law.pinned_fits is not None:
        lines.append(f"the pinned E against a free one: p = {law.pinned_fits:.2g}")
    if found.table.grouped and law.asked.objective.squares:
        lines.append("lack of fit, and a pinned E against a free one: not told, as cells of one group share noise")
    return lines


def _unit(table: Losses, at: int) -> str:
    """Return which cell, or group, is meant."""
    own = np.flatnonzero(table.unit_N == at)
    first = f"P {count(table.params_N[own[0]])}, D {count(table.tokens_N[own[0]])}"
    cells = len(set(table.cell_N[own].tolist()))
    return f"the group of {cells} cells from {first}" if table.grouped else f"the cell of {first}"


def frontier(found: Frontier) -> "Table":
    """Return the table of compute-optimal sizes."""
    exponent, other = found.params_exponent, found.tokens_exponent
    title = (
        f"compute-optimal at C = {found.flops_per:.3g}·P·D\nP ∝ C^{exponent.value:.3f} {interval(exponent, 3)}, "
        f"D ∝ C^{other.value:.3f} {interval(other, 3)}"
    )
    table = _table("FLOPs", "P", "", "D", "", "loss", "", title=title)
    for flops, *three in zip(found.flops_K.tolist(), found.params, found.tokens, found.loss, strict=True):
        sizes = [cell for each in three[:2] for cell in (count(each.value), _sizes(each))]
        table.add_row(f"{flops:.3g}", *sizes, _number(three[2].value), interval(three[2]))
    return table


def _sizes(found: Estimate) -> str:
    low = f"[{count(found.low)}" if found.low > 0 else "(0"
    return f"{low}, {count(found.high)}]" if math.isfinite(found.high) else f"{low}, ∞)"


def isoflops(found: Findings) -> list[str]:
    """Return the isoFLOP profiles, a line each; none where no amount of compute has four sizes."""
    if isinstance(found.isoflop, str):
        return []
    lines = []
    for each in found.isoflop.profiles:
        told = each.params if isinstance(each.params, str) else f"P {count(each.params.value)} {_sizes(each.params)}"
        lines.append(f"isoFLOP profile at {each.flops:.3g}: {told}")
    slope = found.isoflop.params_exponent
    told = slope if isinstance(slope, str) else f"{slope.value:.3f} {interval(slope, 3)}"
    return [*lines, f"isoFLOP exponent of P in C: {told}"]


def compared(found: Findings) -> "Table":
    """Return the table of forms by their errors out of sample."""
    table = _table(
        "form", "folds", "behind the best", "largest runs", "mean there", title="errors of log loss out of sample"
    )
    for each in found.compared:
        if isinstance(each, str):
            continue
        behind = each.behind if isinstance(each.behind, str) else f"{each.behind.value:.3g} {interval(each.behind, 3)}"
        row = (f"{each.folds:.3g}", behind, f"{each.largest:.3g}", f"{each.largest_mean:+.3g}")
        table.add_row(each.form, *(row if math.isfinite(each.folds) else ("–", _reason(behind), "–", "–")))
    return table


def _reason(text: str) -> str:
    return text.removeprefix("no information: ")


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _table(*heads: str, title: str | None = None) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="", box=None, pad_edge=False)
    for head in heads:
        table.add_column(head)
    return table
