"""What a grid asks: a world, a family of models, sizes and data, as one frozen value; the cells of the grid."""

import math
from typing import Any

import msgspec

from testbed.cell import SCHEMA, Cell, Evaluation, Optimiser, Role
from testbed.ground.rules import MOST_WINDOWS, require
from testbed.model.transformer import MOST_WIDTH, Transformer
from testbed.predictors import AnyPredictor
from testbed.sources import AnySource
from testbed.studies.grid.layout import Grid, Training
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
        self._check_counts()
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

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share to share an output folder: everything but words, claims and references."""
        shared = super().identity() | {"schema": SCHEMA, "model": self.model.identity()}
        return {name: shared[name] for name in shared if name != "references"}

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
