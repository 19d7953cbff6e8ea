"""What is asked of noise: a study as one frozen value, its arms, and the points at which they are observed."""

from typing import Any, Literal

import msgspec

from testbed import spec
from testbed.checked import Checked, check_name
from testbed.model.transformer import Transformer
from testbed.settings import LEAST, MOST_RATE, MOST_WINDOWS, require, require_between
from testbed.sources import AnySource, Source
from testbed.spec import Cell, Evaluation, Optimiser, digest, strictly
from testbed.verdict import Claim
from testbed.weights import AnyWeights, Fresh
from testbed.wording import short

SCHEMA, EARLIER = 2, {1: 2}
"""Version of the meaning of a point; raised whenever equal points would no longer give equal results."""

STREAMS = (1, 2)
"""Versions of point and cell by whose digest random streams are named: a new version does not draw other sequences."""

Dropped = Literal["none", "A1", "A2", "A3", "A4", "several"]
Part = Literal["attention", "feedforward", "representation"]
Given = Literal["query", "nothing"]

ROOMY = 64
"""Ratio of lengths that one program serves."""

MOST_POINTS, MOST_KEPT, MOST_TOKENS, LONGEST = 100_000, 2**24, 2**40, 2**20
"""Points are files, rows of projections are held in memory, and windows are laid out: more of any is refused."""

FEWEST_LENGTHS, FEWEST_SEQUENCES = 6, 100
"""A slope rests on so many lengths, as any two would have one; and a spread on so many sequences."""


