"""The figures of a study of noise: sections of small panels, grouped by the assumption that is dropped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from testbed.report.plots import Plot, plot
from testbed.report.template import figure
from testbed.studies.noise.page import figures
from testbed.studies.noise.page import shapes as shape_figures
from testbed.studies.noise.page.curves import curves, ends, steepness
from testbed.studies.noise.page.overview import fitted, place, sloped, verdict, within
from testbed.studies.noise.page.view import GROUPS, Subject
from testbed.studies.noise.page.words import DECAY, DISTANCES, EFFECTIVE, LAYERS, QUANTILES, Words

Grouped = Mapping[str, Sequence[Subject]]


class Panel(NamedTuple):
    """A small figure (None where there is nothing to draw), its name, the numbers beside it, its colours.

    ``word`` is the verdict on 1/n; ``leads`` marks the first panel of an arm in a section.
    """

    heading: str
    lines: Sequence[str]
    plot: Plot | None
    swatches: Sequence[tuple[str, str]] = ()
    word: str = ""
    arm: str = ""
    leads: bool = False


class Section(NamedTuple):
    """What is shown and how to read it, and panels in groups."""

    words: Words
    groups: Sequence[tuple[tuple[str, str], Sequence[Panel]]]


def sections(grouped: Grouped, levels: pd.DataFrame, fits: pd.DataFrame, shapes: pd.DataFrame) -> list[Section]:
    """Return all figures, in the order of the page."""
    found = [
        _decay(grouped, levels, fits, shapes),
        _distances(grouped, fits, shapes),
        _quantiles(grouped, shapes),
        _effective(grouped, levels),
        _layers(grouped, levels, fits),
    ]
    return [section for section in found if section.groups]


def _each(grouped: Grouped, draw: Any) -> list[tuple[tuple[str, str], list[Panel]]]:
    """Return the panels that ``draw`` makes of each arm, by group."""
    found = [(GROUPS[dropped], [panel for one in group for panel in draw(one)]) for dropped, group in grouped.items()]
    return [(heading, drawn) for heading, drawn in found if drawn]


def _decay(grouped: Grouped, levels: pd.DataFrame, fits: pd.DataFrame, shapes: pd.DataFrame) -> Section:
    drawn = {
        (subject.arm, measure): curves(subject, levels, shapes, measure)
        for group in grouped.values()
        for subject in group
        for measure in dict.fromkeys(("variance", subject.measure))
    }
    steep = steepness(list(drawn.values()))

    def panel(subject: Subject) -> Iterator[Panel]:
        for measure in dict.fromkeys(("variance", subject.measure)):
            fit, own = subject.fit(fits, measure), drawn[subject.arm, measure]
            known = bool(np.isfinite(own.loc[own["given"] == subject.given, "predicted"]).any())
            lines, leads = _slope_lines(subject, fit, measure, known), measure == "variance"
            draw = partial(figures.decay, subject, own, fit, steep, measure)
            yield Panel(
                subject.arm,
                lines,
                _plot(DECAY, subject, lines, draw if len(own) else None),
                word=verdict(fit),
                arm=subject.arm,
                leads=leads,
            )

    return Section(DECAY, _each(grouped, panel))


def _plot(words: Words, subject: Subject, lines: Sequence[str], draw: Callable[[], Any] | None) -> Plot | None:
    """Return what is drawn of an arm, if anything, with the lines beside it as its words."""
    return plot(draw(), f"{words.heading}: {subject.arm}; {'; '.join(lines)}.") if draw else None


def _slope_lines(subject: Subject, fit: Any, measure: str, known: bool) -> list[str]:
    """Return where a panel looks, and its slope beside the predicted one."""
    where = f"{subject.part}, layer {subject.layer}" + (f": {measure}" if measure != "variance" else "")
    slope = f"slope {' '.join(sloped(fit, 'slope'))}".strip() if fitted(fit) else "no slope was fitted"
    predicted = subject.described.predicted_slope if measure == subject.measure else np.nan
    if np.isfinite(predicted):
        return [where, slope, f"predicted slope {figure(predicted)}"]
    if measure != subject.measure:
        return [where, slope, f"theory is about the {subject.measure}"]
    return [where, slope, "predicted T is no power law" if known else "nothing is predicted"]


def _distances(grouped: Grouped, fits: pd.DataFrame, shapes: pd.DataFrame) -> Section:
    low, high = shape_figures.distance_ends(shapes)

    def panel(subject: Subject) -> Iterator[Panel]:
        fit = subject.fit(fits)
        rate = "–" if fit is None or np.isnan(fit.rate) else within(fit, "rate")
        seen = subject.rows(shapes)["distance"].notna().any()
        lines = [f"predicted limit: {subject.described.predicted_limit}", f"falls as n^−r with r = {rate}"]
        draw = partial(shape_figures.distances, subject, shapes, low, high) if seen else None
        yield Panel(subject.arm, lines, _plot(DISTANCES, subject, lines, draw))

    return Section(DISTANCES, _each(grouped, panel))


def _quantiles(grouped: Grouped, shapes: pd.DataFrame) -> Section:
    def panel(subject: Subject) -> Iterator[Panel]:
        chosen = shape_figures.worst(subject, shapes)
        at = " and ".join(f"n = {n}" for n in chosen["length"])
        lines = [f"predicted limit: {subject.described.predicted_limit}"]
        lines += [f"direction {chosen['direction'].iloc[0]}, {at}"] if len(chosen) else []
        draw = partial(shape_figures.quantiles, subject, chosen) if len(chosen) else None
        yield Panel(subject.arm, lines, _plot(QUANTILES, subject, lines, draw))

    return Section(QUANTILES, _each(grouped, panel))


def _effective(grouped: Grouped, levels: pd.DataFrame) -> Section:
    found = []
    for dropped, group in grouped.items():
        seen = [subject for subject in group if (subject.rows(levels)["effective"] > 0).any()]
        names = [(colour, subject.arm) for subject, colour in zip(seen, shape_figures.arm_colours(seen), strict=True)]
        if seen:
            alt = f"{EFFECTIVE.heading}: {', '.join(name for _, name in names)}."
            drawn = plot(shape_figures.effective(seen, levels), alt)
            found.append(Panel(GROUPS[dropped][0], [], drawn, names))
    return Section(EFFECTIVE, [(("", ""), found)] if found else [])


def _layers(grouped: Grouped, levels: pd.DataFrame, fits: pd.DataFrame) -> Section:
    def panel(subject: Subject) -> Iterator[Panel]:
        own = levels[(levels["arm"] == subject.arm) & (levels["given"] == subject.given) & (levels["variance"] > 0)]
        if own["layer"].nunique() < 2:
            return
        low, high = ends(own.rename(columns={"variance": "value"}), 1.0)
        colours = figures.layer_colours(own)
        for part, one in own.groupby("part", sort=False):
            names = [
                (colours[layer], _layer_slope(subject, fits, layer, str(part))) for layer in sorted(set(one["layer"]))
            ]
            alt = f"{LAYERS.heading}: {subject.arm}, {part}; {', '.join(name for _, name in names)}."
            drawn = plot(figures.layers(one, colours, low, high), alt)
            yield Panel(f"{subject.arm}: {part}", [place(1, "", subject.given)[2]], drawn, names)

    return Section(LAYERS, _each(grouped, panel))


def _layer_slope(subject: Subject, fits: pd.DataFrame, layer: int, part: str) -> str:
    other = subject._replace(layer=layer, part=part).fit(fits, "variance")
    return f"layer {layer}" + (f": slope {' '.join(sloped(other, 'slope'))}" if fitted(other) else "")
