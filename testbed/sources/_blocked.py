"""What sources of independent blocks share, whatever is in them: where they begin, and what that does to memory."""

import math
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import msgspec
import numpy as np
from jaxtyping import Float

from testbed.laws import record, renewal, simplex
from testbed.laws.record import UNIT_ROUNDOFF, Absent, Mixing
from testbed.laws.renewal import Lengths

Same = TypeVar("Same", bound="Blocked")

NOTHING, NEAR = 1e-12, 0.25
"""What is smaller is rounding; how far from a power law, as a share of its exponent, blocks may be that have it."""


class Blocked:
    """The fields of a source that say where its blocks begin, and what follows from them."""

    block_length: int
    block_share: float | None
    lengths: Literal["fixed", "geometric", "power_law"]
    tail: float | None
    longest: int
    phase: Literal["aligned", "uniform"]
    boundaries: Literal["hidden", "announced"]

    if TYPE_CHECKING:

        def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]: ...

    @property
    def announced(self) -> bool:
        """Return whether blocks begin with an announcer."""
        return self.boundaries == "announced"

    @property
    def stationary(self) -> bool:
        """Return whether every window has the law of the first one.

        Hidden boundaries of geometric blocks fall anywhere with the same chance, wherever the first one is.
        """
        anywhere = self.lengths == "geometric" or (self.block_share is None and self.block_length == 1)
        return self.phase == "uniform" or (anywhere and not self.announced)

    @property
    def shortest(self) -> int:
        """Return the least mean length of a block."""
        return 2 if self.announced else 1

    def for_window(self: Same, length: int) -> Same:
        """Return the source with the block length that windows of `length` tokens have."""
        if self.block_share is None:
            return self
        record.check_length(length)
        block_length, world = max(self.shortest, round(self.block_share * length)), cast(Any, self)
        if self.lengths == "power_law":
            shared = f"block_share={self.block_share} of {length} tokens gives block_length={block_length}"
            _check_mean(shared, block_length, self.longest, "change the share or the window")
        return cast(Same, msgspec.structs.replace(world, block_length=block_length, block_share=None))

    def length_law(self) -> Lengths:
        """Return the law of the block lengths.

        Error: ValueError if it depends on the window.
        """
        if self.block_share is not None:
            raise ValueError(
                f"block_share={self.block_share}: block lengths are known only once the window is; ask the source"
                " that for_window(n) returns."
            )
        if self.lengths == "power_law":
            return renewal.power_law(self.block_length, self.tail or 0.0, self.longest)
        return (renewal.fixed if self.lengths == "fixed" else renewal.geometric)(self.block_length)


def check(source: Blocked) -> None:
    """Refuse block lengths that no law has, or that are too long to lay out."""
    simplex.one_of("lengths", source.lengths, ("fixed", "geometric", "power_law"))
    simplex.one_of("phase", source.phase, ("aligned", "uniform"))
    simplex.one_of("boundaries", source.boundaries, ("hidden", "announced"))
    remedy = "make room for a token after the announcer" if source.announced else "use whole tokens"
    simplex.at_least("block_length", source.block_length, source.shortest, remedy)
    simplex.at_least("longest", source.longest, 1, "use whole tokens")
    simplex.laid_out(f"block_length={source.block_length}", source.block_length)
    simplex.laid_out(f"longest={source.longest}", source.longest)
    if source.block_share is not None and not 0 < source.block_share <= 1:
        raise ValueError(
            f"block_share={source.block_share}: a block is a part of the window, in (0, 1]; give for example 0.25."
        )
    _check_tail(source)


def _check_tail(source: Blocked) -> None:
    """Refuse a tail index where none is meant or known, and power-law lengths without the mean that is asked for."""
    tail, mean = source.tail, source.block_length
    if (tail is None) == (source.lengths == "power_law"):
        rule = f"lengths={source.lengths!r} and tail={tail}: power-law lengths have a tail index and no others do"
        raise ValueError(f"{rule}; give for example lengths='power_law' and tail=1.5, or leave tail out.")
    if tail is None:
        return
    if not (tail > 1 and np.isfinite(tail)):
        raise ValueError(f"tail={tail}: it must be above 1, or no mean block length exists; give for example tail=1.5.")
    if tail > renewal.LARGEST_TAIL:
        rule = f"beyond {renewal.LARGEST_TAIL:.0e} power-law lengths are geometric to all digits that count"
        raise ValueError(f"tail={tail}: {rule}; give lengths='geometric' and leave tail out.")
    if source.block_share is None:
        _check_mean(f"block_length={mean}", mean, source.longest, "change the block length")


