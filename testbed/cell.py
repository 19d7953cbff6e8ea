"""One training run as a value: equal cells give equal results, and the digest of a cell is its name in the store."""

import math
from typing import Literal

import msgspec

from testbed.ground.checked import Checked
from testbed.ground.reading import digest
from testbed.ground.rules import (
    LEAST,
    MOST,
    MOST_BETA,
    MOST_CHECKPOINTS,
    MOST_SEQUENCES,
    MOST_WINDOWS,
    require,
    require_between,
)
from testbed.model.transformer import Transformer
from testbed.sources import AnySource

SCHEMA, EARLIER = 4, (3, 2)
"""Version of the meaning of a cell; raised whenever equal specs would no longer give equal results.

Runs of earlier versions are judged and reported as they are, and not gone on with. Up to 2, tokens were drawn by
uniforms of 23 digits. Up to 3, one learning rate was chosen for each size, by runs on fresh data to the last horizon
but one.
"""

Role = Literal["pilot", "stored pilot", "online", "stored"]
PILOTS: tuple[Role, ...] = ("pilot", "stored pilot")
"""Runs that only choose a learning rate, on fresh and on stored tokens."""
Stopping = Literal["final", "best"]


class Optimiser(Checked, frozen=True, kw_only=True):
    """AdamW with global-norm clipping, linear warm-up and a cosine to zero."""

    batch: int = 32
    """Sequences per step."""
    warmup: float = 0.05
    """Share of the horizon over which the learning rate rises linearly."""
    weight_decay: float = 0.01
    """Decoupled weight decay, on matrices only."""
    beta1: float = 0.9
    """Decay of Adam's first moment."""
    beta2: float = 0.98
    """Decay of Adam's second moment."""
    clip: float = 1.0
    """Largest global norm of a gradient."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        require(self.batch >= 1, "optimiser.batch", self.batch, "at least one sequence a step", "e.g. 32")
        require_between("optimiser.batch", self.batch, 1, MOST_WINDOWS, "32")
        require(0 <= self.warmup < 1, "optimiser.warmup", self.warmup, "a share in [0, 1)", "e.g. 0.05")
        decay, rule = self.weight_decay, "finite and not negative"
        require(0 <= decay < math.inf, "optimiser.weight_decay", decay, rule, "use 0 for none")
        require_between("optimiser.weight_decay", decay, 0, MOST, "0.01")
        for name, value, example in (("beta1", self.beta1, "0.9"), ("beta2", self.beta2, "0.98")):
            rule = f"in [0, {MOST_BETA}], as float32 cannot tell more from 1"
            require(0 <= value <= MOST_BETA, f"optimiser.{name}", value, rule, f"e.g. {example}")
        require(self.clip > 0, "optimiser.clip", self.clip, "positive", "use a large number for none, e.g. 1e9")
        require_between("optimiser.clip", self.clip, LEAST, MOST, "1.0, or 1e9 for none")


class Evaluation(Checked, frozen=True, kw_only=True):
    """Where and how often a model is compared with the Bayes predictive."""

    sequences: int = 128
    """Evaluation windows, shared by every model of the world."""
    checkpoints: int = 12
    """Evaluated steps, spaced logarithmically up to the horizon; the horizons themselves are always evaluated."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        rule = "even and at least 4, as one half may choose the checkpoint and the other reports it"
        count = self.sequences
        require(count >= 4 and count % 2 == 0, "evaluation.sequences", count, rule, "e.g. 128")
        require_between("evaluation.sequences", count, 4, MOST_SEQUENCES, "128")
        require(self.checkpoints >= 2, "evaluation.checkpoints", self.checkpoints, "at least 2", "e.g. 12")
        require_between("evaluation.checkpoints", self.checkpoints, 2, MOST_CHECKPOINTS, "12")


class Cell(Checked, frozen=True, kw_only=True):
    """One training run, whole: equal cells give equal results, so the digest of a cell is its identity."""

    world: AnySource
    """Law of the tokens."""
    model: Transformer
    """What learns."""
    optimiser: Optimiser
    """How it learns."""
    learning_rate: float
    """Peak learning rate."""
    horizon: int
    """Scheduled steps."""
    role: Role
    """Fresh tokens for ever (online) or D stored ones, to be reported; or either to choose a learning rate (pilots)."""
    tokens: int
    """D; without stored tokens, those it consumes."""
    draw: int
    """Which draw of the data."""
    initialisation: int
    """Which draw of the first parameters."""
    nested: bool
    """Whether draws are shared over D and sizes; see ``Grid.nested``."""
    stopping: Stopping
    """Which parameters are kept: the last ones, or those of the best checkpoint."""
    evaluation: Evaluation
    """Where it is evaluated."""
    checkpoints: tuple[int, ...]
    """Steps at which it is evaluated; those past the horizon are left out."""
    seed: int
    """Root of every random stream."""

    @property
    def digest(self) -> str:
        """Return the sha256 of the canonical JSON of this cell and the schema version."""
        return self.named(SCHEMA)

    def named(self, schema: int) -> str:
        """Return the digest that this cell has in runs of a version."""
        return digest({"schema": schema, "cell": msgspec.to_builtins(self) | {"model": self.model.identity()}})

    @property
    def group(self) -> int:
        """Return the index, below 2^31, under which the draws of this cell are kept apart from those of other groups.

        A group is a model, role, horizon and D; learning rates share draws, so that they are compared on equal terms.
        Nested cells share draws over all groups, pilots excepted, which are nobody's data but their own.
        """
        parts = [self.role in PILOTS] if self.nested else [self.model.identity(), self.role, self.horizon, self.tokens]
        return int(digest(msgspec.to_builtins(parts))[:8], 16) % 2**31

    @property
    def fresh(self) -> bool:
        """Return whether tokens never come again."""
        return self.role in ("pilot", "online")

    @property
    def sequences(self) -> int:
        """Return the number of stored windows."""
        return self.tokens // self.model.context
