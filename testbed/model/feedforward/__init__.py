"""Shelf of feed-forward nonlinearities: what stands between the two matrices of a block.

A variant is one file with one frozen struct, tagged by its file name, whose fields are its own settings, and

- ``__call__(x_LF) -> y_LF``: pure, without parameters, each position on its own (row t of y depends on row t of x
  alone);
- ``lipschitz``: the largest slope of a line through two points of its graph, infinite where there is none.

The matrices and biases around it belong to the network.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from testbed.ground import catalog

if TYPE_CHECKING:
    AnyFeedforward: TypeAlias = Any
else:
    AnyFeedforward = Union[tuple(catalog.shelf(__name__).values())]  # noqa: UP007 - built from what the shelf holds