class Fit(Checked, frozen=True, kw_only=True):
    """How the parameters of an arm are trained, on fresh windows of its world."""

    steps: int = 400
    """Steps."""
    learning_rate: float = 0.01
    """Peak learning rate."""
    batch: int = 16
    """Windows a step."""
    context: int | None = None
    """Length of the windows; if absent, a model of its own is trained at each length that is observed."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"fit.{name}={getattr(self, name)}: must be at least 1; e.g. 16.")
        windows, rule = self.steps * self.batch, f"at most {MOST_WINDOWS} windows"
        remedy = f"use batch {max(MOST_WINDOWS // self.steps, 1)} or less, and no more than {MOST_WINDOWS} steps"
        require(windows <= MOST_WINDOWS, "fit.steps × fit.batch", windows, rule, remedy)
        if not LEAST <= self.learning_rate <= MOST_RATE:
            raise ValueError(
                f"fit.learning_rate={self.learning_rate}: must be positive and at most {MOST_RATE}; e.g. 0.01."
            )
        if self.context is not None:
            require_between("fit.context", self.context, 1, LONGEST, "64")


class Arm(Checked, frozen=True, kw_only=True):
    """One world seen by one model: where the noise is measured against the length of the context."""

    name: str
    """Short name, by which claims and tables know it."""
    drops: Dropped = "none"
    """The assumption of the paper that it drops, all others being kept; or that it drops several."""
    switch: str
    """What is switched, in a few words."""
    world: AnySource
    """Law of the tokens."""
    model: Transformer
    """What reads them."""
    weights: AnyWeights = Fresh()
    """Where its parameters come from, before any training."""
    fit: Fit | None = None
    """How they are trained; if absent, not at all."""
    lengths: tuple[int, ...] | None = None
    """Context lengths of its own, in place of the study's."""
    sequences: int | None = None
    """Sequences at each length of its own, in place of the study's."""
    deep: bool = False
    """Whether every layer is observed, at n² operations a sequence, or the first alone, at n."""
    part: Part = "attention"
    """The vector that its prediction is about."""
    draws: int = 1
    """Draws of its parameters."""

    def __post_init__(self) -> None:
        check_name("arm", self.name)
        if "/" in self.name:
            raise ValueError(f"arm {self.name!r}: a name must not be empty or hold '/'; e.g. 'markov'.")
        if self.sequences is not None and self.sequences < FEWEST_SEQUENCES:
            raise ValueError(
                f"arm {self.name}: sequences={self.sequences}: must be at least {FEWEST_SEQUENCES}; raise it."
            )
        if self.sequences is not None:
            require_between(f"arm {self.name}: sequences", self.sequences, FEWEST_SEQUENCES, MOST_WINDOWS, "4096")
        if self.draws < 1:
            raise ValueError(f"arm {self.name}: draws={self.draws}: must be at least 1; raise it.")
        require_between(f"arm {self.name}: draws", self.draws, 1, MOST_POINTS // FEWEST_LENGTHS, "3")
        if self.model.vocabulary != self.world.alphabet:
            raise ValueError(
                f"arm {self.name}: model.vocabulary={self.model.vocabulary} must be the number of symbols of the world,"
                f" {self.world.alphabet}; give the model that vocabulary."
            )
        if self.fit is not None and self.fit.context is None and self.draws < 2:
            raise ValueError(
                f"arm {self.name}: draws={self.draws}: models trained separately at each length need 2 draws or more,"
                " as their spread is the error; e.g. 3."
            )
        if self.fit is not None and self.model.embedding_noise is not None:
            raise ValueError(
                f"arm {self.name}: fit with embedding_noise={self.model.embedding_noise}: training hands the model no"
                " key, so it must have no noise; leave out one of the two."
            )

    def cell(self, length: int, draw: int, seed: int) -> Cell | None:
        """Return the training run that the parameters at a length come from, or None if they are not trained."""
        if self.fit is None:
            return None
        context = self.fit.context or length
        return Cell(
            world=self.world.for_window(context),
            model=msgspec.structs.replace(self.model, context=context),
            optimiser=Optimiser(batch=self.fit.batch),
            learning_rate=self.fit.learning_rate,
            horizon=self.fit.steps,
            role="online",
            tokens=self.fit.steps * self.fit.batch * context,
            draw=draw,
            initialisation=draw,
            nested=False,
            stopping="final",
            evaluation=Evaluation(sequences=64),
            checkpoints=(self.fit.steps,),
            seed=seed,
        )


class Point(Checked, frozen=True, kw_only=True):
    """An arm at one length and draw of its parameters, whole: equal points give equal results."""

    arm: str
    """Name of the arm, which takes no part in the identity."""
    world: AnySource
    """Law of windows of this length."""
    model: Transformer
    """What reads them."""
    weights: AnyWeights
    """Where its parameters come from."""
    cell: Cell | None
    """The training run that they went through."""
    deep: bool
    """Whether every layer is observed."""
    room: int
    """Length that its program has room for, which takes no part in the identity: points that share it share one."""
    length: int
    """Context length n in tokens, the start vector's place included."""
    draw: int
    """Which draw of the parameters."""
    sequences: int
    """Independent sequences S."""
    kept: int
    """Sequences whose projections are kept."""
    seed: int
    """Root of every random stream."""

    @property
    def digest(self) -> str:
        """Return the sha256 of the canonical JSON of this point and the schema version."""
        return self.named(SCHEMA, spec.SCHEMA)

    def named(self, schema: int, schema_of_cells: int) -> str:
        """Return the digest that this point has in studies of a version, whose cells are of the other."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        del plain["arm"], plain["room"]
        cell = None if self.cell is None else self.cell.named(schema_of_cells)
        return digest({"schema": schema, "point": plain | {"model": self.model.identity(), "cell": cell}})

    @property
    def stream(self) -> int:
        """Return the index, below 2^31, under which the sequences of this point are kept apart from all others."""
        return int(self.named(*STREAMS)[:8], 16) % 2**31


class NoiseStudy(Checked, frozen=True, kw_only=True, tag_field="kind", tag="noise"):
    """One question about the noise of hidden representations: arms, lengths, and the claims that are judged."""

    name: str
    """Name of the study."""
    question: str
    """What it asks, in a sentence."""
    arms: tuple[Arm, ...]
    """Worlds and models."""
    lengths: tuple[int, ...] = (64, 192, 576, 1728, 5184, 15552)
    """Context lengths n in tokens, for arms that have none of their own; sequences of each are drawn afresh."""
    sequences: int = 4096
    """Sequences at each length, as far as `tokens` allow."""
    fewest: int = 1024
    """Sequences at the longest lengths, whatever `tokens` say."""
    tokens: int = 2**25
    """Tokens that are sampled at one length."""
    kept: int = 4096
    """Sequences whose projections are kept, to tell their shape."""
    seed: int = 0
    """Root of every random stream."""
    claims: tuple[Claim, ...] = ()
    """Judged at the end; they take no part in the identity of the points."""

    def __post_init__(self) -> None:
        check_name("name", self.name)
        names = [arm.name for arm in self.arms]
        if not names or len(names) != len(set(names)):
            raise ValueError(f"arms {short(names)}: there must be some, and each name once; rename one.")
        for arm in self.arms:
            self._check_lengths(arm)
        fewest = FEWEST_SEQUENCES
        for name, least in (("sequences", fewest), ("fewest", fewest), ("tokens", 1), ("kept", fewest)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least {least}; use {least} or more.")
            require_between(name, getattr(self, name), least, MOST_TOKENS if name == "tokens" else MOST_KEPT, "4096")
        count = sum(len(self.lengths_of(arm)) * arm.draws for arm in self.arms)
        rule, remedy = f"at most {MOST_POINTS}", "use fewer arms, lengths or draws"
        require(count <= MOST_POINTS, "points of the study", count, rule, remedy)
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed={self.seed}: must be a whole number in [0, 2^32); e.g. 0.")
        ids = [claim.id for claim in self.claims]
        if len(ids) != len(set(ids)):
            raise ValueError(f"claims {short(ids)}: each id once; rename one.")

    def lengths_of(self, arm: Arm) -> tuple[int, ...]:
        """Return the context lengths of an arm, in tokens."""
        return self.lengths if arm.lengths is None else arm.lengths

    def sequences_at(self, length: int) -> int:
        """Return the number of sequences S that are drawn at a length."""
        return min(max(self.tokens // length, self.fewest), self.sequences)

    def points(self) -> tuple[Point, ...]:
        """Return all that is to be observed, arm by arm."""
        return tuple(
            self._point(arm, n, draw) for arm in self.arms for n in self.lengths_of(arm) for draw in range(arm.draws)
        )

    def cells(self) -> tuple[Cell, ...]:
        """Return the training runs that the points ask for, each once."""
        found = {point.cell.digest: point.cell for point in self.points() if point.cell is not None}
        return tuple(found.values())

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share to share an output folder: everything but words and claims."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        kept = {name: fields[name] for name in fields if name not in ("name", "question", "claims")}
        return {"schema": SCHEMA} | kept

    def _point(self, arm: Arm, length: int, draw: int) -> Point:
        world: Source = arm.world.for_window(length)
        sequences = self.sequences_at(length) if arm.sequences is None else arm.sequences
        return Point(
            arm=arm.name,
            world=world,
            model=arm.model,
            weights=arm.weights,
            cell=arm.cell(length, draw, self.seed),
            deep=arm.deep,
            room=_room(self.lengths_of(arm), length),
            length=length,
            draw=draw,
            sequences=sequences,
            kept=min(self.kept, sequences),
            seed=self.seed,
        )

    def _check_lengths(self, arm: Arm) -> None:
        lengths = self.lengths_of(arm)
        if len(lengths) < FEWEST_LENGTHS or list(lengths) != sorted(set(lengths)) or lengths[0] < 2:
            raise ValueError(
                f"lengths={short(lengths)} of arm {arm.name}: must be {FEWEST_LENGTHS} or more, at least 2, distinct "
                "and in rising order; e.g. 64 128 256 512 1024 2048."
            )
        if lengths[-1] > LONGEST:
            raise ValueError(
                f"arm {arm.name}: length {lengths[-1]}: a window has at most {LONGEST} tokens; leave it out."
            )
        if arm.model.positions == "learned" and lengths[-1] > arm.model.context and arm.fit is None:
            raise ValueError(
                f"arm {arm.name}: length {lengths[-1]} exceeds the context {arm.model.context}, and learned positions"
                " end there; raise model.context."
            )


def _room(lengths: tuple[int, ...], length: int) -> int:
    """Return the length that the program of a length has room for: the longest of its class.

    A class reaches down from its longest length by a factor of `ROOMY`: one program for all would read short windows
    at the price of long ones, and one for each length would take as long to compile as to run.

    >>> [_room((64, 1024, 16384, 65536), n) for n in (64, 1024, 16384, 65536)]
    [64, 65536, 65536, 65536]
    """
    longest = lengths[-1]
    while length * ROOMY < longest:
        longest = max(each for each in lengths if each * ROOMY < longest)
    return longest


def decode(payload: bytes) -> NoiseStudy:
    """Return the study that a JSON file holds; unknown or missing fields are refused.

    Error: ValueError that says what does not fit.
    """
    return strictly(payload, NoiseStudy)


def is_study(payload: bytes) -> bool:
    """Return whether a JSON file holds a study of noise, rather than a grid; damaged ones hold neither."""
    try:
        plain = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return False
    return isinstance(plain, dict) and plain.get("kind") == "noise"
