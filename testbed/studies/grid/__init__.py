"""The question of loss against parameters P and tokens D: a grid of models, trained and judged."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from testbed.cell import Evaluation, Optimiser
from testbed.studies.grid.layout import Grid, Training
from testbed.studies.grid.study import GridStudy

__all__ = ["Evaluation", "Grid", "GridStudy", "Optimiser", "Training"]
