"""What a grid asks: a world, a family of models, sizes and data, as one frozen value; the cells of the grid."""

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from testbed.cell import SCHEMA, Cell, Evaluation, Optimiser, Role
from testbed.ground.rules import MOST_WINDOWS, require
from testbed.model.size import size
from testbed.model.transformer import MOST_LAYERS, MOST_WIDTH, Transformer
from testbed.predictors import AnyPredictor
from testbed.sources import AnySource, Budget
from testbed.studies.grid.guess import Guess
from testbed.studies.grid.layout import Grid, Training, Tuned
from testbed.study import Study

MOST_CELLS = 30_000
"""A grid of more is refused before it is laid out: each cell is a file, and a training run."""


class Asked(Study, frozen=True, kw_only=True):
    """A world, a family of models, and a grid over it."""

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
    references: tuple[AnyPredictor, ...] = ()
    """Predictors that learn within the window, shown beside the models; they take no part in the identity either."""
    guess: Guess | None = None
    """What is expected, from which it is told before the run what the claims can decide; no part of the identity."""

    def __post_init__(self) -> None:
        """Refuse combinations that cannot be run."""
        super().__post_init__()
        symbols, vocabulary = self.world.alphabet, self.model.vocabulary
        rule = f"the number of symbols of the world, {symbols}"
        require(vocabulary == symbols, "model.vocabulary", vocabulary, rule, f"use --model.vocabulary {symbols}")
        noise, rule = self.model.embedding_noise, "absent, as training and evaluation hand the model no key"
        remedy = "leave it out, and add noise where a trained model is observed"
        require(noise is None, "model.embedding_noise", noise, rule, remedy)
        for tokens in self.grid.tokens:
            _check_windows(tokens, self.model.context)
            if self.training.stopping == "one pass":
                step, near = self.step_tokens, max(tokens // self.step_tokens, 1) * self.step_tokens
                rule = f"whole steps of {step} tokens, for the rule one pass"
                require(tokens % step == 0, "grid.tokens: D", tokens, rule, f"use {near}")
        self._check_counts()
        shown = [predictor.label for predictor in self.references]
        require(len(shown) == len(set(shown)), "references", shown, "each predictor once", "drop the repeats")
        bias = None if self.guess is None else self.guess.bias
        sizes, rule = len(self.grid.multiples), "a value for each of grid.multiples"
        require(bias is None or len(bias) == sizes, "guess.bias", bias, rule, f"give {sizes} values, or leave it out")

    def looked_up(self) -> "Asked":
        """Return the question as it is, about to be run; what was run before is judged as it was.

        Error: ValueError if groups of cells are to share draws, and a claim needs them apart.
        """
        claim = next((each for each in self.claims if not each.exploratory), None)
        if self.grid.nested and claim is not None:
            raise ValueError(
                f"claim {claim.id}: with grid.nested=True groups of cells share draws, so that its interval would be"
                " too narrow and its verdict invalid; leave grid.nested out, or declare no claims, or exploratory ones."
            )
        return self

    def _check_counts(self) -> None:
        """Refuse more sequences than are counted, and more cells than are laid out."""
        largest, rule = self.training.steps * self.optimiser.batch, f"at most {MOST_WINDOWS} sequences"
        batch = MOST_WINDOWS // self.training.steps
        remedy = f"use --optimiser.batch {batch}, or fewer steps"
        require(largest <= MOST_WINDOWS, "training.steps × optimiser.batch", largest, rule, remedy)
        cells, most, pilots = self.cell_count, MOST_CELLS, self.training.pilots * len(self.training.learning_rates)
        left = most // (cells // (pilots + self.grid.run_count)) - pilots
        fewer = left // (self.grid.initialisations or 1)
        remedy = "use fewer --grid.multiples, --grid.tokens, --grid.initialisations or --training.learning-rates"
        remedy = f"use --grid.replicates {fewer} or fewer" if fewer >= 2 else remedy
        require(cells <= most, "cells of the grid", cells, f"at most {most}", remedy)
        widest, layers = self.model.width, self.model.layers
        for unit, each, bound in (("width", widest, MOST_WIDTH), ("layers", layers, MOST_LAYERS)):
            if self.grid.scaled in ("both", "width" if unit == "width" else "depth"):
                found, remedy = each * self.grid.multiples[-1], f"leave out multiples above {bound // each}"
                require(found <= bound, f"model.{unit} × grid.multiples", found, f"at most {bound}", remedy)

    @property
    def models(self) -> tuple[Transformer, ...]:
        """Return the models of the grid, smallest first."""
        return _family(self.model, self.grid.multiples, self.grid.scaled)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Return the evaluated steps: logarithmically spaced, all horizons among them."""
        steps, count = self.training.steps, self.evaluation.checkpoints
        ratio = math.log(steps) / (count - 1)
        stored = {self.horizon(tokens) for tokens in self.grid.tokens}
        return tuple(sorted({round(math.exp(ratio * i)) for i in range(count)} | set(self.training.horizons) | stored))

    def horizon(self, tokens: int) -> int:
        """Return the steps of a run on so many stored tokens: T, or under the rule "one pass" until each was seen."""
        return tokens // self.step_tokens if self.training.stopping == "one pass" else self.training.steps

    @property
    def step_tokens(self) -> int:
        """Return the tokens of one step."""
        return self.optimiser.batch * self.model.context

    def tuned(self) -> tuple[Tuned, ...]:
        """Return what a learning rate is chosen for: each size with each horizon of fresh data, and with each D."""
        asked = [(False, horizon * self.step_tokens, horizon) for horizon in self.training.horizons]
        asked += [(True, tokens, self.horizon(tokens)) for tokens in self.grid.tokens]
        return tuple(Tuned(size(model).parameters, *each) for model in self.models for each in asked)

    def pilot_cells(self) -> tuple[Cell, ...]:
        """Return the cells that only choose the learning rates, each to the horizon that it is chosen for."""
        pilots = tuple((replicate, replicate) for replicate in range(self.training.pilots))
        return tuple(
            self.cell(asked, rate, "stored pilot" if asked.stored else "pilot", run)
            for asked in self.tuned()
            for rate in self.training.learning_rates
            for run in pilots
        )

    def main_cells(self, rates: Mapping[Tuned, float]) -> tuple[Cell, ...]:
        """Return the grid at the chosen rates: every horizon of fresh data, and every D.

        What has no rate (all of them diverged) has no cells.
        """
        return tuple(
            self.cell(asked, rates[asked], "stored" if asked.stored else "online", run)
            for asked in self.tuned()
            if asked in rates
            for run in self.grid.runs
        )

    @property
    def cell_count(self) -> int:
        """Return the number of cells of the whole grid, those that choose the learning rates included."""
        each = self.training.pilots * len(self.training.learning_rates) + self.grid.run_count
        return len(self.grid.multiples) * (self.training.ladder + len(self.grid.tokens)) * each

    @property
    def work_flops(self) -> float:
        """Return about what the whole grid costs: training, and a forward pass of each evaluated window."""
        each = self.training.pilots * len(self.training.learning_rates) + self.grid.run_count
        window = self.evaluation.sequences * self.model.context / 3
        flops = {size(model).parameters: size(model).training_flops_per_token for model in self.models}
        total = 0.0
        for one in self.tuned():
            tokens = one.horizon * self.step_tokens + window * sum(step <= one.horizon for step in self.checkpoints)
            total += each * flops[one.parameters] * tokens
        return total

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share to share an output folder: all but words, claims, references, guess."""
        shared = super().identity() | {"schema": SCHEMA, "model": self.model.identity()}
        return {name: shared[name] for name in shared if name != "references"}

    def cell(self, asked: Tuned, rate: float, role: Role, run: tuple[int, int]) -> Cell:
        """Return the run of one draw and initialisation at a rate."""
        model = next(model for model in self.models if size(model).parameters == asked.parameters)
        return Cell(
            world=self.world.for_window(model.context),
            model=model,
            optimiser=self.optimiser,
            learning_rate=rate,
            horizon=asked.horizon,
            role=role,
            tokens=asked.tokens,
            draw=run[0],
            initialisation=run[1],
            nested=self.grid.nested,
            stopping=self.training.kept,
            evaluation=self.evaluation,
            checkpoints=self.checkpoints,
            seed=self.seed,
        )


class Plane(NamedTuple):
    """A grid in one world at one context length, as a part of what a run holds."""

    study: Asked
    prefix: str = ""
    """What the names of its tables begin with; nothing if there is no other."""
    label: str = ""
    """What tells it from the others, in words."""
    budget: Budget = Budget()
    """How much work its truth may cost."""


@functools.cache
def _family(model: Transformer, multiples: tuple[int, ...], scaled: str) -> tuple[Transformer, ...]:
    """Return the models of a family; kept, as every cell of a grid asks for its own."""
    wider, deeper = (scaled in (each, "both") for each in ("width", "depth"))
    return tuple(
        msgspec.structs.replace(
            model,
            width=model.width * (multiple if wider else 1),
            layers=model.layers * (multiple if deeper else 1),
        )
        for multiple in multiples
    )


def _check_windows(tokens: int, n: int) -> None:
    """Refuse D tokens that are no whole number of windows of n, or more of them than are counted."""
    require(tokens >= n, "grid.tokens: D", tokens, f"at least one window of n={n} tokens", f"use {n} or more")
    near = f"use {tokens // n * n} or {(tokens // n + 1) * n}"
    require(tokens % n == 0, "grid.tokens: D", tokens, f"a whole number of windows of n={n} tokens", near)
    most, rule = MOST_WINDOWS * n, f"at most {MOST_WINDOWS} windows of n={n} tokens"
    require(tokens <= most, "grid.tokens: D", tokens, rule, f"use {most} or fewer")
