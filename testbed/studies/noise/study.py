"""The question of noise against context length n: how a study is run and judged. Doors only; see the rooms."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from testbed.ground import catalog
from testbed.ground.options import Options
from testbed.ground.wording import offered, short
from testbed.stats.estimate import Estimate
from testbed.store import Store
from testbed.studies.noise.analysis import About, about
from testbed.studies.noise.asked import EARLIER, Asked
from testbed.study import Foresight, Stage
from testbed.terminal.plan import Planned
from testbed.verdict import Check, Claim

if TYPE_CHECKING:
    import pandas as pd

    from testbed.report.page import Frame
    from testbed.studies.noise.analysis import NoiseAnalysis

FITS = "fits.parquet"
"""What judging leaves."""


class NoiseStudy(Asked, frozen=True, kw_only=True, tag_field="kind", tag=catalog.tag(__package__)):
    """One question about the noise of hidden representations: arms, lengths, and the claims that are judged."""

    tables = (FITS,)

    # What follows imports late, as judging must load no trainer, and a help text neither.
    def plan(self, options: Options) -> Sequence[Planned]:
        """Return the batches that will be trained; refuse arms that are not what they say. See `Study.plan`."""
        from testbed.studies.noise import stages

        return stages.ahead(self, options)

    def earlier(self) -> Sequence[str]:
        """Return names of points in earlier versions; see `Study.earlier`."""
        return [point.named(*schemas) for point in self.points() for schemas in EARLIER.items()]

    def stages(self) -> tuple[Stage, ...]:
        """Return training, observing, comparing with theory."""
        from testbed.studies.noise import stages

        return stages.stages(self)

    def foresight(self, store: Store | None) -> Foresight:
        """Return what is expected of the study: theory's laws, with the scatter of a guess or of what was observed."""
        from testbed.studies.noise import foresight

        return foresight.foresight(self, store, subject)

    @classmethod
    def estimates(cls) -> Mapping[str, Callable[..., Estimate | str]]:
        """Return the numbers that claims can be about."""
        from testbed.studies.noise.estimates import ESTIMATES

        return ESTIMATES

    def analysis(self, store: Store) -> "NoiseAnalysis":
        """Return the tables of an observed study."""
        from testbed.studies.noise import finished

        return finished.analysis(self, store)

    def checks(self, analysis: Any) -> Sequence[Check]:
        """Return the checks of a study of noise."""
        from testbed.studies.noise.checks import checks

        return checks(analysis)

    def estimate(self, claim: Claim, analysis: Any) -> Estimate | str:
        """Return the number that a claim is about, of the observed vector that it names."""
        return self.estimates()[claim.quantity](analysis, subject(claim), claim.level)

    def check_claim(self, claim: Claim) -> None:
        """Refuse claims about numbers or observed vectors that the study does not have."""
        self.check_quantity(claim)
        where, arms = subject(claim), {arm.name: arm for arm in self.arms}
        if where.arm not in arms:
            raise ValueError(
                f"claim {claim.id}: the study has no arm {short(where.arm)!r}; {offered(where.arm, arms)}."
            )
        deepest = arms[where.arm].model.layers if arms[where.arm].deep else 1
        if where.layer > deepest:
            raise ValueError(
                f"claim {claim.id}: layer {where.layer} of {where.arm} is not observed, as the deepest is {deepest};"
                " make the arm deep, or claim something of another layer."
            )

    def derived(self, analysis: "NoiseAnalysis", checks: Sequence[Check]) -> "Mapping[str, pd.DataFrame]":
        """Return the fits of every observed vector."""
        from testbed.studies.noise.fits import fits
        from testbed.verdict import LEVEL

        return {FITS: fits(analysis, checks, level=LEVEL)}

    def page(self, frame: "Frame", analysis: "NoiseAnalysis", derived: "Mapping[str, pd.DataFrame]") -> str:
        """Return the page of a study of noise."""
        from testbed.studies.noise.page import content

        return content.render(content.page(frame, analysis, derived[FITS]))

    def picture(self, analysis: "NoiseAnalysis", derived: "Mapping[str, pd.DataFrame]") -> str:
        """Return T against n of all arms as SVG."""
        from testbed.studies.noise.page.picture import picture

        return picture(analysis.levels, derived[FITS], analysis.arms)


def subject(claim: Claim) -> About:
    """Return the observed vector that a claim is about.

    Error: ValueError if it names none.
    """
    if claim.about is None:
        raise ValueError(f"claim {claim.id}: it is about no arm; give about='ARM', or arm/layer/part/given.")
    return about(claim.about)
