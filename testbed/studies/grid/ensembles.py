"""After training: every measure on the shelf, asked of the stored parameters of every ensemble."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
import pandas as pd

from testbed.cell import Cell
from testbed.measure.contexts import Reference
from testbed.model import forward
from testbed.model.size import size
from testbed.model.stored import unflatten
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.store import Store
from testbed.studies.grid.analysis import reported
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.layout import Tuned
from testbed.studies.grid.measures import measures, table_name
from testbed.terminal.display import Display

Value = TypeVar("Value")
Group = tuple[Transformer, str, int]
"""(model, role, D): the cells that differ in their replicate only."""


def observe(
    store: Store,
    study: Asked,
    rates: dict[Tuned, float],
    shared: Reference,
    asked: Sequence[str],
    shown: Display,
) -> None:
    """Take the measures that are ``asked`` of the ensembles at the longest horizon, and leave one table each.

    Diverged replicates are left out; an ensemble with none left has no row. Under the stopping rule "best" the first
    half of the sequences chose the checkpoints, so that only the second half is read.
    """
    shelf, windows = measures(), shared.only(reported(study.training.stopping, len(shared.tokens_BL)))
    known: dict[Any, Any] = {}
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in asked}
    for (model, role, tokens), cells in _groups(store, study, rates).items():
        key = {"parameters": size(model).parameters, "role": role, "tokens": tokens}
        ensemble = _Ensemble(store, model, cells, windows, known)
        for name in asked:
            tables[name] += [key | row for row in shelf[name].observe(ensemble)]
        shown.advance(1, f"measuring width {model.width}, {role}, D = {tokens}")
    for name, rows in tables.items():
        store.write_frame(table_name(name), pd.DataFrame(rows))


def count(study: Asked, rates: dict[Tuned, float]) -> int:
    """Return how many ensembles there are to be measured, if no whole one diverged."""
    return sum(asked.stored or asked.horizon == study.training.steps for asked in rates)


class _Ensemble:
    """The replicates of one group, see ``measures.Ensemble``: their logits on the sequences that may be reported."""

    def __init__(
        self, store: Store, model: Transformer, cells: list[Cell], windows: Reference, known: dict[Any, Any]
    ) -> None:
        self.world, self.model, self.windows, self._known = cells[0].world, model, windows, known
        self.seeds = [(cell.draw, cell.initialisation) for cell in cells]
        self._kept = [unflatten(model, store.parameters(cell.digest)) for cell in cells]
        self._logits_RBLV = [np.asarray(_logits(model, params, self.windows.tokens_BL)) for params in self._kept]

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield log p* and the log p of every replicate in float64, sequence by sequence."""
        for at, log_star_LV in enumerate(self.windows.logp_BLV):
            logits_RLV = np.stack([logits_BLV[at] for logits_BLV in self._logits_RBLV]).astype(np.float64)
            yield log_star_LV, np.asarray(logits_RLV - np.logaddexp.reduce(logits_RLV, axis=-1, keepdims=True))

    def states(self) -> Iterator[np.ndarray]:
        """Yield what each layer hands on, replicate by replicate."""
        for params in self._kept:
            yield np.asarray(_states(self.model, params, self.windows.tokens_BL))

    def once(self, make: Callable[[Source, Reference], Value]) -> Value:
        """Return what ``make`` tells of world and windows."""
        if make not in self._known:
            self._known[make] = make(self.world, self.windows)
        found: Value = self._known[make]
        return found


_logits = jax.jit(forward.logits_of_batch, static_argnums=0)
_states = jax.jit(forward.representations_of_batch, static_argnums=0)


def _groups(store: Store, study: Asked, rates: dict[Tuned, float]) -> dict[Group, list[Cell]]:
    groups: dict[Group, list[Cell]] = {}
    for cell in study.main_cells(rates):
        longest = cell.role == "stored" or cell.horizon == study.training.steps
        if longest and store.row(cell.digest)["status"] == "finished":
            groups.setdefault((cell.model, cell.role, cell.tokens), []).append(cell)
    return groups
