"""Entropies in nats, or told in bits."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from testbed.laws.record import UNIT_ROUNDOFF, Absent, Quantity, Truth

Unit = Literal["nats", "bits"]

_NATS = math.log(2)
"""Nats in a bit."""

_SLACK = 4 * UNIT_ROUNDOFF
"""Rounding of the division, and of ln 2 itself."""


def in_bits(truth: Truth) -> Truth:
    """Return a truth whose entropies are in bits.

    Error: that of the truth, and the rounding of a division, by which intervals become wider.
    """
    named = {name: getattr(truth, name) for name in ("epsilon", "rate", "oracle")}
    told = {name: each if isinstance(each, Absent) else _quantity(each) for name, each in named.items()}
    return msgspec.structs.replace(truth, curve=tuple(map(_quantity, truth.curve)), **told)


def regrets_in_bits(regrets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the records of predictors, see `testbed.measure.regret`, with loss, regret and error in bits."""
    told = ("loss", "regret", "error")
    return [{name: each / _NATS if name in told else each for name, each in row.items()} for row in regrets]


def _quantity(found: Quantity) -> Quantity:
    value, low, high = (each / _NATS for each in (found.value, found.low, found.high))
    return msgspec.structs.replace(
        found,
        value=value,
        low=low - _SLACK * abs(low),
        high=high + _SLACK * abs(high),
        error=found.error / _NATS + _SLACK * abs(value),
        gap=found.gap / _NATS,
    )
