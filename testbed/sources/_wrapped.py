"""What sources that change another source share."""

import dataclasses
import functools
from typing import TypeVar

import jax
import msgspec

from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Method
from testbed.laws.source import Source
from testbed.sources import _any

Same = TypeVar("Same", bound="Wrapper")


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

    @property
    def exchangeable(self) -> bool:
        """Return whether the base is exchangeable."""
        return self.base.exchangeable

    @property
    def pair_method(self) -> Method:
        """Return that of the base."""
        return self.base.pair_method

    def pair_error(self, lag: int) -> float:
        """Return that of the base, doubled for the rounding of the change."""
        return 2 * self.base.pair_error(lag)

    def for_window(self: Same, length: int) -> Same:
        """Return the same change of what the base is for windows of `length` tokens."""
        base = self.base.for_window(length)
        return self if base is self.base else msgspec.structs.replace(self, base=base)


@functools.lru_cache(maxsize=4)
def machine_of(base: Source) -> Machine:
    """Return the machine of a source that is wrapped, kept as it is asked for at construction and again for tables.

    Error: ValueError if the source is no finite machine.
    """
    machine = base.machine()
    if isinstance(machine, Absent):
        raise ValueError(
            f"base={type(base).__name__} is no finite hidden Markov chain ({machine.reason}): its tokens cannot be"
            " filtered exactly here; use a base that has a machine, or a smaller one."
        )
    return machine


def check_machine(base: Source) -> None:
    """Refuse a base that is no finite machine, unless it has yet to be told the window and will be refused then."""
    if base.for_window(1) is base:
        machine_of(base)
