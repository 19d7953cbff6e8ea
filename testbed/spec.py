"""What is asked: an experiment as one frozen value, the cells of its grid, and the digest that names each cell."""

import hashlib
import math
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

import msgspec

from testbed import reading
from testbed.checked import Checked, check_name
from testbed.model.transformer import MOST_WIDTH, Transformer
from testbed.predictors import AnyPredictor
from testbed.settings import MOST_WINDOWS, Evaluation, Grid, Optimiser, Stopping, Training, require
from testbed.sources import AnySource
from testbed.verdict import Claim
from testbed.wording import cut, short

__all__ = [
    "SCHEMA",
    "Cell",
    "Evaluation",
    "Experiment",
    "Grid",
    "Optimiser",
    "Role",
    "Stopping",
    "Training",
    "decode",
    "digest",
    "strictly",
]

SCHEMA, EARLIER = 3, (2,)
"""Version of the meaning of a cell; raised whenever equal specs would no longer give equal results.

Runs of earlier versions are judged and reported as they are, and not gone on with. Up to 2, tokens were drawn by
uniforms of 23 digits.
"""

MOST_CELLS = 30_000
"""A grid of more is refused before it is laid out: each cell is a file, and a training run."""

Role = Literal["pilot", "online", "stored"]
Value = TypeVar("Value")


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
    """Fresh tokens for ever, to choose a learning rate (pilot) or to be reported (online); or D stored ones."""
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
        parts = [self.role == "pilot"] if self.nested else [self.model.identity(), self.role, self.horizon, self.tokens]
        return int(digest(msgspec.to_builtins(parts))[:8], 16) % 2**31

    @property
    def sequences(self) -> int:
        """Return the number of stored windows."""
        return self.tokens // self.model.context


