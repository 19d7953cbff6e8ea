"""Claims declared before a run, and the verdicts their estimates earn."""

import functools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from testbed.ground.checked import Checked, check_name
from testbed.stats.estimate import Estimate, check_level
from testbed.verdict.forecast import Forecast

Word = Literal["supported", "refuted", "undecided", "invalid"]
Standing = Literal["before the run", "after the run", "declaration missing"]
Kind = Literal["paper", "instrument"]
"""What a claim is of: the paper, or the testbed itself, where it is true by construction."""

LEVEL = 0.95
"""Level of the intervals in tables and figures; each claim has its own."""
DIVERGED = 0.1
"""Share of the models that may diverge in training."""
CLOSE = 0.9
"""Share of what may pass from which on a check is near its limit."""
NEAR = "near its limit"


class Claim(Checked, frozen=True, kw_only=True, omit_defaults=True):
    """A sentence, the estimate it is about, and the region in which it is true, ends included unless it is strict.

    An end that is None is endless.
    """

    id: str
    """Its name."""
    sentence: str
    """What is claimed, in words."""
    section: str
    """Where: a section of the paper, or a heading."""
    quantity: str
    """The estimate that it is about; `testbed list` names them."""
    low: float | None
    """Lower end of the region in which it is true; None if endless."""
    high: float | None
    """Upper end of that region; None if endless."""
    level: float
    """Level of the interval that judges it, e.g. 0.95."""
    about: str | None = None
    """Which part of the run the estimate is about, where there are several: arm/layer/part/given."""
    kind: Kind = "paper"
    """Whether the paper claims it, or it checks the instrument; those without a kind say so in their section."""
    exploratory: bool = False
    """Whether it is declared though its design may never decide it; others that are never decided are not run."""
    strict: bool = False
    """Whether the ends of the region lie outside of it: what falls takes steps below 0, and one of 0 is no fall."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "kind", _kind(self.kind, self.section))
        for name in ("id", "sentence", "quantity"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty; a claim names itself, its sentence and its estimate.")
        check_name("claim", self.id)
        check_level(self.level)
        low, high = self.region
        if math.isnan(low) or math.isnan(high) or low >= high:
            raise ValueError(
                f"claim {self.id}: region [{low}, {high}] must have low < high; give None for an endless end."
            )
        if math.isinf(low) and math.isinf(high):
            raise ValueError(
                f"claim {self.id}: a region without ends cannot be refuted; give low, high or both as a number."
            )

    @property
    def region(self) -> tuple[float, float]:
        """The region's ends, infinite where none is declared."""
        return -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high

    @property
    def inside(self) -> tuple[float, float]:
        """The least and the greatest number in which it is true: of a strict region, the floats next to its ends."""
        low, high = self.region
        if self.strict:
            low = low if math.isinf(low) else math.nextafter(low, math.inf)
            high = high if math.isinf(high) else math.nextafter(high, -math.inf)
        return low, high


class Declared(NamedTuple):
    """How a claim stands to the data it is judged by."""

    standing: Standing
    """Declared before or after the first part; or nothing is left that tells."""
    at: str | None = None
    """When, in UTC; None where that is not known."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one precondition of judging held, and the sentence that says what was found."""

    name: str
    passed: bool
    sentence: str
    edge: str = ""
    """What to say in the place of "passed" where the finding touches a limit, or is told without being judged."""


