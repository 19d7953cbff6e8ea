"""Shelf of weights: what parameters a model is observed with.

A variant is one file with one frozen struct, tagged by its file name, whose fields are its own settings, and

- ``parameters(model, world, *, key) -> params``: plain float32 parameters, as `initial.init` returns them;
  ValueError for a model that they cannot be planted into;
- ``logit_deviation``: the standard deviation of Gaussian logits that do not depend on the values, or None;
- ``at_kink``: whether the kink of the nonlinearity, where it has one, is where attention tends to;
- ``uniform``: whether the first layer's attention is the plain average over positions.

Planted are the start vector and the first layer, as far as a variant says; all else is fresh.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from testbed.ground import catalog
from testbed.weights.fresh import Fresh
from testbed.weights.gaussian_logits import GaussianLogits
from testbed.weights.kink import Kink
from testbed.weights.uniform import Uniform

__all__ = ["AnyWeights", "Fresh", "GaussianLogits", "Kink", "Uniform"]

if TYPE_CHECKING:
    AnyWeights: TypeAlias = Any
else:
    AnyWeights = Union[tuple(catalog.shelf(__name__).values())]  # noqa: UP007 - built from what the shelf holds
