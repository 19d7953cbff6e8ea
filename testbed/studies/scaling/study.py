"""The question of what fitted scaling laws are worth: how a study is run and judged. Doors only; see the rooms."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from testbed.ground import catalog
from testbed.ground.wording import offered, short
from testbed.stats.estimate import Estimate
from testbed.store import Store
from testbed.studies.scaling.asked import ABOUT, Asked
from testbed.study import Stage
from testbed.verdict import LEVEL, Check, Claim

if TYPE_CHECKING:
    import pandas as pd

    from testbed.report.plots import Drawn
    from testbed.studies.scaling.analysis import ScalingAnalysis


class ScalingStudy(Asked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__package__)):
    """Scaling laws fitted to the losses of a finished grid, E free, pinned to the truth, or wrong; trains nothing."""

    tables = ("fits.parquet", "residuals.parquet")

    # What follows imports late, as a help text must load no fits.
    def looked_up(self) -> "ScalingStudy":
        """Return the study with the digest of its grid's losses; see `Study.looked_up`.

        Error: ValueError too if the grid has too few cells for a claim that is not exploratory.
        """
        from testbed.studies.scaling import cells, enough

        losses, world = cells.read(self.grid)
        cells.check_same(self.grid, self.cells_sha256, world)
        enough.check(self, losses)
        return msgspec.structs.replace(self, cells_sha256=world.cells_sha256)

    def stages(self) -> tuple[Stage, ...]:
        """Return reading the grid, simulating."""
        from testbed.studies.scaling import stages

        return stages.stages(self)

    @classmethod
    def estimates(cls) -> Mapping[str, Callable[..., Estimate | str]]:
        """Return the numbers that claims can be about; some are about one assumption, which a claim names in about."""
        from testbed.studies.scaling.estimates import OF_ALL, OF_ONE

        return {**OF_ALL, **OF_ONE}

    def analysis(self, store: Store) -> "ScalingAnalysis":
        """Return the losses, the world and the simulations."""
        from testbed.studies.scaling import finished

        return finished.analysis(self, store)

    def checks(self, analysis: "ScalingAnalysis") -> Sequence[Check]:
        """Return the checks: those of the grid, and the simulations."""
        from testbed.studies.scaling.checks import checks

        return checks(analysis)

    def estimate(self, claim: Claim, analysis: Any) -> Estimate | str:
        """Return the number that a claim is about, under the assumption that it names."""
        number = self.estimates()[claim.quantity]
        return number(analysis, claim.level) if claim.about is None else number(analysis, claim.about, claim.level)

    def check_claim(self, claim: Claim) -> None:
        """Refuse claims about numbers or assumptions that the study does not have."""
        from testbed.studies.scaling.estimates import OF_ONE

        if claim.quantity not in OF_ONE:
            super().check_claim(claim)
        elif claim.about not in ABOUT:
            raise ValueError(
                f"claim {claim.id}: about={short(str(claim.about))!r}: {claim.quantity} is about what is assumed of E;"
                f" {offered(str(claim.about), ABOUT)}."
            )

    def derived(self, analysis: "ScalingAnalysis", checks: Sequence[Check]) -> "Mapping[str, pd.DataFrame]":
        """Return the fits under every assumption, and the residuals."""
        from testbed.studies.scaling import finished

        return finished.derived(analysis, level=LEVEL)

    def figures(self, analysis: "ScalingAnalysis", derived: "Mapping[str, pd.DataFrame]") -> "Sequence[Drawn]":
        """Return fitted curves, residuals, simulated estimates of E, and errors of forecasts."""
        from testbed.studies.scaling import page

        return page.drawn(analysis, derived)
