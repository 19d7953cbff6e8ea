"""The question of loss against parameters P and tokens D: a grid of models, trained and judged."""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from testbed.cell import Evaluation, Optimiser
from testbed.studies.grid.layout import Grid, Training
from testbed.studies.grid.study import GridStudy

__all__ = ["Evaluation", "Grid", "GridStudy", "Optimiser", "Training"]
