"""The runs of a grid that a store holds, and the learning rates that they choose."""

from collections.abc import Sequence

import pandas as pd

from testbed.cell import EARLIER, SCHEMA, Cell
from testbed.model.size import size
from testbed.store import Store, StoreError
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.layout import Tuned
from testbed.studies.grid.rates import ONE_EACH, chosen_rates

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


def rates(store: Store, study: Asked) -> dict[Tuned, float]:
    """Return the learning rates that the pilots choose, wherever one survived."""
    return chosen_rates(store.cells({cell.digest for cell in study.pilot_cells()}, NEEDED))


def strangers(store: Store, *studies: Asked) -> int:
    """Return how many parts are in the folder that are of none of these grids."""
    known = set().union(*(_possible(study, schema) for study in studies for schema in (SCHEMA, *EARLIER)))
    return len(set(store.digests()) - known)


def earlier(study: Asked) -> Sequence[str]:
    """Return the names that the pilots of this grid had in earlier versions."""
    return [cell.named(schema) for cell in _earlier_pilots(study) for schema in EARLIER]


def _possible(study: Asked, schema: int) -> set[str]:
    """Return the names of all cells of a grid in a version, whatever learning rates its pilots choose."""
    every, asked = study.training.learning_rates, study.tuned()
    cells = [cell for rate in every for cell in study.main_cells(dict.fromkeys(asked, rate))]
    pilots = study.pilot_cells() if schema >= ONE_EACH else _earlier_pilots(study)
    return {cell.named(schema) for cell in (*pilots, *cells)}


def _earlier_pilots(study: Asked) -> list[Cell]:
    """Return the pilots of versions in which one rate was chosen for a size, to the last horizon but one."""
    horizon = study.training.horizons[-2]
    return [
        study.cell(Tuned(size(model).parameters, False, horizon * study.step_tokens, horizon), rate, "pilot", (at, at))
        for model in study.models
        for rate in study.training.learning_rates
        for at in range(study.grid.replicates)
    ]


def planned(study: Asked, cells: pd.DataFrame) -> int:
    """Return how many cells the run planned of which these are: each version has its own pilots."""
    if not len(cells) or cells["schema"].iloc[0] >= ONE_EACH:
        return study.cell_count
    main = len(study.main_cells(dict.fromkeys(study.tuned(), study.training.learning_rates[0])))
    return len(_earlier_pilots(study)) + main
