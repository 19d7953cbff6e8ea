"""Which figures a page of grids shows, each with its heading, its caption and the files behind it."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from testbed.report.plots import Drawn, plot
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.studies.grids.page import losses


def drawn(analysis: GridsAnalysis, derived: Mapping[str, pd.DataFrame]) -> Sequence[Drawn]:
    """Return the figures for which there is data, the main one first."""
    return list(_drawn(analysis, derived))


def _drawn(analysis: GridsAnalysis, derived: Mapping[str, pd.DataFrame]) -> Iterator[Drawn]:
    of_context, estimates = derived["contexts.parquet"], derived["estimates.parquet"]
    if len(analysis.study.all_contexts) > 1 and len(of_context):
        yield Drawn(
            "What a longer context is worth",
            "$E[loss]$ on fresh data at the longest horizon against the context length $n$, a colour for each multiple "
            "of the model; dotted: the exact $ε_n$, which no model undercuts. Bars: 95 % intervals.",
            plot(
                losses.against_context(of_context),
                f"Loss against context length at {of_context['context'].nunique()} lengths, above the dotted entropy.",
                files=("contexts.parquet",),
            ),
        )
    if len(estimates):
        yield Drawn(
            "Excess loss in every plane",
            "$K$ against stored tokens $D$, a colour for each size, a dash for each plane; fresh data at the right.",
            plot(
                losses.in_planes(estimates, [place.label for place in analysis.places]),
                f"Excess loss K against D in {len(analysis.planes)} planes.",
                files=("estimates.parquet",),
            ),
        )
