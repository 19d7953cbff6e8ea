"""The page of a study of noise: verdicts, the overview of the assumptions, figures, every number, what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from testbed.report.page import Frame
from testbed.report.plots import Drawn, plot
from testbed.report.template import filled
from testbed.studies.noise.analysis import NoiseAnalysis
from testbed.studies.noise.page import forest, tables
from testbed.studies.noise.page.overview import overview, place
from testbed.studies.noise.page.sections import Grouped, sections
from testbed.studies.noise.page.view import COLUMNS, GROUPS, Subject, completed, subjects

OPEN_ROWS = 12
"""Arms up to which the overview is open."""


@dataclass(frozen=True, kw_only=True)
class NoisePage(Frame):
    """All that the page of a study of noise shows, as plain data.

    A verdict is ``about`` None or arm/layer/part/given; the tables have the columns of ``view.COLUMNS``, NaN where a
    number is absent (those without rows need none), and ``trained`` those of ``tables.TRAINED``.

    Error: ValueError for a table that lacks a column or names an arm that ``arms`` does not describe.
    """

    arms: pd.DataFrame
    levels: pd.DataFrame
    fits: pd.DataFrame
    shapes: pd.DataFrame
    joint: pd.DataFrame
    assumed: pd.DataFrame
    trained: pd.DataFrame

    def __post_init__(self) -> None:
        for name, table in completed({name: getattr(self, name) for name in COLUMNS}).items():
            object.__setattr__(self, name, table)


def page(frame: Frame, analysis: NoiseAnalysis, fits: pd.DataFrame) -> NoisePage:
    """Return the page of a study of noise."""
    diverged = int((analysis.trained["status"] != "finished").sum()) if len(analysis.trained) else 0
    lost = {"models that diverged in training, whose points are missing": diverged}
    return NoisePage(
        **vars(frame) | {"dropped": lost | dict(frame.dropped)},
        arms=analysis.arms,
        levels=analysis.levels,
        fits=fits,
        shapes=analysis.shapes,
        joint=analysis.joint,
        assumed=analysis.assumed,
        trained=analysis.trained,
    )


def render(page: NoisePage) -> str:
    """Return the page as HTML: every text escaped, the plotting script inlined once, nothing loaded from elsewhere."""
    grouped = subjects(page.arms, page.levels, page.shapes, page.fits)
    anchors = {subject.arm: f"arm-{number}" for number, subject in enumerate(_flat(grouped), start=1)}
    flat = _flat(grouped)
    shapes, joint, tests, rejected = tables.adjusted(page.shapes, page.joint)
    return filled(
        "noise.html",
        page,
        folder="testbed.studies.noise.page",
        anchors=anchors,
        main=_main(flat, page.fits),
        groups=forest.key(flat),
        open_rows=OPEN_ROWS,
        places=_places(page.ledger, anchors),
        overview=[
            (GROUPS[dropped], [overview(subject, page.fits, page.shapes) for subject in group])
            for dropped, group in grouped.items()
        ],
        described=[subject.described for subject in flat],
        sections=sections(grouped, page.levels, page.fits, page.shapes),
        tables=[
            tables.fitted(page.fits),
            tables.measured(page.levels, list(anchors)),
            tables.tests(shapes, list(anchors), tests, rejected),
            tables.joint_tests(joint, list(anchors)),
            tables.assumptions(page.assumed, list(anchors)),
            *([tables.trained(page.trained)] if len(page.trained) else []),
        ],
    )


def _main(found: Sequence[Subject], fits: pd.DataFrame) -> Drawn | None:
    """Return the figure that answers: the exponent of every arm; None where there is no arm."""
    if not found:
        return None
    rows = forest.rows(found, fits)
    caption = (
        "The noise falls as $n^{−α}$; shown is the measured $α$ over the claimed one, 1 for $T$ and $½$ for an "
        "interquartile range, with its 95 % interval. At 1 the law holds as the theorem has it (shaded: within 0.05), "
        "at 0 noise does not fall. An open arrow goes on beyond the axis; a row without a mark has no exponent."
    )
    drawn = plot(forest.forest(rows), forest.told(rows), files=("fits.parquet", "arms.parquet"))
    return Drawn("How fast noise falls", caption, drawn)


def _flat(grouped: Grouped) -> list[Any]:
    return [subject for group in grouped.values() for subject in group]


def _places(ledger: Sequence[Mapping[str, Any]], anchors: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return for what a verdict is about, an arm or arm/layer/part/given: where its panel is, and the rest in words."""
    found = {}
    for about in {line.get("about") or "" for line in ledger}:
        arm, *rest = (about,) if about in anchors else about.rsplit("/", 3)
        if arm in anchors and len(rest) in (0, 3):
            words = ["", *place(*rest)] if rest else []
            found[about] = {"arm": arm, "anchor": anchors[arm], "rest": ", ".join(words)}
    return found
