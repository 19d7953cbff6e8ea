"""The contract of a question: what is asked as one frozen value, the stages that answer it, and how it is judged.

A kind of question is a file or a folder of ``testbed.studies``, with a class that is called after it (``grid`` has
`GridStudy`). A run is its stages; a stage is the tasks that the store still lacks, so that resuming is asking again.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import msgspec

from testbed.ground import catalog, reading
from testbed.ground.checked import Checked, check_name
from testbed.ground.options import Options
from testbed.ground.rules import require
from testbed.ground.wording import offered, short
from testbed.stats.estimate import Estimate
from testbed.store import Store
from testbed.terminal.display import Display
from testbed.terminal.plan import Planned
from testbed.verdict import Check, Claim
from testbed.verdict.forecast import Places

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from testbed.report.page import Frame
    from testbed.report.plots import Drawn

SHELF = "testbed.studies"
"""Where kinds of questions are found, by the name of their file or folder."""


@runtime_checkable
class Task(Protocol):
    """A piece of work, safe to run twice, or half, or in another process: what it yields stands in the store, whole."""

    @property
    def digest(self) -> str:
        """What tells it from other tasks of its run."""

    @property
    def words(self) -> str:
        """What it is, in a few words."""

    @property
    def work(self) -> float:
        """About what it costs, in the unit of its stage."""

    def run(self, store: Store, options: Options, shown: Display) -> None:
        """Do it; ``shown`` hears of ``work`` in all."""


class Stage(NamedTuple):
    """Tasks that may run in any order, once those of the stages before are done."""

    name: str
    """What is done in it, as a participle: training, observing."""
    lacking: Callable[[Store, Options], Sequence[Task]]
    """The tasks whose results the store lacks; none when the stage is over."""
    telling: bool = False
    """Whether what it leaves tells better than a guess what the claims can decide."""


class Planted(NamedTuple):
    """Where the truth that a claim is about can be put, and how a finished run is drawn in which it is there."""

    places: Places
    draw: "Callable[[float, np.random.Generator], Any]"
    """Returns an analysis, as of a finished run, in which the claim's number truly has the value."""


class Foresight(NamedTuple):
    """What is expected of a run before it is one, so that runs like it can be drawn."""

    basis: str
    """What the expectation rests on."""
    planted: Callable[[Claim], Planted | str]
    """Returns how a claim's number is planted, or the sentence that says why it cannot be."""
    cost: float
    """About the work of the whole run, in a unit of its kind."""
    knobs: "Mapping[str, Callable[[], Foresight]]" = {}  # noqa: RUF012 - never changed
    """What to turn so that the run tells more, one at a time; each gives what is expected then."""