def _check_mean(named: str, mean: int, longest: int, remedy: str) -> None:
    """Refuse a mean that no power-law lengths have that are cut at `longest`."""
    if not 1 < mean < (longest + 1) / 2:
        raise ValueError(
            f"{named} with longest={longest}: power-law lengths cut there have a mean above 1 and below"
            f" {(longest + 1) / 2}; {remedy}, or raise longest."
        )


def mixing(source: Blocked, within: Mixing | Absent) -> Mixing | Absent:
    """Return the decay of correlations, where `within` is that inside a block that lasts for ever.

    Two things carry memory. Announcers come back as the renewals of the blocks do: blocks of fixed length for ever,
    geometric ones without memory, others as the roots of their survival tell. And pairs within one block depend on
    each other as `within` says, as long as the block lasts. Power-law lengths keep their law where there is room for
    it before the cut: a decade of lags over which the local exponent is off by a quarter at most.
    """
    if source.lengths == "power_law" and (source.announced or _lasts(within)):
        power = _power(source)
        if power.error <= power.value * NEAR:
            return power
    if source.announced and source.lengths == "fixed":
        return Mixing(decay="periodic", value=float(source.block_length))
    if source.announced and source.lengths == "power_law":
        return _renewed(source.length_law())
    if isinstance(within, Absent) or within.decay == "independent":
        return within
    return _damped(source, within) if source.lengths == "geometric" else _cut(source, within)


def _lasts(within: Mixing | Absent) -> bool:
    return isinstance(within, Mixing) and within.decay in ("never", "periodic")


def _power(source: Blocked) -> Mixing:
    exponent = float(source.tail or 0.0) - 1
    return Mixing(decay="power law", value=exponent, error=renewal.off_power(source.length_law(), exponent))


def _renewed(lengths: Lengths) -> Mixing | Absent:
    """Return the decay of the renewals of blocks of limited length."""
    if len(lengths.survival_J) > renewal.LARGEST_DEGREE:
        return Absent(f"roots of a polynomial, found up to the degree {renewal.LARGEST_DEGREE}: lower longest")
    root, error = renewal.second_root(lengths)
    size = abs(root) if root.imag else root.real
    return Mixing(decay="geometric", value=size, method="eigenvalue", error=error)


def _damped(source: Blocked, within: Mixing) -> Mixing:
    """Return the decay inside a block, shortened by the chance that the block still lasts."""
    stay = 1 - 1 / source.block_length
    if stay == 0:
        return Mixing(decay="independent", value=0.0)
    if within.decay == "finite":
        return within
    inside = (-1.0 if within.value == 2 else 1.0) if within.decay == "periodic" else within.value
    error = stay * within.error + 4 * UNIT_ROUNDOFF
    return Mixing(decay="geometric", value=stay * inside, method=within.method, error=error)


def _cut(source: Blocked, within: Mixing) -> Mixing:
    """Return the decay where blocks have a longest length: that inside if it is over before, else where blocks end."""
    last = len(source.length_law().survival_J) - 1
    if within.decay == "finite":
        last = min(last, int(within.value))
    if within.decay == "geometric":
        reach = 16 + math.ceil(math.log(NOTHING**2) / math.log(abs(within.value)))
        if source.lengths == "power_law" and reach < last:
            return within
        last = min(last, reach)
    return _finite(source, last)


def _finite(source: Blocked, last: int) -> Mixing:
    """Return the largest lag, `last` at most, at which a pair of tokens shows any dependence."""
    law_V = np.diag(source.pair_law(0))
    independent_VV = np.outer(law_V, law_V)
    for lag in range(last, 0, -1):
        if np.abs(source.pair_law(lag) - independent_VV).max() > NOTHING:
            return Mixing(decay="finite", value=float(lag))
    return Mixing(decay="independent", value=0.0)
