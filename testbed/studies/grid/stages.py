"""The stages of a grid: its truth, the learning rates, the grid at those rates, and what is read off its parameters."""

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
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.layout import Tuned
from testbed.studies.grid.measures import measures, table_name
from testbed.study import Stage, Task
from testbed.terminal.display import Display
from testbed.terminal.plan import Planned
from testbed.train.plan import Bucket, plan
from testbed.training import contexts, lacking, planned, space


def stages(study: Asked) -> tuple[Stage, ...]:
    """Return the stages of a grid."""

    def pilots(store: Store, options: Options) -> Sequence[Task]:
        return lacking(store, _buckets(study, options, _any_rate(study))[0], options)

    def rest(store: Store, options: Options) -> Sequence[Task]:
        return lacking(store, _buckets(study, options, cells.rates(store, study))[1], options)

    return (
        Stage("computing the truth", lambda store, _: _truths(study, store)),
        Stage("choosing learning rates", pilots, telling=True),
        Stage("training", rest),
        Stage("measuring", lambda store, _: _measures(study, store)),
    )


def ahead(study: Asked, options: Options) -> list[Planned]:
    """Return the batches that will be trained, those of the grid at a rate that stands for the one to be chosen.

    Error: ValueError if a run does not fit the memory that is granted.
    """
    pilots, rest = _buckets(study, options, _any_rate(study))
    return [planned("learning rates", bucket) for bucket in pilots] + [planned("grid", bucket) for bucket in rest]


@dataclass(frozen=True)
class _Task:
    """A piece of work that leaves one file or a few."""

    digest: str
    words: str
    work: float
    do: Callable[[Store, Display], Any]

    def run(self, store: Store, options: Options, shown: Display) -> None:
        """Do it."""
        self.do(store, shown)


def _buckets(study: Asked, options: Options, rates: dict[Tuned, float]) -> tuple[list[Bucket], list[Bucket]]:
    """Return the buckets that choose the learning rates and those of the rest of the grid, equally wide where free."""
    pilots, rest, room = study.pilot_cells(), study.main_cells(rates), space(options)
    wide = max(len(pilots), len(rest)) // len(study.models)
    return plan(pilots, room, wide), plan(rest, room, wide)


def _any_rate(study: Asked) -> dict[Tuned, float]:
    return dict.fromkeys(study.tuned(), study.training.learning_rates[0])


def _truths(study: Asked, store: Store) -> list[Task]:
    """Return what is lacking of the entropies of the world, and of the windows that all models share."""
    tasks: list[Task] = []
    if not store.holds("truth.json"):
        tasks.append(_Task("truth", "entropies of the world", 1.0, lambda store, shown: _truth(study, store, shown)))
    if not store.holds("reference.parquet"):
        tasks.append(_Task("contexts", "shared contexts", 1.0, lambda store, shown: _contexts(study, store, shown)))
    if not store.holds(floors.TABLE):
        told = "what narrow models cannot hold"
        tasks.append(_Task("floors", told, 1.0, lambda store, shown: _floors(study, store, shown)))
    return tasks


def _floors(study: Asked, store: Store, shown: Display) -> None:
    shown.stage("searching what logits of each width can reach")
    store.write_frame(floors.TABLE, floors.table(study))
    shown.advance(1.0, "floors of B")


def _truth(study: Asked, store: Store, shown: Display) -> None:
    shown.stage("computing the entropies of the world")
    store.write_json("truth.json", msgspec.to_builtins(study.world.truth(study.model.context)))
    shown.advance(1.0, "entropies of the world")


def _contexts(study: Asked, store: Store, shown: Display) -> None:
    """Leave the Bayes loss on the shared contexts, for judging without a model."""
    shown.stage("drawing the contexts on which all models are compared")
    shared = _shared(study)
    bayes: dict[str, np.ndarray] = {"bayes_nll_B": shared.nll_B, "bayes_entropy_B": shared.entropy_B}
    store.write_arrays("reference.parquet", bayes | {"tokens_BL": shared.tokens_BL})
    shown.advance(1.0, "shared contexts")


def _shared(study: Asked) -> Reference:
    """Return the windows on which all models are compared; they are those of every cell."""
    cell = study.pilot_cells()[0]
    return contexts(cell.world, cell.evaluation.sequences, cell.model.context, cell.seed)


def _measures(study: Asked, store: Store) -> list[Task]:
    """Return the measures of stored parameters, and the comparison with reference predictors, as far as lacking."""
    tasks: list[Task] = []
    asked = tuple(name for name in measures() if not store.holds(table_name(name)))
    if asked:
        chosen = cells.rates(store, study)
        work = float(ensembles.count(study, chosen))
        tasks.append(
            _Task(
                " ".join(("measures", *asked)),
                "measures of stored parameters",
                work,
                lambda store, shown: ensembles.observe(store, study, chosen, _shared(study), asked, shown),
            )
        )
    if not references.holds(references.saved(store), study.references):
        told = f"{len(study.references)} reference predictors"
        tasks.append(_Task("references", told, 1.0, lambda store, shown: _compare(study, store, shown)))
    return tasks


def _compare(study: Asked, store: Store, shown: Display) -> None:
    """Measure the reference predictors on the windows that are reported."""
    shown.stage(f"measuring {len(study.references)} reference predictors")
    shared = _shared(study)
    read = reported(study.training.stopping, len(shared.tokens_BL))
    windows = Reference(shared.tokens_BL[read], shared.logp_BLV[read])
    store.write_frame(references.TABLE, regret.table(study.references, windows))
    shown.advance(1.0, "reference predictors")
