"""A bucket from its first step to its outcomes, in pieces that a kill cannot lose: advance, evaluate, save."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from testbed.cell import Cell
from testbed.ground.options import Placement
from testbed.train.lanes import Contexts, Lane, LaneState, Observer, Program, Recipe, lane, program, stack
from testbed.train.plan import Bucket, Room

_CHUNK_SECONDS = 1.0
"""Aim for the time between two returns to the host: rare enough to cost nothing, often enough to show progress."""

_BRIEF, _SHORT = 5e10, 2e12
"""Work (`Bucket.work`) below which training takes a second, or some ten, on a CPU: less than compiling it well."""

_CALLED: set[tuple[Recipe, int]] = set()
"""Programs that this process has called, with their number of lanes: told to people only."""

Arrays = dict[str, np.ndarray]


@runtime_checkable
class Snapshots(Protocol):
    """Where a bucket leaves what it needs to carry on."""

    def load(self) -> Arrays | None:
        """Return the last snapshot, or None."""

    def save(self, arrays: Arrays) -> None:
        """Replace the snapshot, whole or not at all."""


class Outcome(NamedTuple):
    """A finished cell."""

    cell: Cell
    status: str
    """"finished" or "diverged"."""
    sentence: str
    """Why, in words; empty if all went well."""
    step_C: np.ndarray
    """Evaluated steps."""
    evidence: Arrays
    """What the observer saw, with a leading axis C; "train_loss" among it."""
    kept_step: int
    kept: Arrays
    """The parameters that the stopping rule kept."""
    seconds: float
    """Its share of the bucket's time, compilation included."""


def train(
    bucket: Bucket,
    contexts: Contexts,
    observe: Observer,
    *,
    room: Room,
    placement: Placement,
    snapshots: Snapshots,
    interval_seconds: float,
    progress: Callable[[int, bool], None],
    compiling: Callable[[str], None] = lambda what: None,
) -> Iterator[Outcome]:
    """Yield the outcome of every cell of a bucket, resuming from its snapshot if there is one.

    ``progress`` is called with the tokens done since it was last called, and whether they were trained now (or by an
    earlier process, as the snapshot tells), and ``compiling`` with the name of a program before its first call in this
    process. A snapshot is saved whenever ``interval_seconds`` have passed since the last one, and once at the end,
    before the first outcome is yielded.
    """
    recipe = _recipe(bucket, observe, room, placement)
    functions, known = program(recipe), (recipe, bucket.width) in _CALLED
    _CALLED.add((recipe, bucket.width))
    if not known:
        compiling("the training step")
    lanes = stack([lane(cell, bucket.place(cell)) for cell in bucket.cells], bucket.width)
    run = _Run(bucket, functions, lanes, contexts)
    saved = snapshots.load()
    state = functions.init(lanes)
    if saved is not None:
        state = run.restore(state, saved)
        progress(run.tokens(0, run.step), False)
    clock = _Clock(interval_seconds)
    for goal in [step for step in bucket.cells[0].checkpoints if run.step < step <= bucket.steps]:
        state = run.reach(state, goal, clock, snapshots, progress)
        if not known:
            compiling("the evaluation")
            known = True
        state = run.evaluate(state, goal)
    snapshots.save(run.snapshot(state))
    yield from run.outcomes(state)


