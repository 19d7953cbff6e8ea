"""What is certain of a source narrows what was sampled of it."""

import math
from collections.abc import Iterator

import msgspec
import numpy as np

from testbed.laws import record
from testbed.laws.record import Absent, Budget, Quantity, Truth
from testbed.laws.source import Source


def settled(source: Source, found: Truth, budget: Budget, *, floor: float = 0.0) -> Truth:
    """Return the truth with its sampled intervals cut to what is certain; see `Quantity`.

    An entropy lies between 0 and ln V, and above a `floor` that the source knows of. Those of a stationary source never
    rise with the position, and never fall below rate and oracle.

    Error: ValueError if an interval is wider than the budget allows.
    """
    if "Monte Carlo" in {found.epsilon.method, *(each.method for each in found.curve)}:
        floor = max(floor, least(found.rate, found.oracle)) if source.stationary else floor
        ceilings = list(_ceilings(source, found.curve))
        pairs = list(zip(found.curve, ceilings, strict=True))
        low = math.fsum(floor if _sampled(each) else each.low for each, _ in pairs) / found.length
        high = math.fsum(most if _sampled(each) else each.high for each, most in pairs) / found.length
        curve = tuple(within(each, floor, most) for each, most in pairs)
        found = msgspec.structs.replace(found, curve=curve, epsilon=within(found.epsilon, low, high))
    record.check_width(found, budget)
    return found


def within(found: Quantity, low: float, high: float) -> Quantity:
    """Return a sampled quantity that is known to lie between two numbers; samples that say otherwise are overruled."""
    if not _sampled(found) or (low <= found.low and found.high <= high):
        return found
    low, high = min(low, high), max(low, high)
    ends = max(found.low, low), min(found.high, high)
    if ends[0] > ends[1]:
        ends = low, high
    return msgspec.structs.replace(found, value=float(np.clip(found.value, *ends)), low=ends[0], high=ends[1])


def least(*offered: Quantity | Absent) -> float:
    """Return the largest number that one of these is certain to reach, at least 0."""
    return max([0.0, *(each.low for each in offered if isinstance(each, Quantity) and not _sampled(each))])


def _ceilings(source: Source, curve: tuple[Quantity, ...]) -> Iterator[float]:
    """Return the largest entropy that each position may have, from those before it where they cannot rise."""
    ceiling = math.log(source.alphabet)
    for each in curve:
        if source.stationary and not _sampled(each):
            ceiling = min(ceiling, each.high)
        yield ceiling


def _sampled(each: Quantity) -> bool:
    return each.method == "Monte Carlo"
