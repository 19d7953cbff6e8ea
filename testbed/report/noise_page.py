"""The page of a study of noise: verdicts, the overview of the assumptions, figures, every number, what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from testbed.report import noise_forest, noise_tables
from testbed.report.drawn import Drawn
from testbed.report.noise_overview import overview, place
from testbed.report.noise_sections import Grouped, sections
from testbed.report.noise_view import COLUMNS, GROUPS, Subject, completed, subjects
from testbed.report.plots import plot
from testbed.report.template import filled

OPEN_ROWS = 12
"""Arms up to which the overview is open."""


@dataclass(frozen=True)
class NoisePage:
    """All that the page of a study of noise shows, as plain data.

    ``ledger`` holds one mapping per verdict (the fields of ``testbed.verdict.Verdict``, and ``about``: None or
    arm/layer/part/given), ``checks`` name, passed and sentence; the tables have the columns of ``noise_view.COLUMNS``,
    NaN where a number is absent (those without rows need none), and ``trained`` those of ``noise_tables.TRAINED``;
    ``dropped`` counts what was left out, by reason.

    Error: ValueError for a table that lacks a column or names an arm that ``arms`` does not describe.
    """

    title: str
    question: str
    ledger: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    arms: pd.DataFrame
    levels: pd.DataFrame
    fits: pd.DataFrame
    shapes: pd.DataFrame
    joint: pd.DataFrame
    assumed: pd.DataFrame
    trained: pd.DataFrame
    dropped: Mapping[str, int]
    spec: str
    provenance: Mapping[str, str]

    def __post_init__(self) -> None:
        for name, table in completed({name: getattr(self, name) for name in COLUMNS}).items():
            object.__setattr__(self, name, table)


def render(page: NoisePage) -> str:
    """Return the page as HTML: every text escaped, the plotting script inlined once, nothing loaded from elsewhere."""
    grouped = subjects(page.arms, page.levels, page.shapes, page.fits)
    anchors = {subject.arm: f"arm-{number}" for number, subject in enumerate(_flat(grouped), start=1)}
    flat = _flat(grouped)
    shapes, joint, tests, rejected = noise_tables.adjusted(page.shapes, page.joint)
    return filled(
        "noise.html",
        page,
        anchors=anchors,
        main=_main(flat, page.fits),
        groups=noise_forest.key(flat),
        open_rows=OPEN_ROWS,
        places=_places(page.ledger, anchors),
        overview=[
            (GROUPS[dropped], [overview(subject, page.fits, page.shapes) for subject in group])
            for dropped, group in grouped.items()
        ],
        described=[subject.described for subject in flat],
        sections=sections(grouped, page.levels, page.fits, page.shapes),
        tables=[
            noise_tables.fitted(page.fits),
            noise_tables.measured(page.levels, list(anchors)),
            noise_tables.tests(shapes, list(anchors), tests, rejected),
            noise_tables.joint_tests(joint, list(anchors)),
            noise_tables.assumptions(page.assumed, list(anchors)),
            *([noise_tables.trained(page.trained)] if len(page.trained) else []),
        ],
    )


def _main(found: Sequence[Subject], fits: pd.DataFrame) -> Drawn | None:
    """Return the figure that answers: the exponent of every arm; None where there is no arm."""
    if not found:
        return None
    rows = noise_forest.rows(found, fits)
    caption = (
        "The noise falls as $n^{−α}$; shown is the measured $α$ over the claimed one, 1 for $T$ and $½$ for an "
        "interquartile range, with its 95 % interval. At 1 the law holds as the theorem has it (shaded: within 0.05), "
        "at 0 noise does not fall. An open arrow goes on beyond the axis; a row without a mark has no exponent."
    )
    drawn = plot(noise_forest.forest(rows), noise_forest.told(rows), files=("fits.parquet", "arms.parquet"))
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
