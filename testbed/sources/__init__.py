"""Worlds whose entropy is known exactly: one file per kind of source."""

from typing import TYPE_CHECKING, TypeAlias, Union

from testbed import catalog
from testbed.sources._source import Source
from testbed.sources._truth import Budget, Quantity, Truth
from testbed.sources.block_stationary import BlockStationary
from testbed.sources.iid import Iid
from testbed.sources.markov import Markov

__all__ = ["AnySource", "BlockStationary", "Budget", "Iid", "Markov", "Quantity", "Source", "Truth"]

if TYPE_CHECKING:
    AnySource: TypeAlias = Source
else:
    AnySource = Union[tuple(catalog.shelf(__name__).values())]  # noqa: UP007 - built from what the shelf holds
