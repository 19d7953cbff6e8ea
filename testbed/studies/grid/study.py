"""The question of loss against parameters P and tokens D: how a grid is run and judged. Doors only; see the rooms."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from testbed.ground import catalog
from testbed.ground.options import Options
from testbed.stats.estimate import Estimate
from testbed.store import Store
from testbed.studies.grid.asked import Asked, Plane
from testbed.study import Foresight, Stage
from testbed.terminal.plan import Planned
from testbed.verdict import Check

if TYPE_CHECKING:
    import pandas as pd

    from testbed.report.page import Frame
    from testbed.studies.grid.analysis import Analysis

CELLS, ESTIMATES, LOSS_PARTS = "cells.parquet", "estimates.parquet", "loss_parts.parquet"
CURVES, COMPUTE = "learning_curves.parquet", "compute.parquet"
"""What judging leaves."""


class GridStudy(Asked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__package__)):
    """One question: a world, a family of models, a grid over it, and the claims that it judges."""

    tables = (CELLS, CURVES, COMPUTE, ESTIMATES, LOSS_PARTS, "diagnostics.parquet")

    # What follows imports late, as judging must load no trainer, and a help text neither.
    def plan(self, options: Options) -> Sequence[Planned]:
        """Return the batches that will be trained; see `Study.plan`."""
        from testbed.studies.grid import stages

        return stages.ahead([Plane(self)], options)

    def earlier(self) -> Sequence[str]:
        """Return names of cells in earlier versions; see `Study.earlier`."""
        from testbed.studies.grid import cells

        return cells.earlier(self)

    def stages(self) -> tuple[Stage, ...]:
        """Return truth, learning rates, grid, measures."""
        from testbed.studies.grid import stages

        return stages.stages([Plane(self)])

    def foresight(self, store: Store | None) -> Foresight:
        """Return what is expected of the grid: what its pilots tell once all have run, or a guess."""
        from testbed.studies.grid import foresight

        return foresight.foresight(self, store)

    @classmethod
    def estimates(cls) -> Mapping[str, Callable[["Analysis", float], Estimate | str]]:
        """Return the numbers that claims can be about: the general ones, and those of each measure."""
        from testbed.studies.grid.estimates import ESTIMATES
        from testbed.studies.grid.measures import measures

        found = dict(ESTIMATES)
        for name, measure in measures().items():
            for quantity, number in measure.estimates.items():
                if quantity in found:
                    raise ValueError(f"measure {name}: {quantity} is another estimate already; rename the measure's.")
                found[quantity] = number
        return found

    def analysis(self, store: Store) -> "Analysis":
        """Return the tables of a finished grid."""
        from testbed.studies.grid import finished

        return finished.analysis(self, store)

    def checks(self, analysis: "Analysis") -> Sequence[Check]:
        """Return the checks of a grid."""
        from testbed.studies.grid import cells
        from testbed.studies.grid.checks import checks

        return checks(analysis, expected=cells.planned(self, analysis.cells))

    def derived(self, analysis: "Analysis", checks: Sequence[Check]) -> "Mapping[str, pd.DataFrame]":
        """Return every cell and evaluated step, K against compute, every estimate, and the parts of every loss."""
        from testbed.studies.grid import finished

        return finished.derived(analysis)

    def page(self, frame: "Frame", analysis: "Analysis", derived: "Mapping[str, pd.DataFrame]") -> str:
        """Return the page of a grid."""
        from testbed.studies.grid.page import content

        return content.render(content.page(frame, analysis, derived))

    def picture(self, analysis: "Analysis", derived: "Mapping[str, pd.DataFrame]") -> str:
        """Return K against D, and the parts of the loss, as SVG."""
        from testbed.studies.grid.page.picture import picture

        return picture(derived[ESTIMATES], derived[LOSS_PARTS])
