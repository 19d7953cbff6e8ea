"""The stages of a grid: its truth, the learning rates, the grid at those rates, and what is read off its parameters."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from testbed.ground.options import Options
from testbed.measure import regret
from testbed.measure.contexts import Reference
from testbed.store import Store
from testbed.studies.grid import cells, ensembles, floors, references
from testbed.studies.grid.analysis import reported
from testbed.studies.grid.asked import Asked, Plane
from testbed.studies.grid.layout import Tuned
from testbed.studies.grid.measures import measures, table_name
from testbed.study import Stage, Task
from testbed.terminal.display import Display
from testbed.terminal.plan import Planned
from testbed.train.plan import Bucket, plan
from testbed.training import contexts, lacking, planned, space


def stages(planes: Sequence[Plane]) -> tuple[Stage, ...]:
    """Return the stages of grids that are one run: what shares a program is trained together."""

    def truths(store: Store, options: Options) -> Sequence[Task]:
        return [task for plane in planes for task in _truths(plane, store.part_of(plane.prefix))]

    def pilots(store: Store, options: Options) -> Sequence[Task]:
        return lacking(store, _buckets(planes, options, _any_rate)[0], options)

    def rest(store: Store, options: Options) -> Sequence[Task]:
        chosen = functools.partial(cells.rates, store)
        return lacking(store, _buckets(planes, options, chosen)[1], options)

    def measured(store: Store, options: Options) -> Sequence[Task]:
        return [task for plane in planes for task in _measures(plane, store.part_of(plane.prefix))]

    return (
        Stage("computing the truth", truths),
        Stage("choosing learning rates", pilots, telling=True),
        Stage("training", rest),
        Stage("measuring", measured),
    )


def ahead(planes: Sequence[Plane], options: Options) -> list[Planned]:
    """Return the batches that will be trained, those of the grids at a rate that stands for the one to be chosen.

    Error: ValueError if a run does not fit the memory that is granted.
    """
    pilots, rest = _buckets(planes, options, _any_rate)
    return [planned("learning rates", bucket) for bucket in pilots] + [planned("grid", bucket) for bucket in rest]


@dataclass(frozen=True)
class _Task:
    """A piece of work that leaves one file or a few, in the part of a store that is a plane's."""

    plane: Plane
    name: str
    what: str
    work: float
    do: Callable[[Plane, Store, Display], Any]

    @property
    def digest(self) -> str:
        """Its name, and that of its plane."""
        return f"{self.plane.prefix}{self.name}"

    @property
    def words(self) -> str:
        """What it is, and in which plane."""
        return f"{self.what}, {self.plane.label}" if self.plane.label else self.what

    def run(self, store: Store, options: Options, shown: Display) -> None:
        """Do it."""
        self.do(self.plane, store.part_of(self.plane.prefix), shown)


def _buckets(
    planes: Sequence[Plane], options: Options, rates: Callable[[Asked], dict[Tuned, float]]
) -> tuple[list[Bucket], list[Bucket]]:
    """Return the buckets that choose the learning rates and those of the rest, equally wide where free."""
    pilots = [cell for plane in planes for cell in plane.study.pilot_cells()]
    rest = [cell for plane in planes for cell in plane.study.main_cells(rates(plane.study))]
    models, room = {cell.model for cell in pilots}, space(options)
    wide = max(len(pilots), len(rest)) // len(models)
    return plan(pilots, room, wide), plan(rest, room, wide)


def _any_rate(study: Asked) -> dict[Tuned, float]:
    return dict.fromkeys(study.tuned(), study.training.learning_rates[0])


def _truths(plane: Plane, store: Store) -> list[_Task]:
    """Return what is lacking of the entropies of the world, and of the windows that all models share."""
    asked = (
        ("truth", "truth.json", "entropies of the world", _truth),
        ("contexts", "reference.parquet", "shared contexts", _contexts),
        ("floors", floors.TABLE, "what narrow models cannot hold", _floors),
    )
    return [_Task(plane, name, what, 1.0, do) for name, file, what, do in asked if not store.holds(file)]


def _floors(plane: Plane, store: Store, shown: Display) -> None:
    shown.stage("searching what logits of each width can reach")
    store.write_frame(floors.TABLE, floors.table(plane.study))
    shown.advance(1.0, "floors of B")


def _truth(plane: Plane, store: Store, shown: Display) -> None:
    shown.stage("computing the entropies of the world")
    found = plane.study.world.truth(plane.study.model.context, budget=plane.budget)
    store.write_json("truth.json", msgspec.to_builtins(found))
    shown.advance(1.0, "entropies of the world")


def _contexts(plane: Plane, store: Store, shown: Display) -> None:
    """Leave the Bayes loss on the shared contexts, for judging without a model."""
    shown.stage("drawing the contexts on which all models are compared")
    shared = _shared(plane.study)
    bayes: dict[str, np.ndarray] = {"bayes_nll_B": shared.nll_B, "bayes_entropy_B": shared.entropy_B}
    store.write_arrays("reference.parquet", bayes | {"tokens_BL": shared.tokens_BL})
    shown.advance(1.0, "shared contexts")


def _shared(study: Asked) -> Reference:
    """Return the windows on which all models are compared; they are those of every cell."""
    cell = study.pilot_cells()[0]
    return contexts(cell.world, cell.evaluation.sequences, cell.model.context, cell.seed)


def _measures(plane: Plane, store: Store) -> list[_Task]:
    """Return the measures of stored parameters, and the comparison with reference predictors, as far as lacking."""
    study, tasks = plane.study, []
    asked = tuple(name for name in measures() if not store.holds(table_name(name)))
    if asked:
        chosen = cells.rates(store, study)

        def observe(plane: Plane, store: Store, shown: Display) -> None:
            ensembles.observe(store, study, chosen, _shared(study), asked, shown)

        work = float(ensembles.count(study, chosen))
        tasks.append(_Task(plane, " ".join(("measures", *asked)), "measures of stored parameters", work, observe))
    if not references.holds(references.saved(store), study.references):
        told = f"{len(study.references)} reference predictors"
        tasks.append(_Task(plane, "references", told, 1.0, _compare))
    return tasks


def _compare(plane: Plane, store: Store, shown: Display) -> None:
    """Measure the reference predictors on the windows that are reported."""
    study = plane.study
    shown.stage(f"measuring {len(study.references)} reference predictors")
    shared = _shared(study)
    windows = shared.only(reported(study.training.stopping, len(shared.tokens_BL)))
    store.write_frame(references.TABLE, regret.table(study.references, windows))
    shown.advance(1.0, "reference predictors")