class _Run:
    """A bucket under way: where it is, and what has been seen."""

    def __init__(self, bucket: Bucket, functions: Program, lanes: Lane, contexts: Contexts) -> None:
        self.bucket, self.functions, self.lanes, self.contexts = bucket, functions, lanes, contexts
        self.step = 0
        self.seconds = 0.0
        self.began = time.monotonic()
        self.seen: list[tuple[int, Arrays]] = []

    def tokens(self, start: int, stop: int) -> int:
        """Return the tokens that the lanes train on between two steps."""
        return sum(
            (min(stop, cell.horizon) - min(start, cell.horizon)) * cell.optimiser.batch * cell.model.context
            for cell in self.bucket.cells
        )

    def reach(
        self,
        state: LaneState,
        goal: int,
        clock: "_Clock",
        snapshots: Snapshots,
        progress: Callable[[int, bool], None],
    ) -> LaneState:
        """Return the state at a step, having told progress and left snapshots on the way to it."""
        while self.step < goal:
            began = self.step
            state = self.advance(state, min(goal, began + clock.chunk))
            progress(self.tokens(began, self.step), True)
            clock.tick(self.step - began)
            if clock.due() and self.step < goal:
                snapshots.save(self.snapshot(state))
                clock.saved()
        return state

    def advance(self, state: LaneState, stop: int) -> LaneState:
        state = self.functions.advance(state, self.lanes, jnp.int32(self.step), jnp.int32(stop))
        jax.block_until_ready(state.loss_steps)
        self.step = stop
        return state

    def evaluate(self, state: LaneState, step: int) -> LaneState:
        state, evidence = self.functions.evaluate(state, self.lanes, jnp.int32(step), self.contexts)
        self.seen.append((step, {name: np.asarray(value) for name, value in evidence.items()}))
        return state

    def snapshot(self, state: LaneState) -> Arrays:
        lanes = len(self.bucket.cells)  # idle lanes are left out, so that another width or device count can resume
        arrays = {f"state{path}": leaf[:lanes] for path, leaf in _flatten(state).items()}
        arrays["step"] = np.array([self.step])
        arrays["seconds"] = np.array([self._elapsed()])
        arrays["seen_steps"] = np.array([step for step, _ in self.seen], np.int64)
        for name in self.seen[0][1] if self.seen else ():
            arrays[f"seen/{name}"] = np.stack([evidence[name] for _, evidence in self.seen])
        return arrays

    def restore(self, template: LaneState, arrays: Arrays) -> LaneState:
        self.step = int(arrays["step"][0])
        self.seconds = float(arrays["seconds"][0])
        names = [name.removeprefix("seen/") for name in arrays if name.startswith("seen/")]
        self.seen = [
            (int(step), {name: arrays[f"seen/{name}"][at] for name in names})
            for at, step in enumerate(arrays["seen_steps"])
        ]
        leaves = [
            np.concatenate([saved := arrays[f"state{path}"], np.asarray(leaf)[len(saved) :]])
            for path, leaf in _flatten_paths(template).items()
        ]
        return jax.tree.unflatten(jax.tree.structure(template), leaves)

    def outcomes(self, state: LaneState) -> Iterator[Outcome]:
        diverged_at, kept_step = np.asarray(state.diverged_at), np.asarray(state.kept_step)
        kept = _flatten(state.kept)
        for at, cell in enumerate(self.bucket.cells):
            seen = [(step, evidence) for step, evidence in self.seen if step <= cell.horizon]
            steps = int(diverged_at[at])
            yield Outcome(
                cell=cell,
                status="finished" if steps < 0 else "diverged",
                sentence="" if steps < 0 else _sentence(cell, steps),
                step_C=np.array([step for step, _ in seen], np.int64),
                evidence={name: np.stack([evidence[name][at] for _, evidence in seen]) for name in seen[0][1]},
                kept_step=int(kept_step[at]),
                kept={path: leaf[at] for path, leaf in kept.items()},
                seconds=self._elapsed() * self.tokens_of(cell) / self.bucket.tokens,
            )

    def tokens_of(self, cell: Cell) -> int:
        return cell.horizon * cell.optimiser.batch * cell.model.context

    def _elapsed(self) -> float:
        return self.seconds + time.monotonic() - self.began


class _Clock:
    """How many steps to ask for at once, and when a snapshot is due."""

    def __init__(self, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds
        self.chunk = 1
        self.at = self.last_saved = time.monotonic()

    def tick(self, steps: int) -> None:
        now = time.monotonic()
        pace = (now - self.at) / steps
        self.chunk = max(1, min(2 * self.chunk, round(_CHUNK_SECONDS / max(pace, 1e-6))))
        self.at = now

    def due(self) -> bool:
        return time.monotonic() - self.last_saved >= self.interval_seconds

    def saved(self) -> None:
        self.at = self.last_saved = time.monotonic()


def _recipe(bucket: Bucket, observe: Observer, room: Room, placement: Placement) -> Recipe:
    cell = bucket.cells[0]
    return Recipe(
        cell.model,
        type(cell.world),
        cell.optimiser,
        cell.stopping,
        observe,
        room.mapping,
        placement,
        room.devices,
        level=0 if bucket.work < _BRIEF else 1 if bucket.work < _SHORT else None,
    )


def _sentence(cell: Cell, step: int) -> str:
    return (
        f"A loss or gradient was not finite at step {step} of {cell.horizon} "
        f"(learning rate {cell.learning_rate:g}); the run was stopped there."
    )


def _flatten(tree: Any) -> Arrays:
    return {path: np.asarray(leaf) for path, leaf in _flatten_paths(tree).items()}


def _flatten_paths(tree: Any) -> dict[str, Array | np.ndarray]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
