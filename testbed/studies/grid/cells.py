"""The runs of a grid that a store holds, and the learning rates that they choose."""

from collections.abc import Sequence

import pandas as pd

from testbed.cell import EARLIER, SCHEMA
from testbed.model.size import size
from testbed.model.transformer import Transformer
from testbed.store import Store, StoreError
from testbed.studies.grid.analysis import chosen_rates
from testbed.studies.grid.asked import Asked

NEEDED = (
    *("schema", "label", "parameters", "parameters_body", "context", "role", "tokens", "draw", "initialisation"),
    *("learning_rate", "horizon", "batch", "status", "sentence", "kept_step", "seconds", "spec"),
    *("kl_CB", "ce_CB", "step_C"),
)
"""Columns of a cell."""


def finished(store: Store, study: Asked) -> pd.DataFrame:
    """Return the finished cells of this grid, of the newest version that made any and that this one can read.

    Other parts are left out.

    Error: StoreError if there are parts, and all of them are of versions that this one cannot read.
    """
    readable = (SCHEMA, *EARLIER)
    found = (store.cells(_possible(study, schema), NEEDED) for schema in readable)
    cells = next((each for each in found if len(each)), pd.DataFrame())
    odd = set() if len(cells) else {store.row(digest).get("schema") for digest in store.digests()}
    if odd and not odd & set(readable):
        made, read = (", ".join(map(str, each)) for each in (sorted(odd, key=str), sorted(readable)))
        raise StoreError(
            f"{store.folder} holds cells of schema {made}: this one reads {read}; use the version that made the run."
        )
    return cells


def rates(store: Store, study: Asked) -> dict[Transformer, float]:
    """Return the learning rate that the pilots choose for every size of which one survived."""
    pilots = {cell.digest for cell in study.pilot_cells()}
    chosen = chosen_rates(store.cells(pilots, NEEDED))
    return {model: chosen[p] for model in study.models if (p := size(model).parameters) in chosen}


def strangers(store: Store, study: Asked) -> int:
    """Return how many parts are in the folder that are not of this grid."""
    known = set().union(*(_possible(study, schema) for schema in (SCHEMA, *EARLIER)))
    return len(set(store.digests()) - known)


def earlier(study: Asked) -> Sequence[str]:
    """Return the names that the pilots of this grid had in earlier versions."""
    return [cell.named(schema) for cell in study.pilot_cells() for schema in EARLIER]


def _possible(study: Asked, schema: int) -> set[str]:
    """Return the names of all cells of a grid in a version, whatever learning rates its pilots choose."""
    every = study.training.learning_rates
    cells = [cell for rate in every for cell in study.main_cells(dict.fromkeys(study.models, rate))]
    return {cell.named(schema) for cell in (*study.pilot_cells(), *cells)}
