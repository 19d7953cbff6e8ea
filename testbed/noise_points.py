"""The points of a study of noise: parameters are found, sequences stream past, and what is seen is stored."""

import time
from collections.abc import Hashable, Iterable
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Array, Key

from testbed import keys
from testbed.display import Display
from testbed.ensembles import unflatten
from testbed.measure.noise.observe import Seen, observe
from testbed.measure.noise.stated import stated
from testbed.model.size import size
from testbed.model.transformer import Transformer
from testbed.store import Store
from testbed.study import NoiseStudy, Point

COMPILING = 2.0**23
"""What making a program costs, in tokens; used for the bar only."""


def observe_all(store: Store, points: Iterable[Point], shown: Display) -> None:
    """Observe the points that the store lacks, and leave one part each.

    A point whose training diverged is left out. What is done, or compiled, is ``shown`` as it goes on.
    """
    called: set[Hashable] = set()
    for point in points:
        if not store.has(point.digest):
            programs = _programs(point)
            if not programs <= called:
                shown.stage(f"{_name(point)}: compiling")
            called |= programs
            _observe(store, point, shown)


def check_memory(study: NoiseStudy, granted: int) -> None:
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


def check_arms(study: NoiseStudy) -> None:
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


def work(point: Point) -> float:
    """Return about what a point costs, in tokens: those it samples, or the pairs it scores, and compiling."""
    return point.sequences * point.length * (point.length / 50 if point.deep else 1) + COMPILING


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
    if store.row(point.cell.digest)["status"] != "finished":
        return None
    trained: dict[str, Any] = unflatten(point.cell.model, store.parameters(point.cell.digest))
    return trained


def seen(store: Store, point: Point) -> Seen:
    """Return what was seen at a point that has been observed."""
    return Seen(**store.parameters(point.digest))


def _initial(seed: int, draw: int) -> Key[Array, ""]:
    """Return the key of the parameters of a draw."""
    return keys.stream(seed, "noise initialisation", draw)


def _name(point: Point) -> str:
    return f"{point.arm}, n = {point.length}"


def _programs(point: Point) -> set[Hashable]:
    """Return what tells the sampler and the forward of a point from those of others."""
    model, room = model_of(point), point.length if point.deep else point.room
    return {(type(point.world), point.length, room), (model, point.deep, room)}


def _observe(store: Store, point: Point, shown: Display) -> None:
    began = time.monotonic()
    params = parameters(store, point)
    if params is None:
        shown.advance(work(point), _name(point))
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
        told=lambda share: shown.advance(share * work(point), _name(point)),
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