class Experiment(Checked, frozen=True, kw_only=True):
    """One question: a world, a family of models, a grid over it, and the claims that it judges."""

    name: str
    """Name of the experiment."""
    question: str
    """What it asks, in a sentence."""
    world: AnySource
    """Law of the tokens."""
    model: Transformer
    """The family; its width is the unit that grid.multiples multiplies."""
    grid: Grid = Grid()
    """P × D × replicates."""
    training: Training = Training()
    """Steps, learning rates, stopping rule."""
    optimiser: Optimiser = Optimiser()
    """AdamW, warm-up, cosine, batch."""
    evaluation: Evaluation = Evaluation()
    """Shared contexts and checkpoints."""
    seed: int = 0
    """Root of every random stream."""
    claims: tuple[Claim, ...] = ()
    """Judged at the end; they take no part in the identity of the runs."""
    references: tuple[AnyPredictor, ...] = ()
    """Predictors that learn within the window, shown beside the models; they take no part in the identity either."""

    def __post_init__(self) -> None:
        """Refuse combinations that cannot be run."""
        check_name("name", self.name)
        require(0 <= self.seed < 2**32, "seed", self.seed, "a whole number in [0, 2^32)", "e.g. 0")
        symbols, vocabulary = self.world.alphabet, self.model.vocabulary
        rule = f"the number of symbols of the world, {symbols}"
        require(vocabulary == symbols, "model.vocabulary", vocabulary, rule, f"use --model.vocabulary {symbols}")
        noise, rule = self.model.embedding_noise, "absent, as training and evaluation hand the model no key"
        remedy = "leave it out, and add noise where a trained model is observed"
        require(noise is None, "model.embedding_noise", noise, rule, remedy)
        for tokens in self.grid.tokens:
            _check_windows(tokens, self.model.context)
        self._check_counts()
        ids = [claim.id for claim in self.claims]
        require(len(ids) == len(set(ids)), "claims", ids, "each id once", "rename one")
        shown = [predictor.label for predictor in self.references]
        require(len(shown) == len(set(shown)), "references", shown, "each predictor once", "drop the repeats")

    def _check_counts(self) -> None:
        """Refuse more sequences than are counted, and more cells than are laid out."""
        largest, rule = self.training.steps * self.optimiser.batch, f"at most {MOST_WINDOWS} sequences"
        batch = MOST_WINDOWS // self.training.steps
        remedy = f"use --optimiser.batch {batch}, or fewer steps"
        require(largest <= MOST_WINDOWS, "training.steps × optimiser.batch", largest, rule, remedy)
        each, cells = self.cell_count // self.grid.replicates, self.cell_count
        remedy = "use fewer --grid.multiples, --grid.tokens or --training.learning-rates"
        if 2 * each <= MOST_CELLS:
            remedy = f"use --grid.replicates {MOST_CELLS // each} or fewer"
        require(cells <= MOST_CELLS, "cells of the grid", cells, f"at most {MOST_CELLS}", remedy)
        widest = self.model.width * self.grid.multiples[-1]
        remedy = f"leave out multiples above {MOST_WIDTH // self.model.width}"
        require(widest <= MOST_WIDTH, "model.width × grid.multiples", widest, f"at most {MOST_WIDTH}", remedy)

    @property
    def models(self) -> tuple[Transformer, ...]:
        """Return the models of the grid, smallest first."""
        widths = (self.model.width * multiple for multiple in self.grid.multiples)
        return tuple(msgspec.structs.replace(self.model, width=width) for width in widths)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Return the evaluated steps: logarithmically spaced, the horizons among them."""
        steps, count = self.training.steps, self.evaluation.checkpoints
        ratio = math.log(steps) / (count - 1)
        return tuple(sorted({round(math.exp(ratio * i)) for i in range(count)} | set(self.training.horizons)))

    def pilot_cells(self) -> tuple[Cell, ...]:
        """Return the cells that only choose the learning rate: every size and rate, to the last horizon but one."""
        horizon = self.training.horizons[-2]
        return tuple(
            self._cell(model, "pilot", rate, horizon, None, replicate)
            for model in self.models
            for rate in self.training.learning_rates
            for replicate in range(self.grid.replicates)
        )

    def main_cells(self, rates: dict[Transformer, float]) -> tuple[Cell, ...]:
        """Return the grid at the chosen rates: every online horizon, and every D to the full one.

        A size without a rate (all of them diverged) has no further cells.
        """
        asked: list[tuple[Role, int, int | None]] = [("online", horizon, None) for horizon in self.training.horizons]
        asked += [("stored", self.training.steps, tokens) for tokens in self.grid.tokens]
        return tuple(
            self._cell(model, role, rates[model], horizon, tokens, replicate)
            for model in self.models
            if model in rates
            for role, horizon, tokens in asked
            for replicate in range(self.grid.replicates)
        )

    @property
    def cell_count(self) -> int:
        """Return the number of cells of the whole grid, those that choose the learning rates included."""
        pilots = len(self.training.learning_rates)
        each = pilots + self.training.ladder + len(self.grid.tokens)
        return len(self.grid.multiples) * each * self.grid.replicates

    def training_identity(self) -> dict[str, Any]:
        """Return what two runs must share to share an output folder: everything but words, claims and references."""
        fields: dict[str, Any] = msgspec.to_builtins(self) | {"model": self.model.identity()}
        trained = (name for name in fields if name not in ("name", "question", "claims", "references"))
        return {"schema": SCHEMA} | {name: fields[name] for name in trained}

    def _cell(
        self, model: Transformer, role: Role, rate: float, horizon: int, tokens: int | None, replicate: int
    ) -> Cell:
        consumed = horizon * self.optimiser.batch * model.context
        return Cell(
            world=self.world.for_window(model.context),
            model=model,
            optimiser=self.optimiser,
            learning_rate=rate,
            horizon=horizon,
            role=role,
            tokens=consumed if tokens is None else tokens,
            draw=replicate,
            initialisation=replicate,
            nested=self.grid.nested,
            stopping=self.training.stopping,
            evaluation=self.evaluation,
            checkpoints=self.checkpoints,
            seed=self.seed,
        )


def _check_windows(tokens: int, n: int) -> None:
    """Refuse D tokens that are no whole number of windows of n, or more of them than are counted."""
    require(tokens >= n, "grid.tokens: D", tokens, f"at least one window of n={n} tokens", f"use {n} or more")
    near = f"use {tokens // n * n} or {(tokens // n + 1) * n}"
    require(tokens % n == 0, "grid.tokens: D", tokens, f"a whole number of windows of n={n} tokens", near)
    most, rule = MOST_WINDOWS * n, f"at most {MOST_WINDOWS} windows of n={n} tokens"
    require(tokens <= most, "grid.tokens: D", tokens, rule, f"use {most} or fewer")


def digest(value: Any) -> str:
    """Return the sha256 (hex) of the canonical JSON of a plain value: sorted keys, no spaces."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def decode(payload: bytes) -> Experiment:
    """Return the experiment that a JSON file holds; unknown or missing fields are refused.

    Error: ValueError that says what does not fit.
    """
    return strictly(payload, Experiment)


def strictly(payload: bytes, kind: type[Value]) -> Value:
    """Return the value of a kind that a JSON file holds; fields that are unknown, missing or given twice are refused.

    Error: ValueError that says what does not fit.
    """
    try:
        value, written = msgspec.json.decode(payload, type=kind), reading.loads(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(
            f"The saved experiment cannot be read: {cut(str(error), 200)}. Restore the file, or use a new folder."
        ) from error
    unknown = ", ".join(unread(written, msgspec.to_builtins(value)))
    if unknown:
        raise ValueError(
            f"The saved experiment cannot be read: unknown fields {short(unknown, 120)}, as another version may have"
            " written it. Restore the file, or use a new folder."
        )
    return value


def unread(written: Any, read: Any, path: str = "$") -> Iterator[str]:
    """Yield the fields that were written in JSON and not read into a value, given both as plain values."""
    if isinstance(written, dict):
        for name in written:
            if name in read:
                yield from unread(written[name], read[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(written, list):
        for at, pair in enumerate(zip(written, read, strict=True)):
            yield from unread(*pair, f"{path}[{at}]")
