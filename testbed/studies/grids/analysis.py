"""The tables of all planes of a run, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from testbed.stats.identified import NoInformation
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grids.asked import Asked
from testbed.studies.grids.places import Place

AXES = ("world", "sigma", "context")
"""The columns that every table of a plain grid gains."""


@dataclass(frozen=True)
class GridsAnalysis:
    """One analysis for each plane, in the order of the planes."""

    study: Asked
    planes: tuple[Analysis, ...]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where each plane stands."""
        return self.study.places

    def plane(self, label: str) -> Analysis:
        """Return the plane of a label."""
        return next(own for own, place in zip(self.planes, self.places, strict=True) if place.label == label)

    def measured(self, name: str) -> pd.DataFrame:
        """Return the table of a measure over all planes."""
        return together(self.places, [plane.measured.get(name, pd.DataFrame()) for plane in self.planes])


def together(places: Sequence[Place], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of planes as one, with columns that say which plane a row is of."""
    told = [table.assign(**place.columns) for place, table in zip(places, tables, strict=True) if len(table)]
    if not told:
        return pd.DataFrame(columns=[*AXES, *(tables[0].columns if tables else ())])
    frame = pd.concat(told, ignore_index=True)
    return frame[[*AXES, *(name for name in frame if name not in AXES)]]


def alone(analysis: GridsAnalysis, name: str) -> None:
    """Refuse an estimate along one axis of a run that has several values of another.

    Error: NoInformation that names the other axis.
    """
    for other, values in (("worlds", analysis.study.all_worlds), ("context lengths", analysis.study.all_contexts)):
        if other != name and len(values) > 1:
            raise NoInformation(f"the run has {len(values)} {other}: what is told along the {name} needs one of these.")
