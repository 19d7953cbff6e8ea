"""The figures of a grid's page: which are drawn, their captions, what they show in words, the files behind them."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from testbed.report.marks import BESIDE
from testbed.report.palette import short
from testbed.report.plots import Drawn, plot
from testbed.report.template import figure
from testbed.studies.grid.page import figures
from testbed.studies.grid.page.shown import Page

OPEN = " An open arrow: the interval reaches zero, or leaves the axis."


def drawn(page: Page) -> list[Drawn]:
    """Return the figures for which there is data, the main one first."""
    return list(_drawn(page, BESIDE if len(page.references) else ""))


def _drawn(page: Page, beside: str) -> Iterator[Drawn]:
    kinds, found = set(page.estimates["quantity"]), page.estimates
    others = ("references.parquet",) if len(page.references) else ()
    if len(page.parts):
        yield Drawn(
            "Where the loss goes",
            "$loss = ε + B(P) + Ω + V(P, D)$ for every size $P$ and stored data $D$. A negative $V$ is noise, drawn "
            "downward.",
            plot(figures.parts(page.parts), _parts(page.parts), files=("loss_parts.parquet",)),
        )
    if "K" in kinds:
        yield Drawn(
            "Excess loss against data",
            "$K$ at the kept checkpoint. Dotted: the level reached on fresh data in as many steps (diamond)."
            + beside + OPEN,
            plot(
                figures.divergence(found, page.references),
                "Excess loss K against stored tokens D, a curve for each size. " + _sizes(found, "K", "tokens"),
                files=("estimates.parquet", *others),
            ),
        )  # fmt: skip
    if page.compute["frontier"].any():
        yield Drawn(
            "Excess loss against compute",
            "Mean $K$ of replicates along training, against the training FLOPs of one run so far. Solid: fresh data; "
            "dotted: stored data. Black: the attained frontier, the lowest $K$ that no more FLOPs attained." + OPEN,
            plot(figures.compute(page.compute), _frontier(page.compute), files=("compute.parquet",)),
        )
    yield from _split(page, kinds)
    yield from _curves(page, beside, others)


def _split(page: Page, kinds: set[str]) -> Iterator[Drawn]:
    """Yield the figures of the parts of K: B against size, V against data."""
    found = page.estimates
    if "B" in kinds:
        yield Drawn(
            "Size: B and the optimisation gap",
            "$B$, the least loss of a size, lies within its bar: below what any run attained, and above what longer "
            "training could still gain, or logits of that width were found to reach. A point: the value that the "
            "ladder of horizons suggests; shaded: $Ω = K − B$ there. Without a point, $B$ is only bounded." + OPEN,
            plot(
                figures.bias(found),
                "B and the excess loss on fresh data against parameters. " + _sizes(found, "B", "parameters"),
                files=("estimates.parquet",),
            ),
        )
    if "V" in kinds:
        yield Drawn(
            "Finite data: V against D",
            "Lines: the best $V = C_P D^{−β}$ with one exponent for all sizes, drawn even where a lack of fit denies "
            "it. Without a point, only the bar is known, as $B$ is only bounded; an arrow below a tick: its upper end."
            + OPEN,
            plot(
                figures.variance(found, dict(page.constants)),
                "V against stored tokens D, a colour for each size. " + _sizes(found, "V", "tokens"),
                files=("estimates.parquet",),
            ),
        )


def _curves(page: Page, beside: str, others: tuple[str, ...]) -> Iterator[Drawn]:
    """Yield the figures of the measures, and the curves along training."""
    yield from page.figures
    if len(page.curves):
        runs = len(page.curves[["parameters", "role", "tokens", "replicate"]].drop_duplicates())
        yield Drawn(
            "Learning curves",
            "$K$ along training, every replicate. Solid: fresh data; dotted: stored data." + beside,
            plot(
                figures.learning(page.curves, page.references),
                f"Excess loss K along training of {runs} runs, coloured by size.",
                files=("learning_curves.parquet", *others),
            ),
        )


def _parts(frame: pd.DataFrame) -> str:
    """Say for each size what its loss is made of, with the least stored data and on fresh data."""
    said = ["Bars of the loss for each size and amount of data, stacked as epsilon, B, Omega and V."]
    for _, own in frame.groupby("parameters"):
        ordered = _rows(own)
        first, fresh = ordered[0], ordered[-1]
        said.append(
            f"P = {short(first.parameters)}: {figure(first.loss)} at D = {short(first.tokens)}, "
            f"{figure(fresh.loss)} on fresh data, of which epsilon is {figure(fresh.epsilon)}."
        )
    return " ".join(said)


def _frontier(frame: pd.DataFrame) -> str:
    """Say where the attained frontier begins and ends."""
    ordered = list(frame[frame["frontier"]].sort_values("flops").itertuples())
    ends = [f"{figure(row.K)} at {short(row.flops)} FLOPs with P = {short(row.parameters)}" for row in ordered]
    return f"Lowest excess loss K attained at each compute: from {ends[0]} to {ends[-1]}."


def _sizes(estimates: pd.DataFrame, quantity: str, along: str) -> str:
    """Say for each size where a quantity begins and ends; along parameters, what it is at each."""
    own = estimates[estimates["quantity"] == quantity]
    if along == "parameters":
        listed = ", ".join(f"{figure(row.value)} at P = {short(row.parameters)}" for row in _rows(own))
        return f"{quantity} is {listed}."
    said = []
    for _, each in own.groupby("parameters"):
        ordered = _rows(each)
        first, last = ordered[0], ordered[-1]
        where = "on fresh data" if last.role == "online" else f"at D = {short(last.tokens)}"
        said.append(
            f"P = {short(first.parameters)}: {figure(first.value)} at D = {short(first.tokens)}, "
            f"{figure(last.value)} {where}."
        )
    return " ".join(said)


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.sort_values(["role", "tokens", "parameters"], ascending=[False, True, True]).itertuples())
