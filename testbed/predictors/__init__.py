"""Shelf of predictors that know nothing of the world: one file each, see ``_predictor.Predictor``.

They are the marks that a trained model is held against: what counting, guessing the order, or noticing changes of
regime attains on the same windows without any training.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from typing import TYPE_CHECKING, TypeAlias, Union

from testbed.ground import catalog
from testbed.predictors._predictor import Predictor
from testbed.predictors.context_tree import ContextTree
from testbed.predictors.counting import Counting
from testbed.predictors.partition_tree import PartitionTree

__all__ = ["CLASSICAL", "AnyPredictor", "ContextTree", "Counting", "PartitionTree", "Predictor"]

if TYPE_CHECKING:
    AnyPredictor: TypeAlias = Predictor
else:
    AnyPredictor = Union[tuple(catalog.shelf(__name__).values())]  # noqa: UP007 - built from what the shelf holds

CLASSICAL: tuple[Predictor, ...] = (Counting(order=0), Counting(order=1), ContextTree(), PartitionTree())
"""The predictors that are shown where none are named."""
