"""From the folder of a finished grid to its analysis: no model and no trainer is needed."""

import pandas as pd

from testbed.measure.geometric import Decomposition
from testbed.model.size import size
from testbed.sources import Truth
from testbed.store import Store, StoreError
from testbed.studies.grid import cells, compute, floors, references
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.asked import Asked
from testbed.studies.grid.estimates.influence import diagnostics
from testbed.studies.grid.measures import measures, table_name
from testbed.studies.grid.parts import estimates, loss_parts
from testbed.verdict import LEVEL

ENSEMBLE_COLUMNS = ["parameters", "role", "tokens", *Decomposition.__struct_fields__]
"""Columns of the table of ensembles, also where every cell diverged and it has no rows."""


def analysis(study: Asked, store: Store) -> Analysis:
    """Return the tables of a finished grid, ready to be asked.

    Error: StoreError if the run is not finished, or damaged.
    """
    tables = {name: table_name(name) for name in measures()}
    if not all(map(store.holds, tables.values())):
        raise StoreError(
            f"{store.folder} is not finished: judging needs every cell and measure; run the experiment to its end."
        )
    finished = cells.finished(store, study)
    if not len(finished):
        raise StoreError(
            f"{store.folder} holds no finished cell of its experiment: judging needs every one; run it to its end."
        )
    truth: Truth = store.read_json("truth.json", Truth)
    shared = store.read_arrays("reference.parquet", ("bayes_nll_B", "bayes_entropy_B"))
    measured = {name: store.read_frame(table, ("parameters", "role", "tokens")) for name, table in tables.items()}
    return Analysis(
        cells=finished,
        ensembles=measured["split"].reindex(columns=ENSEMBLE_COLUMNS),
        epsilon=truth.epsilon.value,
        epsilon_error=truth.epsilon.error,
        bayes_nll_B=shared["bayes_nll_B"],
        stopping=study.training.stopping,
        measured=measured,
        bayes_entropy_B=shared["bayes_entropy_B"],
        nested=study.grid.nested,
        truth=truth,
        references=references.saved(store),
        strangers=cells.strangers(store, study),
        decay=study.training.decay,
        floors=floors.saved(store),
        flops_per_token={each.parameters: each.training_flops_per_token for each in map(size, study.models)},
        alphabet=study.world.alphabet,
    )


def derived(analysis: Analysis) -> dict[str, pd.DataFrame]:
    """Return the tables that judging leaves.

    They are every cell with what it cost, every evaluated step of every cell, K against compute, every estimate with
    its interval, the parts of every loss, and what single cells do to the correlation of bias and variance.
    """
    spent = compute.compute(analysis, level=LEVEL)
    return {
        "cells.parquet": compute.cells(analysis, spent).drop(columns="spec"),
        "learning_curves.parquet": compute.curves(analysis),
        "compute.parquet": spent,
        "estimates.parquet": estimates(analysis, level=LEVEL),
        "loss_parts.parquet": loss_parts(analysis, level=LEVEL),
        "diagnostics.parquet": diagnostics(analysis, level=LEVEL),
    }
