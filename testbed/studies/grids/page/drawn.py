"""Which figures a page of grids shows, each with its heading, its caption and the files behind it."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from testbed.report.plots import Drawn, plot
from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.stats.signal.plane import plane
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.studies.grids.capabilities import points
from testbed.studies.grids.page import capabilities, losses, signals
from testbed.studies.grids.signals import LOG_P, READINGS, lines
from testbed.verdict import LEVEL

SAID = {
    "contexts": "$tr Cov(E[h | z]) / E tr Cov(h | z)$ of $log p$, with $z$ the pattern behind the position.",
    "trainings": "$‖S‖^2 / E‖N‖^2$ of $log p$, with $S$ what trainings on other draws have in common.",
}


def drawn(analysis: GridsAnalysis, derived: Mapping[str, pd.DataFrame]) -> Sequence[Drawn]:
    """Return the figures for which there is data, the main one first."""
    return list(_drawn(analysis, derived))


def _drawn(analysis: GridsAnalysis, derived: Mapping[str, pd.DataFrame]) -> Iterator[Drawn]:
    yield from _of_signal(analysis, derived["signals.parquet"])
    yield from _of_capabilities(analysis, derived["emergence.parquet"])
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


def _of_signal(analysis: GridsAnalysis, table: pd.DataFrame) -> Iterator[Drawn]:
    """Yield SNR against D by either reading, and the naive ratio beside it."""
    for reading in READINGS:
        own = table[(table["reading"] == reading) & (table["part"] == LOG_P) & (table["sentence"] == "")]
        if len(own):
            found = told(lambda reading=reading: plane(lines(analysis, reading).cells, level=LEVEL).tokens)()
            power = found.value if isinstance(found, Estimate) else None
            slope = "" if power is None else f" Lines: $D^{{{power:.2f}}}$, the one power that fits best."
            yield Drawn(
                f"Signal to noise across {reading}",
                f"{SAID[reading]} A colour for each size $P$, a dash for each $σ$ of the noise.{slope}",
                plot(
                    signals.against_tokens(own, power),
                    f"Signal-to-noise ratio across {reading} against D in {len(own)} groups of runs.",
                    files=("signals.parquet",),
                ),
            )
    if (table["sentence"] == "").any():
        yield Drawn(
            "What the naive ratio makes of it",
            "The ratio of raw means, from which no noise was taken, against the unbiased $SNR$, for each layer and "
            "for $log p$: it lies above the line most where $SNR$ is small.",
            plot(signals.naive_beside(table), "Naive ratio against unbiased SNR.", files=("signals.parquet",)),
        )


def _of_capabilities(analysis: GridsAnalysis, numbers: pd.DataFrame) -> Iterator[Drawn]:
    """Yield scores against SNR with thresholds, the rises against SNR and loss, and sharp beside smooth scores."""
    files = ("capabilities.parquet", "emergence.parquet")
    of_planes = numbers[(numbers["quantity"] == "threshold") & numbers["sigma"].notna()]
    for asked in analysis.study.single_capabilities:
        frame = told(lambda asked=asked: points(analysis, asked))()
        if isinstance(frame, str):
            continue
        own, what = of_planes[of_planes["capability"] == asked], asked.replace("_", " ")
        yield Drawn(
            f"SNR against {what}",
            "Each point is a run. Dotted: what the Bayes predictor scores on the same contexts; dashed: chance;"
            " upright: the threshold $θ_C$ of each $σ$, half-way between the two.",
            plot(
                capabilities.against_signal(frame, own),
                f"Score in {what} against SNR of {len(frame)} runs.",
                files=files,
            ),
        )
        yield Drawn(
            f"Does SNR tell {what}?",
            "The same runs, as the rise from chance to Bayes: against $SNR$, and against the excess loss $K$. What"
            " tells the score lines all noises and sizes up on one curve.",
            plot(capabilities.collapsed(frame), f"Rise in {what} against SNR and against K.", files=files[:1]),
        )
        yield Drawn(
            f"Sharp and smooth scores of {what}",
            "Left: the probability of what is right; right: whether the likeliest answer is right. A sharp score of a"
            " smooth probability rises over fewer decades.",
            plot(capabilities.side_by_side(frame), f"Smooth and sharp scores in {what} against SNR.", files=files[:1]),
        )
