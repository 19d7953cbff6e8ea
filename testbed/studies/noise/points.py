"""The points of a study of noise: parameters are found, sequences stream past, and what is seen is stored."""

import time
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np
from jaxtyping import Array, Key

from testbed.ground import keys
from testbed.ground.options import Options
from testbed.model.size import size
from testbed.model.stored import unflatten
from testbed.model.transformer import Transformer
from testbed.store import Store
from testbed.studies.noise.asked import Asked, Point
from testbed.studies.noise.measures.observe import observe
from testbed.studies.noise.measures.seen import Seen
from testbed.studies.noise.predictions.stated import stated
from testbed.terminal.display import Display

COMPILING = 2.0**23
"""What making a program costs, in tokens; used for the bar only."""

_CALLED: set[Hashable] = set()
"""Programs that this process has compiled, so that only what is slow is announced."""


class Observation(NamedTuple):
    """The task of observing a point and leaving a part; one whose training diverged leaves none."""

    point: Point

    @property
    def digest(self) -> str:
        """The name of its part."""
        return self.point.digest

    @property
    def words(self) -> str:
        """Its arm and length."""
        return f"{self.point.arm}, n = {self.point.length}"

    @property
    def work(self) -> float:
        """About what it costs, in tokens: those it samples, or the pairs it scores, and compiling."""
        point = self.point
        return point.sequences * point.length * (point.length / 50 if point.deep else 1) + COMPILING

    def run(self, store: Store, options: Options, shown: Display) -> None:
        """Observe it."""
        if not store.has(self.digest):
            if not _programs(self.point) <= _CALLED:
                shown.stage(f"{self.words}: compiling")
            _CALLED.update(_programs(self.point))
            _observe(store, self, shown)


def lacking(store: Store, points: Iterable[Point]) -> list[Observation]:
    """Return the points to be observed: those without a part, unless their training diverged."""
    return [Observation(point) for point in points if not store.has(point.digest) and not _diverged(store, point)]


def check_memory(study: Asked, granted: int) -> None:
    """Refuse arms whose parameters are more than a device may hold, twice: as they are planted, and as they are used.

    Error: ValueError that names the arm.
    """
    for arm in study.arms:
        needed = 2 * size(arm.model).parameter_bytes
        if needed > granted:
            raise ValueError(
                f"arm {arm.name}: its model needs {needed / 2**30:.3g} GiB and {granted / 2**30:.3g} GiB are granted "
                "per device; give it fewer layers, a smaller width or a shorter context, or raise --memory-gib."
            )


def check_arms(study: Asked) -> None:
    """Refuse arms that drop other assumptions than they say, or whose weights cannot be planted into their model.

    Error: ValueError that names the arm.
    """
    for arm in study.arms:
        kept = stated(arm.world, arm.model)
        dropped = [name for name, each in kept.items() if each.status == "dropped"]
        found = dropped[0] if len(dropped) == 1 else "several" if dropped else "none"
        if found != arm.drops:
            why = " ".join(f"{name}: {kept[name].reason}" for name in dropped) or "Every assumption is kept."
            raise ValueError(
                f"arm {arm.name}: drops={arm.drops!r} is not what its world and model do, which is {found!r}. {why} "
                f"Set drops={found!r}, or change the switches."
            )
        try:
            for draw in range(arm.draws):
                arm.weights.parameters(arm.model, arm.world, key=_initial(study.seed, draw))
        except ValueError as refusal:
            raise ValueError(f"arm {arm.name}: {refusal}") from refusal


def model_of(point: Point) -> Transformer:
    """Return the model that a point is observed with: that of its training run where its positions are learned.

    Elsewhere the context that a model was trained at is no part of it, and points share their programs.
    """
    return point.cell.model if point.cell is not None and point.model.positions == "learned" else point.model


def parameters(store: Store, point: Point) -> dict[str, Any] | None:
    """Return the parameters of a point: planted or fresh, or the trained ones; None if training diverged."""
    if point.cell is None:
        key = _initial(point.seed, point.draw)
        found: dict[str, Any] = point.weights.parameters(point.model, point.world, key=key)
        return found
    if _diverged(store, point):
        return None
    trained: dict[str, Any] = unflatten(point.cell.model, store.parameters(point.cell.digest))
    return trained


def seen(store: Store, point: Point) -> Seen:
    """Return what was seen at a point that has been observed."""
    return Seen(**store.parameters(point.digest))


def _initial(seed: int, draw: int) -> Key[Array, ""]:
    """Return the key of the parameters of a draw."""
    return keys.stream(seed, "noise initialisation", draw)


def _diverged(store: Store, point: Point) -> bool:
    return point.cell is not None and store.row(point.cell.digest)["status"] != "finished"


def _programs(point: Point) -> set[Hashable]:
    """Return what tells the sampler and the forward of a point from those of others."""
    model, room = model_of(point), point.length if point.deep else point.room
    return {(type(point.world), point.length, room), (model, point.deep, room)}


def _observe(store: Store, task: Observation, shown: Display) -> None:
    began, point = time.monotonic(), task.point
    params = parameters(store, point)
    if params is None:
        shown.advance(task.work, task.words)
        return
    found = observe(
        point.world,
        model_of(point),
        params,
        length=point.length,
        sequences=point.sequences,
        kept=point.kept,
        deep=point.deep,
        room=point.room,
        key=keys.stream(point.seed, "noise", point.stream),
        directions=keys.stream(point.seed, "noise directions"),
        told=lambda share: shown.advance(share * task.work, task.words),
    )
    row = {
        "arm": point.arm,
        "length": point.length,
        "draw": point.draw,
        "sequences": point.sequences,
        "status": "observed",
        "seconds": time.monotonic() - began,
        "spec": msgspec.json.encode(point).decode(),
    }
    store.write(point.digest, row, {}, {name: np.asarray(value) for name, value in found._asdict().items()})
