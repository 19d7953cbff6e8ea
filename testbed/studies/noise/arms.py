"""An arm of a study of noise: one world seen by one model, with one assumption dropped or none."""

from typing import Literal

import msgspec

from testbed.cell import Cell, Evaluation, Optimiser
from testbed.ground.checked import Checked, check_name
from testbed.ground.rules import LEAST, MOST_RATE, MOST_WINDOWS, require, require_between
from testbed.model.transformer import Transformer
from testbed.sources import AnySource
from testbed.weights import AnyWeights, Fresh

Dropped = Literal["none", "A1", "A2", "A3", "A4", "several"]
Part = Literal["attention", "feedforward", "representation"]

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
