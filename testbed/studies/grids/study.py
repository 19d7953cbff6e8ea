"""The question of loss, signal and capability over worlds and context lengths. Doors only; see the rooms."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from testbed.ground import catalog
from testbed.ground.options import Options
from testbed.ground.wording import offered, short
from testbed.stats.estimate import Estimate
from testbed.store import Store
from testbed.studies.grid import GridStudy
from testbed.studies.grids.asked import Asked
from testbed.study import Foresight, Stage
from testbed.terminal.plan import Planned
from testbed.verdict import Check, Claim

if TYPE_CHECKING:
    import pandas as pd

    from testbed.report.plots import Drawn
    from testbed.studies.grids.analysis import GridsAnalysis


class GridsStudy(Asked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__package__)):
    """One grid in each of several worlds or at each of several context lengths, and what is told across them."""

    tables = (
        *GridStudy.tables,
        *("planes.parquet", "contexts.parquet", "signals.parquet", "capabilities.parquet", "emergence.parquet"),
    )

    # What follows imports late, as judging must load no trainer, and a help text neither.
    def plan(self, options: Options) -> Sequence[Planned]:
        """Return the batches that will be trained; see `Study.plan`."""
        from testbed.studies.grid import stages

        return stages.ahead(self.planes, options)

    def stages(self) -> tuple[Stage, ...]:
        """Return truth, learning rates, grids, measures."""
        from testbed.studies.grid import stages

        return stages.stages(self.planes)

    def foresight(self, store: Store | None) -> Foresight:
        """Return what is expected of the grids: losses of pilots or of a guess, SNR and scores of a guess."""
        from testbed.studies.grids import foresight

        return foresight.foresight(self, store)

    @classmethod
    def estimates(cls) -> Mapping[str, Callable[..., Estimate | str]]:
        """Return the numbers that claims can be about: across planes, and those of a plain grid about one of them."""
        from testbed.studies.grids.estimates import OF_ALL, OF_ONE

        return {**GridStudy.estimates(), **OF_ALL, **OF_ONE}

    def analysis(self, store: Store) -> "GridsAnalysis":
        """Return the tables of every plane."""
        from testbed.studies.grids import finished

        return finished.analysis(self, store)

    def checks(self, analysis: "GridsAnalysis") -> Sequence[Check]:
        """Return the checks of a grid, over all planes."""
        from testbed.studies.grids.checks import checks

        return checks(analysis)

    def estimate(self, claim: Claim, analysis: Any) -> Estimate | str:
        """Return the number that a claim is about: of all planes, of a capability, or of the plane that it names."""
        from testbed.studies.grids.estimates import OF_ONE

        number = self.estimates()[claim.quantity]
        if claim.about is None:
            return number(analysis, claim.level)
        if claim.quantity in OF_ONE:
            return number(analysis, claim.about, claim.level)
        return number(analysis.plane(claim.about), claim.level)

    def check_claim(self, claim: Claim) -> None:
        """Refuse claims about numbers, planes or capabilities that the study does not have."""
        from testbed.studies.grids.estimates import OF_ALL, OF_ONE

        if claim.quantity in OF_ALL:
            super().check_claim(claim)
            return
        self.check_quantity(claim)
        capability = claim.quantity in OF_ONE
        known = self.capabilities if capability else [place.label for place in self.places]
        if claim.about not in known:
            what = "one capability of these worlds" if capability else "one plane"
            raise ValueError(
                f"claim {claim.id}: about={short(str(claim.about))!r}: {claim.quantity} is about {what};"
                f" {offered(str(claim.about), known)}."
            )

    def derived(self, analysis: "GridsAnalysis", checks: Sequence[Check]) -> "Mapping[str, pd.DataFrame]":
        """Return the tables of a grid over all planes, what tells the planes apart, and what a context is worth."""
        from testbed.studies.grids import finished

        return finished.derived(analysis)

    def figures(self, analysis: "GridsAnalysis", derived: "Mapping[str, pd.DataFrame]") -> "Sequence[Drawn]":
        """Return what is seen across planes."""
        from testbed.studies.grids import page

        return page.drawn(analysis, derived)
