"""A truth as text for people and as a record for programs."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from testbed.laws import second_order
from testbed.laws.record import Absent, Mixing, Quantity, Truth
from testbed.laws.second_order import Autocovariance, SecondOrder, autocovariance
from testbed.laws.source import Source
from testbed.laws.units import Unit

if TYPE_CHECKING:
    from rich.table import Table

LAGS = range(1, 9)
SHOWN, FIRST, WIDEST = 40, 8, 6

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_DECAYS = {
    "independent": "uncorrelated: no two tokens are correlated",
    "finite": "finite: no two tokens further apart than {value:g} are correlated",
    "geometric": "geometric: correlations fall as |λ|^k, λ = {value:.6g}",
    "power law": "power law: correlations fall as k^−{value:g}",
    "periodic": "periodic: correlations come back every {value:g} tokens for ever",
    "never": "never: averages over time differ from sequence to sequence",
}


def table(source: Source, truth: Truth, unit: Unit = "nats") -> "Table":
    """Return the Bayes curve, and below it ε, the rate and the oracle, as a table for `rich`.

    Of windows of more than 40 tokens the first 8 positions are shown, then ever fewer, and the last.
    """
    from rich.box import SIMPLE_HEAD  # late: reading a configuration should not load it
    from rich.table import Table
    from rich.text import Text

    chosen = _chosen(truth.length)
    left_out = f"{len(chosen)} of {truth.length} positions; --json gives all" if len(chosen) < truth.length else None
    title = f"{kind(source)}, window of {truth.length} tokens ({unit} per token)"
    drawn = Table(
        title=title, title_justify="left", caption=left_out, caption_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    drawn.add_column("t", justify="right")
    for heading in ("h_t", "low", "high", "error"):
        drawn.add_column(heading, justify="right")
    drawn.add_column("method")
    for position in chosen:
        drawn.add_row(
            str(position), *map(Text, _cells(truth.curve[position - 1])), end_section=position == truth.length
        )
    for name, summary in (("epsilon", truth.epsilon), ("rate", truth.rate), ("oracle", truth.oracle)):
        drawn.add_row(name, *map(Text, _cells(summary)))
    return drawn


def record(
    source: Source,
    truth: Truth,
    asked: SecondOrder = SecondOrder(),  # noqa: B008 - frozen
    unit: Unit = "nats",
) -> dict[str, Any]:
    """Return the source and its truth as plain values, ready for JSON; `unit` names that of the entropies.

    `curve` entries carry their position `t`, those of `autocovariance`, and if asked for `pairs` and `covariances`,
    their `lag`; `mixing` says what it is about, as three tokens may share what no two of them show. What is not offered
    is None, its reason under `absent`.
    """
    world = source.for_window(truth.length)
    offered = {
        "rate": truth.rate,
        "oracle": truth.oracle,
        "mixing": world.mixing(),
        "autocovariance": autocovariance(world, LAGS),
        **{name: each for name, each in asked._asdict().items() if each is not None},
    }
    return {
        "source": msgspec.to_builtins(source),
        "length": truth.length,
        "unit": unit,
        "curve": [{"t": position, **_plain(each)} for position, each in enumerate(truth.curve, start=1)],
        "epsilon": _plain(truth.epsilon),
        **{name: _plain(each) for name, each in offered.items()},
        "absent": {name: each.reason for name, each in offered.items() if isinstance(each, Absent)},
    }


def kind(source: Source) -> str:
    """Return the name of the world on its shelf."""
    return str(source.__struct_config__.tag)


def decay(mixing: Mixing | Absent) -> str:
    """Return how fast tokens far apart become uncorrelated, and how that is known, in words."""
    if isinstance(mixing, Absent):
        return f"not offered: {mixing.reason}"
    if mixing.error and mixing.decay in ("independent", "finite"):
        told = _DECAYS[mixing.decay].format(value=mixing.value)
        return f"{told} ({mixing.method}), as far as {mixing.error:.1e} can be told from nothing"
    error = f", error {mixing.error:.1e}" if mixing.error else ""
    return f"{_DECAYS[mixing.decay].format(value=mixing.value)} ({mixing.method}{error})"


def memory(found: Autocovariance | Absent) -> str:
    """Return the trace of the autocovariance relative to lag 0 at the first lags, in words."""
    if isinstance(found, Absent):
        return f"not offered: {found.reason}"
    pairs = zip(found.lag_K, found.trace_K, strict=True)
    traces = ", ".join(f"{trace:.3g} at {lag}" for lag, trace in pairs if lag in LAGS)
    return f"{traces} ({found.method}, error {found.error_K.max():.1e})"


def matrices(asked: SecondOrder) -> Iterator[str]:
    """Return the pair laws and the autocovariances of features that were asked for, as far as they are small."""
    named = {"pair law": asked.pairs, "autocovariance of the features": asked.covariances}
    for name, found in named.items():
        if isinstance(found, Absent):
            yield f"{name}: not offered: {found.reason}"
            continue
        for each in found or []:
            matrix = each[1]
            shown = str(np.array_str(matrix, precision=6, suppress_small=True)) if len(matrix) <= WIDEST else ""
            yield f"{name} at lag {each.lag} ({each.method}, error {each.error:.1e}):\n{shown or '--json gives all'}"


def text(tokens: Sequence[int], alphabet: int, room: int) -> str:
    """Return tokens as one character each, as far as digits and letters go, otherwise as numbers; cut to the room.

    >>> text([0, 9, 10, 35], 36, 70), text([0, 9, 10, 36], 37, 8), text([0, 1, 1, 0], 2, 3)
    ('09az', '0 9 10 …', '0 …')
    """
    if alphabet <= len(_DIGITS):
        joined = "".join(_DIGITS[token] for token in tokens)
        return joined if len(joined) <= room else joined[: room - 2] + " …"
    return textwrap.shorten(" ".join(map(str, tokens)), room, placeholder=" …")


def _chosen(length: int) -> list[int]:
    if length <= SHOWN:
        return list(range(1, length + 1))
    later = np.geomspace(FIRST, length, FIRST + 1).round().astype(int).tolist()
    return sorted({*range(1, FIRST + 1), *later})


def _plain(offered: Any) -> Any:
    if isinstance(offered, Absent):
        return None
    if not isinstance(offered, msgspec.Struct):
        return second_order.plain(offered)
    fields: dict[str, Any] = msgspec.to_builtins(offered)
    if isinstance(offered, Mixing):
        fields["about"] = "pairs of tokens"
    return {name: value for name, value in fields.items() if name != "gap" or value}


def _cells(quantity: Quantity | Absent) -> tuple[str, ...]:
    if isinstance(quantity, Absent):
        return ("none", "", "", "", quantity.reason)
    ends = (f"{number:.8f}" for number in (quantity.value, quantity.low, quantity.high))
    return (*ends, f"{quantity.error:.1e}", quantity.method)
