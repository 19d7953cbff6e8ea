"""After training: every measure on the shelf, asked of the stored parameters of every ensemble."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pandas as pd

from testbed.console import Console
from testbed.measure.analysis import reported
from testbed.measure.contexts import Reference
from testbed.measure.ensemble import measures, table_name
from testbed.model.size import size
from testbed.model.transformer import Transformer
from testbed.spec import Cell, Experiment
from testbed.store import Store

Group = tuple[Transformer, str, int]
"""(model, role, D): the cells that differ in their replicate only."""


def observe(
    store: Store, experiment: Experiment, rates: dict[Transformer, float], shared: Reference, console: Console
) -> None:
    """Take every measure of the ensembles at the longest horizon and leave one table each.

    Diverged replicates are left out; an ensemble with none left has no row. Under the stopping rule "best" the first
    half of the sequences chose the checkpoints, so that only the second half is read.
    """
    groups = _groups(store, experiment, rates)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in measures()}
    with console.progress("measuring", len(groups)) as shown:
        for (model, role, tokens), cells in groups.items():
            key = {"parameters": size(model).parameters, "role": role, "tokens": tokens}
            ensemble = _Ensemble(store, experiment, model, cells, shared)
            for name, measure in measures().items():
                tables[name] += [key | row for row in measure.observe(ensemble.pairs())]
            shown.advance(1, f"width {model.width}, {role}, D = {tokens}")
    for name, rows in tables.items():
        store.write_frame(table_name(name), pd.DataFrame(rows))


class _Ensemble:
    """The replicates of one group: their logits on the sequences that may be reported."""

    def __init__(
        self, store: Store, experiment: Experiment, model: Transformer, cells: list[Cell], shared: Reference
    ) -> None:
        self.read = reported(experiment.training.stopping, len(shared.tokens_BL))
        self.truth_BLV = shared.logp_BLV[self.read]
        predict = jax.jit(model.logits_of_batch)
        kept = (unflatten(model, store.parameters(cell.digest)) for cell in cells)
        self.logits_RBLV = [np.asarray(predict(params, shared.tokens_BL[self.read])) for params in kept]

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield log p* and the log p of every replicate in float64, sequence by sequence."""
        for at, log_star_LV in enumerate(self.truth_BLV):
            logits_RLV = np.stack([logits_BLV[at] for logits_BLV in self.logits_RBLV]).astype(np.float64)
            yield log_star_LV, np.asarray(logits_RLV - np.logaddexp.reduce(logits_RLV, axis=-1, keepdims=True))


def _groups(store: Store, experiment: Experiment, rates: dict[Transformer, float]) -> dict[Group, list[Cell]]:
    groups: dict[Group, list[Cell]] = {}
    for cell in experiment.main_cells(rates):
        if cell.horizon == experiment.training.steps and store.row(cell.digest)["status"] == "finished":
            groups.setdefault((cell.model, cell.role, cell.tokens), []).append(cell)
    return groups


def unflatten(model: Transformer, arrays: dict[str, np.ndarray]) -> Any:
    """Return parameters that were stored by path as the nested dict that the model takes."""
    template = jax.eval_shape(lambda: model.init(key=jax.random.key(0)))
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    return jax.tree.unflatten(structure, [arrays[jax.tree_util.keystr(path)] for path, _ in leaves])
