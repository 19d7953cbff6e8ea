"""A world on a terminal: a sample, h_t against t in Braille dots, the truth as a table, what two tokens share."""

import string
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from testbed.laws.second_order import Autocovariance, SecondOrder
from testbed.laws.units import Unit
from testbed.report import render
from testbed.report.portrait import Portrait
from testbed.sources import Absent, Truth

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

WIDTH, HEIGHT = 48, 11
ROOM = 70
"""Characters of the sample."""

Dots = Bool[np.ndarray, "Y X"]

_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_STYLES = {"h": "cyan", "rate": "yellow", "oracle": "green"}
_DASHES, _FAINT = {"rate": (4, 2), "oracle": (6, 1)}, (12, 1)
"""Period and length of the dashes, in dots; those of other lines."""


def show(
    shown: Portrait,
    regrets: Sequence[Mapping[str, Any]] | None = None,
    asked: SecondOrder = SecondOrder(),  # noqa: B008 - frozen
    unit: Unit = "nats",
) -> None:
    """Print the portrait of a world, what else was `asked` of pairs, and how far predictors are if `regrets` are given.

    The mean loss of each predictor is a line in the picture, under the letter that it has in the table. `unit` names
    that of the truth and of the regrets.
    """
    import rich  # late: programs that want JSON need it not
    from rich.text import Text

    source, truth = shown.source, shown.truth
    sample = render.text(shown.tokens_BL[0].tolist(), source.alphabet, ROOM)
    losses = {letter: row["loss"] for letter, row in lettered(regrets or []) if letter}
    rich.print(Text(f"sample  {sample}\n"), sketch(truth, losses), render.table(source, truth, unit), sep="\n")
    rich.print(Text(f"decay of correlations of pairs: {render.decay(shown.mixing)}"), _memory(shown.memory), sep="\n")
    for told in render.matrices(asked):
        rich.print(Text(told))
    if regrets is not None:
        rich.print(_compared(regrets, unit))


def lettered(regrets: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the records of predictors with a letter each; none for Bayes, whose mean loss is that of the curve."""
    letters = iter(string.ascii_lowercase)
    return (("" if row["predictor"] == "Bayes" else next(letters), row) for row in regrets)


def sketch(truth: Truth, losses: Mapping[str, float] = MappingProxyType({})) -> "Text":
    """Return a plot of the Bayes curve as steps, of the rate (dashes), the oracle (dots) and of losses, for `rich`."""
    from rich.text import Text

    levels = {name: each.value for name, each in _summaries(truth).items()} | dict(losses)
    curve_L = np.array([each.value for each in truth.curve])
    low, high = _range(np.array([*curve_L, *levels.values()]))
    rows = {name: int(_rows(np.array(level), low, high)) for name, level in levels.items()}
    layers = {"h": _steps(_rows(curve_L, low, high))}
    layers |= {name: _dashed(row, *_DASHES.get(name, _FAINT)) for name, row in rows.items()}
    rows[f"h_{truth.length}"] = int(_rows(curve_L, low, high)[-1])
    drawn = Text()
    for y in range(HEIGHT):
        drawn.append({0: f"{high:9.4f}", HEIGHT - 1: f"{low:9.4f}"}.get(y, " " * 9) + " ┤")
        _draw(drawn, {name: dots_YX[4 * y : 4 * y + 4] for name, dots_YX in layers.items()})
        names = ", ".join(name for name, row in rows.items() if row // 4 == y)
        drawn.append(f" {names}".rstrip() + "\n")
    return drawn.append(f"{'t = 1':>15}{truth.length:>{WIDTH - 4}}")


def _draw(drawn: "Text", layers: Mapping[str, Dots]) -> None:
    """Append four rows of dots as characters; each has the colour of the first layer that it shows."""
    codes = {name: (dots_YX.reshape(4, WIDTH, 2) * _BITS[:, None]).sum((0, 2)) for name, dots_YX in layers.items()}
    for code_N in zip(*codes.values(), strict=True):
        style = next((_STYLES.get(name, "magenta") for name, code in zip(codes, code_N, strict=True) if code), "")
        drawn.append(chr(0x2800 + int(np.bitwise_or.reduce(code_N))), style)


def _memory(found: Autocovariance | Absent) -> "Text":
    from rich.text import Text

    if isinstance(found, Absent):
        return Text(f"autocovariance: not offered: {found.reason}")
    lags = "".join(f"{lag:>9}" for lag in found.lag_K)
    traces = "".join(f"{trace:>9.2g}" for trace in found.trace_K)
    known = f"{found.method}, error {found.error_K.max():.1e}"
    return Text(f"autocovariance, its trace relative to lag 0 ({known}):\n{lags}\n{traces}")


def _compared(regrets: Sequence[Mapping[str, Any]], unit: Unit) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"predictors, mean over the same windows ({unit} per token, {regrets[0]['method']})"
    drawn = Table("", "predictor", title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("loss", "regret", "error of regret"):
        drawn.add_column(heading, justify="right")
    for letter, row in lettered(regrets):
        numbers = f"{row['loss']:.6f}", f"{row['regret']:.6f}", f"{row['error']:.1e}"
        drawn.add_row(letter, row["predictor"], *numbers)
    return drawn


def _summaries(truth: Truth) -> dict[str, Any]:
    offered = {"rate": truth.rate, "oracle": truth.oracle}
    return {name: each for name, each in offered.items() if not isinstance(each, Absent)}


def _range(values_N: Float[np.ndarray, " N"]) -> tuple[float, float]:
    """Return the ends of the axis: around the values, and never a picture of rounding."""
    low, high = float(values_N.min()), float(values_N.max())
    margin = 0.05 * (high - low) if high - low > 1e-6 else 0.05
    return low - margin, high + margin


def _rows(values: Float[np.ndarray, "*any"], low: float, high: float) -> Int[np.ndarray, "*any"]:
    return np.asarray(np.rint((high - values) / (high - low) * (4 * HEIGHT - 1)), int)


def _steps(row_L: Int[np.ndarray, " L"]) -> Dots:
    """Return the dots of a staircase; a column shows all positions that fall into it, and is joined to the last."""
    dots_YX = np.zeros((4 * HEIGHT, 2 * WIDTH), bool)
    start_X = np.arange(2 * WIDTH + 1) * len(row_L) // (2 * WIDTH)
    for x in range(2 * WIDTH):
        joined = max(start_X[x - 1], start_X[x] - 1) if x else 0
        reached = row_L[joined : max(start_X[x] + 1, start_X[x + 1])]
        dots_YX[reached.min() : reached.max() + 1, x] = True
    return dots_YX


def _dashed(row: int, period: int, length: int) -> Dots:
    dots_YX = np.zeros((4 * HEIGHT, 2 * WIDTH), bool)
    dots_YX[row] = np.arange(2 * WIDTH) % period < length
    return dots_YX
