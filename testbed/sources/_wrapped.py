"""What sources that change another source share."""

import dataclasses

import jax
import msgspec

from testbed.sources import _any
from testbed.sources._source import Source


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Kind:
    """The class of a wrapped source among its tables: not a number, so that it tells programs apart."""

    source: type[Source]


class Wrapper(Source, frozen=True, kw_only=True):
    """A source made of one other source."""

    base: "_any.AnySource"
    """The source that is changed."""

    @property
    def alphabet(self) -> int:
        """Return the number of symbols of the base."""
        return self.base.alphabet

    @property
    def stationary(self) -> bool:
        """Return whether the base is stationary."""
        return self.base.stationary

    def for_window(self, length: int) -> Source:
        """Return the same change of what the base is for windows of `length` tokens."""
        return msgspec.structs.replace(self, base=self.base.for_window(length))
