"""From the folder of finished grids to their analysis, and to tables that say which plane each row is of."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from testbed.store import Store
from testbed.studies.grid import cells
from testbed.studies.grid import finished as one
from testbed.studies.grids import capabilities, contexts, emergence, signals
from testbed.studies.grids.analysis import GridsAnalysis, together
from testbed.studies.grids.asked import Asked
from testbed.verdict import LEVEL

PLANES, CONTEXTS = "planes.parquet", "contexts.parquet"
SIGNALS, CAPABILITIES, EMERGENCE = "signals.parquet", "capabilities.parquet", "emergence.parquet"
COLUMNS = ["plane", "prefix", "label", "world", "sigma", "context", "seed", "epsilon", "epsilon_error"]


def analysis(study: Asked, store: Store) -> GridsAnalysis:
    """Return the tables of every plane.

    Error: StoreError if the run is not finished, or damaged.
    """
    found = [one.analysis(plane.study, store.part_of(plane.prefix)) for plane in study.planes]
    strangers = cells.strangers(store, *(plane.study for plane in study.planes))
    return GridsAnalysis(study, tuple(dataclasses.replace(each, strangers=strangers) for each in found))


def derived(analysis: GridsAnalysis) -> dict[str, pd.DataFrame]:
    """Return the tables that judging leaves: those of a plain grid over all planes, and what tells the planes apart."""
    each = [one.derived(plane) for plane in analysis.planes]
    joined = {name: together(analysis.places, [tables[name] for tables in each]) for name in each[0]}
    across = {CONTEXTS: contexts.table(analysis, level=LEVEL), SIGNALS: signals.table(analysis)}
    scored = {CAPABILITIES: capabilities.table(analysis), EMERGENCE: emergence.table(analysis, level=LEVEL)}
    return joined | {PLANES: planes(analysis)} | across | scored


def planes(analysis: GridsAnalysis) -> pd.DataFrame:
    """Return a row for each plane: what its tables begin with, its world in words, and its exact ε."""
    rows: Sequence[dict[str, object]] = [
        {"plane": place.number, "prefix": plane.prefix, "label": place.label}
        | place.columns
        | {"seed": plane.study.seed, "epsilon": own.epsilon, "epsilon_error": own.epsilon_error}
        for place, plane, own in zip(analysis.places, analysis.study.planes, analysis.planes, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
