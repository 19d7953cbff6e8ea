"""What is asked of noise: arms, lengths and sequences as one frozen value, and the points to be observed."""

from typing import Any

import msgspec

from testbed import cell as cells
from testbed.cell import Cell
from testbed.ground.checked import Checked
from testbed.ground.reading import digest
from testbed.ground.rules import require, require_between
from testbed.ground.wording import short
from testbed.model.transformer import Transformer
from testbed.sources import AnySource, Source
from testbed.studies.noise.arms import (
    FEWEST_LENGTHS,
    FEWEST_SEQUENCES,
    LONGEST,
    MOST_KEPT,
    MOST_POINTS,
    MOST_TOKENS,
    Arm,
)
from testbed.studies.noise.guess import Guess
from testbed.study import Study
from testbed.weights import AnyWeights

SCHEMA, EARLIER = 2, {1: 2}
"""Version of the meaning of a point; raised whenever equal points would no longer give equal results."""

STREAMS = (1, 2)
"""Versions of point and cell by whose digest random streams are named: a new version does not draw other sequences."""

ROOMY = 64
"""Ratio of lengths that one program serves."""


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
        return self.named(SCHEMA, cells.SCHEMA)

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


class Asked(Study, frozen=True, kw_only=True):
    """Arms, the lengths at which their noise is observed, and on how many sequences."""

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
    guess: Guess | None = None
    """What is expected, from which it is told before the run what the claims can decide; no part of the identity."""

    def __post_init__(self) -> None:
        super().__post_init__()
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

    def lengths_of(self, arm: Arm) -> tuple[int, ...]:
        """Return the context lengths of an arm, in tokens."""
        return self.lengths if arm.lengths is None else arm.lengths

    def sequences_at(self, length: int) -> int:
        """Return the number of sequences S that are drawn at a length."""
        return min(max(self.tokens // length, self.fewest), self.sequences)

    def sequences_of(self, arm: Arm, length: int) -> int:
        """Return the number of sequences S that are drawn of an arm at a length."""
        return self.sequences_at(length) if arm.sequences is None else arm.sequences

    @property
    def work_tokens(self) -> float:
        """Return about what the study costs: tokens observed, pairs where every layer is, and thrice those trained."""
        total = 0.0
        for arm in self.arms:
            lengths, fit = self.lengths_of(arm), arm.fit
            seen = sum(self.sequences_of(arm, n) * n * (n / 50 if arm.deep else 1) for n in lengths)
            contexts = [] if fit is None else lengths if fit.context is None else [fit.context]
            trained = 0 if fit is None else 3 * fit.steps * fit.batch * sum(contexts)
            total += arm.draws * (seen + trained)
        return total

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
        return {"schema": SCHEMA} | super().identity()

    def _point(self, arm: Arm, length: int, draw: int) -> Point:
        world: Source = arm.world.for_window(length)
        sequences = self.sequences_of(arm, length)
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