class Study(Checked, frozen=True, kw_only=True):
    """A question as one value: equal questions give equal runs."""

    name: str
    """Name of the experiment."""
    question: str
    """What it asks, in a sentence."""
    seed: int = 0
    """Root of every random stream."""
    claims: tuple[Claim, ...] = ()
    """Judged at the end; they take no part in the identity of the runs."""

    tables: ClassVar[tuple[str, ...]] = ()
    """The tables that judging leaves, beside verdicts, checks and page: Parquet files, each with the same as CSV."""

    def __post_init__(self) -> None:
        """Refuse names, seeds and claims that cannot be."""
        check_name("name", self.name)
        require(0 <= self.seed < 2**32, "seed", self.seed, "a whole number in [0, 2^32)", "e.g. 0")
        ids = [claim.id for claim in self.claims]
        require(len(ids) == len(set(ids)), "claims", ids, "each id once", "rename one")

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share to share an output folder: everything but words, claims and guess."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {name: fields[name] for name in fields if name not in ("name", "question", "claims", "guess")}

    def looked_up(self) -> "Study":
        """Return the question with what it names outside of itself looked up, as its identity needs it; itself if none.

        Error: ValueError if what it names is not there, or not what it should be.
        """
        return self

    def plan(self, options: Options) -> Sequence[Planned]:
        """Return the training that is ahead; refuse what cannot be done on this machine, before any of it is.

        Error: ValueError with a remedy.
        """
        return ()

    def earlier(self) -> Sequence[str]:
        """Return the names of parts that an earlier version would have left, and which this one does not go on with."""
        return ()

    @abc.abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """Return the stages, in order."""

    @classmethod
    @abc.abstractmethod
    def estimates(cls) -> Mapping[str, Callable[..., Estimate | str]]:
        """Return the numbers that claims can be about, by name."""

    def foresight(self, store: Store | None) -> Foresight | None:
        """Return what is expected of a run, from what a store tells already or from a guess; None if nothing is."""
        return None

    @abc.abstractmethod
    def analysis(self, store: Store) -> Any:
        """Return the tables of a finished run, ready to be asked; it needs no model and no trainer.

        Error: StoreError if the run is not finished, or damaged.
        """

    @abc.abstractmethod
    def checks(self, analysis: Any) -> Sequence[Check]:
        """Return what must hold before any claim may be judged."""

    def estimate(self, claim: Claim, analysis: Any) -> Estimate | str:
        """Return the number that a claim is about, or the sentence that says why there is none."""
        return self.estimates()[claim.quantity](analysis, claim.level)

    def check_claim(self, claim: Claim) -> None:
        """Refuse a claim about what this question does not have.

        Error: ValueError that names the claim and lists what is known.
        """
        self.check_quantity(claim)
        if claim.about is not None:
            raise ValueError(
                f"claim {claim.id}: about={short(claim.about)!r}: estimates of a {self.kind} study are about all of it;"
                " leave about out."
            )

    def check_quantity(self, claim: Claim) -> None:
        """Refuse a claim about a number that this question does not have."""
        known = self.estimates()
        if claim.quantity not in known:
            raise ValueError(
                f"claim {claim.id}: its quantity {short(claim.quantity)!r} is unknown; "
                f"{offered(claim.quantity, known)}; `testbed list` tells what each is."
            )

    @abc.abstractmethod
    def derived(self, analysis: Any, checks: Sequence[Check]) -> "Mapping[str, pd.DataFrame]":
        """Return the tables that judging leaves in the folder, by file name: those of `tables`."""

    def figures(self, analysis: Any, derived: "Mapping[str, pd.DataFrame]") -> "Sequence[Drawn]":
        """Return the figures of the page, the main one first."""
        return ()

    def page(self, frame: "Frame", analysis: Any, derived: "Mapping[str, pd.DataFrame]") -> str:
        """Return the page as HTML: verdicts and checks, figures, and every derived table."""
        from testbed.report import page  # late: only judging draws

        return page.plain(frame, self.figures(analysis, derived), derived)

    def picture(self, analysis: Any, derived: "Mapping[str, pd.DataFrame]") -> str:
        """Return the main figure as SVG.

        Error: ValueError if there is none.
        """
        raise ValueError(f"--picture: a study of kind {self.kind} has no picture of its own; leave the option out.")

    @property
    def kind(self) -> str:
        """Return the kind of the question."""
        return str(self.__struct_config__.tag)

    def pretty(self) -> bytes:
        """Return the exact question as JSON for people."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def kinds() -> dict[str, type[Study]]:
    """Return the kinds of questions by name."""
    return catalog.shelf(SHELF, "Study")


def decode(payload: bytes) -> Study:
    """Return the question that a JSON file holds; a file that names no kind, as early ones do not, holds a grid.

    Error: ValueError that says what does not fit.
    """
    try:
        plain = reading.loads(payload)
    except ValueError:
        plain = None  # told below, with what is to be done
    kind = plain.get("kind", "grid") if isinstance(plain, dict) else "grid"
    if not isinstance(kind, str) or kind not in catalog.names(SHELF):
        raise reading.UnfamiliarError(reading.unfamiliar(str(kind), f"known are {', '.join(catalog.names(SHELF))}"))
    return reading.strictly(payload, catalog.variant(SHELF, kind, "Study"))