def near(found: float | int, limit: float | int) -> str:
    """Return "near its limit" for what passed but used more than nine tenths of what may pass, else nothing.

    >>> near(5.9, 6.0), near(0.0, 0.0)
    ('near its limit', '')
    """
    return NEAR if 0 < CLOSE * limit <= found <= limit else ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the ledger.

    Numbers are None where there was no estimate, ends infinite where nothing bounds them; JSON writes null for both.
    """

    id: str
    """Of the claim."""
    sentence: str
    """Of the claim."""
    section: str
    """Of the claim."""
    quantity: str
    """The estimate that judged it."""
    estimate: float | None
    """Its value."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of its interval."""
    level: float
    """Level of the interval."""
    region: tuple[float | None, float | None]
    """Where the claim is true."""
    verdict: Word
    """The word."""
    n: int | None
    """Independent units behind the interval."""
    method: str
    """How the interval was made."""
    reason: str
    """Why the word, in a sentence."""
    declared: Standing
    """How the claim stands to the data."""
    about: str | None = None
    """The part of the run that it is about."""
    declared_at: str | None = None
    """When the claim was declared, in UTC; None where that is not known."""
    kind: Kind = "paper"
    """Whether it is of the paper, or of the instrument."""
    exploratory: bool = False
    """Whether it was declared though its design may never decide it."""
    strict: bool = False
    """Whether the ends of the region are outside of it."""
    forecast: Forecast | None = None
    """What the design could decide, as it was told before the run; None where it was not."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "kind", _kind(self.kind, self.section))


def judge(
    claim: Claim,
    found: Estimate | str,
    checks: Sequence[Check],
    *,
    declared: Declared = Declared("before the run"),  # noqa: B008 - immutable
    forecast: Forecast | None = None,
) -> Verdict:
    """Return the verdict on a claim.

    supported: the whole interval lies in the region. refuted: the whole interval lies outside. undecided: neither.
    invalid: a check of the run failed, or the estimate is a sentence that says why there is none. ``declared`` tells
    whether the claim stood before the run; one that came after the data is judged all the same, and marked;
    ``forecast`` what was told of it then, and is kept with the verdict.

    Error: an interval that covers at its level makes at most 1 − level of all supported or refuted verdicts wrong, for
    a true value on the region's edge.
    """
    verdict = functools.partial(_verdict, claim, declared, forecast)
    failed = [check.sentence for check in checks if not check.passed]
    if isinstance(found, str):
        return verdict(None, "invalid", f"There is no estimate: {found}")
    if found.level != claim.level:
        raise ValueError(
            f"claim {claim.id} asks for level {claim.level}, its estimate has {found.level}; make it at the claim's."
        )
    if failed:
        return verdict(found, "invalid", "The run failed a check: " + " ".join(failed))
    low, high = claim.inside
    interval = f"{100 * found.level:.4g} % interval {span(found.low, found.high)}"
    region = span(*claim.region, strict=claim.strict)
    if low <= found.low and found.high <= high:
        return verdict(found, "supported", f"All of the {interval} lies in the declared region {region}.")
    if found.high < low or found.low > high:
        return verdict(found, "refuted", f"All of the {interval} lies outside the declared region {region}.")
    return verdict(
        found, "undecided", f"The {interval} lies partly in the declared region {region} and partly outside."
    )


def span(low: float, high: float, *, strict: bool = False) -> str:
    """Return an interval as it is written, four figures to each end; a strict one is without its ends.

    >>> span(-0.5, math.inf), span(-math.inf, 0.0, strict=True)
    ('[−0.5, ∞)', '(−∞, 0)')
    """
    opened, closed = "()" if strict else "[]"
    left = "(−∞" if math.isinf(low) else f"{opened}{low:.4g}"
    right = "∞)" if math.isinf(high) else f"{high:.4g}{closed}"
    return f"{left}, {right}".replace("-", "−")


def _verdict(
    claim: Claim, declared: Declared, forecast: Forecast | None, found: Estimate | None, word: Word, reason: str
) -> Verdict:
    return Verdict(
        id=claim.id,
        sentence=claim.sentence,
        section=claim.section,
        quantity=claim.quantity,
        estimate=found.value if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        level=claim.level,
        region=(claim.low, claim.high),
        verdict=word,
        n=found.n if found else None,
        method=found.method if found else "none",
        reason=reason,
        declared=declared.standing,
        about=claim.about,
        declared_at=declared.at,
        kind=claim.kind,
        exploratory=claim.exploratory,
        strict=claim.strict,
        forecast=forecast,
    )


def _kind(kind: Kind, section: str) -> Kind:
    """Return the kind of a claim; those made before claims had a kind name the instrument in their section."""
    return "instrument" if section.startswith("instrument:") else kind
