"""The stages of a study of noise: training, observing every point, comparing with theory."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from testbed.cell import Cell
from testbed.ground.options import Options
from testbed.store import Store
from testbed.studies.noise import points, tables
from testbed.studies.noise.asked import Asked
from testbed.studies.noise.finished import observed
from testbed.study import Stage, Task
from testbed.terminal.display import Display
from testbed.terminal.plan import Planned
from testbed.train.plan import Bucket, plan
from testbed.training import lacking, planned, space


def stages(study: Asked) -> tuple[Stage, ...]:
    """Return the stages of a study of noise."""
    return (
        Stage("training", lambda store, options: lacking(store, _buckets(study, options), options)),
        Stage("observing", lambda store, _: points.lacking(store, study.points())),
        Stage("comparing with theory", lambda store, _: _comparison(study, store)),
    )


def ahead(study: Asked, options: Options) -> list[Planned]:
    """Return the batches that will be trained.

    Error: ValueError if an arm is not what it says, or needs more memory than is granted.
    """
    points.check_memory(study, space(options).bytes_per_device)
    points.check_arms(study)
    return [planned("training", bucket) for bucket in _buckets(study, options)]


class _Comparison(NamedTuple):
    """The task of leaving the tables from which everything is judged."""

    study: Asked
    digest: str = "tables"
    words: str = "theory, and the assumptions as measured"
    work: float = 1.0

    def run(self, store: Store, options: Options, shown: Display) -> None:
        """Write the tables."""
        shown.stage("comparing with theory, and measuring the assumptions")
        tables.write(self.study, store, workers=len(space(options).devices))
        shown.advance(self.work, self.words)


def _comparison(study: Asked, store: Store) -> Sequence[Task]:
    return [] if observed(store) else [_Comparison(study)]


def _buckets(study: Asked, options: Options) -> list[Bucket]:
    """Return the buckets of the training runs; cells of one bucket share world and window."""
    cells, room = sorted(study.cells(), key=_window_of), space(options)
    return [bucket for _, group in itertools.groupby(cells, key=_window_of) for bucket in plan(group, room)]


def _window_of(cell: Cell) -> tuple[str, int]:
    return msgspec.json.encode(cell.world).decode(), cell.model.context
