"""The stages of a study of scaling laws: the losses of the grid are copied, and surfaces are simulated."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from testbed.ground.options import Options
from testbed.store import Store
from testbed.studies.scaling import cells, simulations
from testbed.studies.scaling.analysis import COLUMNS, LOSSES, WORLD
from testbed.studies.scaling.asked import Asked, World
from testbed.study import Stage
from testbed.terminal.display import Display


@dataclass(frozen=True)
class _Task:
    """A piece of work that leaves a file or two."""

    digest: str
    words: str
    work: float
    do: Callable[[Store, Display], None]

    def run(self, store: Store, options: Options, shown: Display) -> None:
        """Do it."""
        self.do(store, shown)


def stages(study: Asked) -> tuple[Stage, ...]:
    """Return the stages."""
    read = _Task("losses", "losses of the grid", 1.0, lambda store, shown: _read(study, store, shown))
    told = f"{study.surfaces} simulated surfaces"
    simulate = _Task("simulations", told, float(study.surfaces), lambda store, shown: _simulate(study, store, shown))
    return (
        Stage("reading the grid", lambda store, _: [] if _holds(store, LOSSES, WORLD) else [read]),
        Stage("simulating", lambda store, _: [] if _holds(store, simulations.TABLE) else [simulate]),
    )


def _holds(store: Store, *names: str) -> bool:
    return all(map(store.holds, names))


def _read(study: Asked, store: Store, shown: Display) -> None:
    """Copy the losses of the grid and what is known of its world, so that its folder is needed no more.

    Error: ValueError if they have changed since the study was begun.
    """
    shown.stage("reading the losses of the grid")
    frame, world = cells.read(study.grid)
    cells.check_same(study.grid, study.cells_sha256, world)
    store.write_frame(LOSSES, frame)
    store.write_json(WORLD, msgspec.to_builtins(world))
    shown.advance(1.0, "losses of the grid")


def _simulate(study: Asked, store: Store, shown: Display) -> None:
    shown.stage(f"fitting {study.surfaces} simulated surfaces")
    frame = store.read_frame(LOSSES, tuple(COLUMNS))
    world = store.read_json(WORLD, World)
    found = simulations.simulate(study, world, frame, lambda done: shown.advance(done, "simulated surfaces"))
    store.write_frame(simulations.TABLE, found)
