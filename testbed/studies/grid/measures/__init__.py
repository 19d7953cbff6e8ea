"""Shelf of measures on ensembles of trained models: one file each, see ``_measure.Measure``.

Every measure on the shelf is taken of every run, from stored parameters; a new one is computed, for old runs too, the
next time their experiment is run, and trains nothing.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from testbed.ground import catalog
from testbed.studies.grid.measures._measure import Ensemble, Measure, Pairs

__all__ = ["Ensemble", "Measure", "Pairs", "measures", "table_name"]


def measures() -> dict[str, type[Measure]]:
    """Return the measures on the shelf by file name."""
    return catalog.shelf(__name__)


def table_name(measure: str) -> str:
    """Return the file of a measure's table in the folder of a run."""
    return f"ensemble_{measure}.parquet"
