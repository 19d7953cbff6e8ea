"""A truth as text for people and as a record for programs."""

from typing import TYPE_CHECKING, Any

import msgspec

from testbed.sources._source import Source
from testbed.sources._truth import Absent, Quantity, Truth

if TYPE_CHECKING:
    from rich.table import Table


def table(source: Source, truth: Truth) -> "Table":
    """Return the Bayes curve, and below it ε, the rate and the oracle, as a table for `rich`."""
    from rich.table import Table  # late: reading a configuration should not load it

    kind = msgspec.to_builtins(source)["kind"]
    drawn = Table(title=f"{kind}, window of {truth.length} tokens (nats per token)")
    drawn.add_column("t", justify="right")
    for heading in ("h_t", "low", "high", "error"):
        drawn.add_column(heading, justify="right")
    drawn.add_column("method")
    for position, quantity in enumerate(truth.curve, start=1):
        drawn.add_row(str(position), *_cells(quantity), end_section=position == truth.length)
    for name, summary in (("epsilon", truth.epsilon), ("rate", truth.rate), ("oracle", truth.oracle)):
        drawn.add_row(name, *_cells(summary))
    return drawn


def record(source: Source, truth: Truth) -> dict[str, Any]:
    """Return the source and its truth as plain values, ready for JSON.

    `curve` entries carry their position `t`; what is not offered is None, its reason under `absent`.
    """
    summaries = {"rate": truth.rate, "oracle": truth.oracle}
    return {
        "source": msgspec.to_builtins(source),
        "length": truth.length,
        "curve": [{"t": position, **msgspec.to_builtins(each)} for position, each in enumerate(truth.curve, start=1)],
        "epsilon": msgspec.to_builtins(truth.epsilon),
        **{name: None if isinstance(each, Absent) else msgspec.to_builtins(each) for name, each in summaries.items()},
        "absent": {name: each.reason for name, each in summaries.items() if isinstance(each, Absent)},
    }


def _cells(quantity: Quantity | Absent) -> tuple[str, ...]:
    if isinstance(quantity, Absent):
        return ("none", "", "", "", quantity.reason)
    ends = (f"{number:.6f}" for number in (quantity.value, quantity.low, quantity.high))
    return (*ends, f"{quantity.error:.1e}", quantity.method)
