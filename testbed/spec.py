"""What is asked: an experiment as one frozen value, the cells of its grid, and the digest that names each cell."""

import hashlib
import math
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

import msgspec

from testbed import reading
from testbed.model.transformer import Transformer
from testbed.predictors import AnyPredictor
from testbed.sources import AnySource
from testbed.verdict import Claim

SCHEMA, EARLIER = 3, (2,)
"""Version of the meaning of a cell; raised whenever equal specs would no longer give equal results.

Runs of earlier versions are judged and reported as they are, and not gone on with. Up to 2, tokens were drawn by
uniforms of 23 digits.
"""

Role = Literal["pilot", "online", "stored"]
Stopping = Literal["final", "best"]
Value = TypeVar("Value")


def _require(holds: bool, value: str, rule: str, remedy: str) -> None:
    if not holds:
        raise ValueError(f"{value}: must be {rule}; {remedy}.")


class Optimiser(msgspec.Struct, frozen=True, kw_only=True):
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
        _require(self.batch >= 1, f"optimiser.batch={self.batch}", "at least one sequence a step", "raise it")
        _require(0 <= self.warmup < 1, f"optimiser.warmup={self.warmup}", "a share in [0, 1)", "e.g. 0.05")
        _require(
            0 <= self.weight_decay < math.inf,
            f"optimiser.weight_decay={self.weight_decay}",
            "finite and not negative",
            "use 0 for none",
        )
        _require(
            0 <= self.beta1 < 1 and 0 <= self.beta2 < 1,
            f"optimiser.beta1={self.beta1}, beta2={self.beta2}",
            "in [0, 1)",
            "e.g. 0.9, 0.98",
        )
        _require(self.clip > 0, f"optimiser.clip={self.clip}", "positive", "use a large number for none")


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how often a model is compared with the Bayes predictive."""

    sequences: int = 128
    """Evaluation windows, shared by every model of the world."""
    checkpoints: int = 12
    """Evaluated steps, spaced logarithmically up to the horizon; the horizons themselves are always evaluated."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        _require(
            self.sequences >= 4 and self.sequences % 2 == 0,
            f"evaluation.sequences={self.sequences}",
            "even and at least 4, as one half may choose the checkpoint and the other reports it",
            "e.g. 128",
        )
        _require(self.checkpoints >= 2, f"evaluation.checkpoints={self.checkpoints}", "at least 2", "e.g. 12")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
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


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes P × stored tokens D × replicates."""

    multiples: tuple[int, ...] = (1, 2, 4, 8)
    """The model's width times each of these gives the sizes."""
    tokens: tuple[int, ...] = (2048, 8192, 32768, 131072, 524288)
    """Stored tokens D, each a whole number of windows; online training is always added."""
    replicates: int = 3
    """Replicates, each with a draw of the data and first parameters of its own."""
    nested: bool = False
    """Share draws and first parameters over all D and sizes of a replicate, smaller stored sets being the beginnings of
    larger ones; otherwise every group of cells has draws of its own, as the intervals over groups assume."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        for name, values in (("multiples", self.multiples), ("tokens", self.tokens)):
            _require(
                len(values) > 0 and list(values) == sorted(set(values)) and values[0] >= 1,
                f"grid.{name}={values}",
                "positive, distinct and in rising order",
                "sort them and drop repeats",
            )
        _require(
            self.replicates >= 2, f"grid.replicates={self.replicates}", "at least 2, or no interval exists", "e.g. 3"
        )


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """How long, at which learning rates, and which parameters count."""

    steps: int = 320
    """Steps T of every stored run and of the longest online run."""
    ladder: int = 3
    """Online horizons T, T/ratio, T/ratio², …: so many rungs, from which the limit of infinite training is judged."""
    ratio: int = 4
    """Ratio of neighbouring horizons."""
    learning_rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    """Candidates; each size takes the one that is best online at the last horizon but one."""
    stopping: Stopping = "best"
    """Which parameters are kept: "final", or "best" as judged on the first half of the evaluation windows."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        _require(
            self.ladder >= 3, f"training.ladder={self.ladder}", "at least 3 rungs, or no limit can be judged", "e.g. 3"
        )
        _require(self.ratio >= 2, f"training.ratio={self.ratio}", "at least 2", "e.g. 4")
        rung = self.ratio ** (self.ladder - 1)
        _require(
            self.steps >= 8 * rung and self.steps % rung == 0,
            f"training.steps={self.steps}",
            f"a multiple of {rung} ({self.ratio} to the power of ladder - 1), at least {8 * rung}",
            f"e.g. {max(8, round(self.steps / rung)) * rung}",
        )
        rates = self.learning_rates
        _require(
            len(rates) > 0 and list(rates) == sorted(set(rates)) and all(0 < rate < math.inf for rate in rates),
            f"training.learning_rates={rates}",
            "positive, finite, distinct and in rising order",
            "e.g. 0.003 0.01 0.03",
        )

    @property
    def horizons(self) -> tuple[int, ...]:
        """Return the online horizons in rising order."""
        return tuple(self.steps // self.ratio**rung for rung in reversed(range(self.ladder)))


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
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
        _require(0 <= self.seed < 2**32, f"seed={self.seed}", "a whole number in [0, 2^32)", "e.g. 0")
        _require(
            self.model.vocabulary == self.world.alphabet,
            f"model.vocabulary={self.model.vocabulary}",
            f"the number of symbols of the world, {self.world.alphabet}",
            f"use --model.vocabulary {self.world.alphabet}",
        )
        _require(
            self.model.embedding_noise is None,
            f"model.embedding_noise={self.model.embedding_noise}",
            "absent, as training and evaluation hand the model no key",
            "leave it out, and add noise where a trained model is observed",
        )
        n, largest = self.model.context, self.training.steps * self.optimiser.batch
        for tokens in self.grid.tokens:
            _require(
                tokens >= n, f"grid.tokens: D={tokens}", f"at least one window of n={n} tokens", f"use {n} or more"
            )
            _require(
                tokens % n == 0,
                f"grid.tokens: D={tokens}",
                f"a whole number of windows of n={n} tokens",
                f"use {tokens // n * n} or {(tokens // n + 1) * n}",
            )
        _require(
            self.training.steps * self.optimiser.batch < 2**31,
            f"training.steps × optimiser.batch = {largest}",
            "fewer than 2^31 sequences",
            "train for fewer steps",
        )
        ids = [claim.id for claim in self.claims]
        _require(len(ids) == len(set(ids)), f"claims {ids}", "each id once", "rename one")
        shown = [predictor.label for predictor in self.references]
        _require(len(shown) == len(set(shown)), f"references {shown}", "each predictor once", "drop the repeats")

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
        any_rates = dict.fromkeys(self.models, self.training.learning_rates[0])
        return len(self.pilot_cells()) + len(self.main_cells(any_rates))

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
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(
            f"The saved experiment cannot be read: {error}. Restore the file, or use a new folder."
        ) from error
    unknown = ", ".join(unread(written, msgspec.to_builtins(value)))
    if unknown:
        raise ValueError(
            f"The saved experiment cannot be read: unknown fields {unknown}, as another version may have"
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
