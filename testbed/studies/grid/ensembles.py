"""After training: every measure on the shelf, asked of the stored parameters of every ensemble."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
import pandas as pd

from testbed.cell import Cell
from testbed.measure.contexts import Reference
from testbed.model import forward
from testbed.model.size import size
from testbed.model.stored import unflatten
from testbed.model.transformer import Transformer
from testbed.store import Store
from testbed.studies.grid.analysis import reported
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.layout import Tuned
from testbed.studies.grid.measures import measures, table_name
from testbed.terminal.display import Display

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
    shelf = measures()
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in asked}
    for (model, role, tokens), cells in _groups(store, study, rates).items():
        key = {"parameters": size(model).parameters, "role": role, "tokens": tokens}
        ensemble = _Ensemble(store, study, model, cells, shared)
        for name in asked:
            tables[name] += [key | row for row in shelf[name].observe(ensemble.pairs())]
        shown.advance(1, f"measuring width {model.width}, {role}, D = {tokens}")
    for name, rows in tables.items():
        store.write_frame(table_name(name), pd.DataFrame(rows))


def count(study: Asked, rates: dict[Tuned, float]) -> int:
    """Return how many ensembles there are to be measured, if no whole one diverged."""
    return sum(asked.stored or asked.horizon == study.training.steps for asked in rates)


class _Ensemble:
    """The replicates of one group: their logits on the sequences that may be reported."""

    def __init__(self, store: Store, study: Asked, model: Transformer, cells: list[Cell], shared: Reference) -> None:
        self.read = reported(study.training.stopping, len(shared.tokens_BL))
        self.truth_BLV = shared.logp_BLV[self.read]
        predict = jax.jit(functools.partial(forward.logits_of_batch, model))
        kept = (unflatten(model, store.parameters(cell.digest)) for cell in cells)
        self.logits_RBLV = [np.asarray(predict(params, shared.tokens_BL[self.read])) for params in kept]

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield log p* and the log p of every replicate in float64, sequence by sequence."""
        for at, log_star_LV in enumerate(self.truth_BLV):
            logits_RLV = np.stack([logits_BLV[at] for logits_BLV in self.logits_RBLV]).astype(np.float64)
            yield log_star_LV, np.asarray(logits_RLV - np.logaddexp.reduce(logits_RLV, axis=-1, keepdims=True))


def _groups(store: Store, study: Asked, rates: dict[Tuned, float]) -> dict[Group, list[Cell]]:
    groups: dict[Group, list[Cell]] = {}
    for cell in study.main_cells(rates):
        longest = cell.role == "stored" or cell.horizon == study.training.steps
        if longest and store.row(cell.digest)["status"] == "finished":
            groups.setdefault((cell.model, cell.role, cell.tokens), []).append(cell)
    return groups
