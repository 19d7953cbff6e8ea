"""A world in one picture: samples, h_t against t, and how the correlation of two tokens falls with their lag."""

import functools
import io
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int32, Key

from testbed.ground import keys
from testbed.laws import second_order
from testbed.laws.second_order import Autocovariance
from testbed.laws.units import Unit
from testbed.sources import Absent, Mixing, Quantity, Source, Truth

STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "testbed", "font.sans-serif": ["DejaVu Sans"], "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e7e8ea",
    "axes.axisbelow": True, "axes.formatter.use_mathtext": False,
}  # fmt: skip
FEW = ("#f1ece0", "#28518f", "#d9a51e", "#9c2f4f", "#5fb35f", "#2a1e5c", "#d1622b", "#1f8a8c")
"""Colours of at most eight symbols; more of them are a scale from first to last."""
FAINT = ("#8a8f98", "#b08bbd", "#c9a26b", "#7fa8a0", "#c98a8a", "#9aa86b", "#8aa0c9")
"""Colours of the lines of predictors."""
INK = {"h": "#28518f", "rate": "#d1622b", "oracle": "#3c7a3c"}


class Portrait(NamedTuple):
    """What the picture of a world shows: its truth, B sequences of L tokens, and what two tokens share.

    `losses` holds the mean loss of predictors over windows of that length, by their names.
    """

    source: Source
    truth: Truth
    tokens_BL: Int32[np.ndarray, "B L"]
    memory: Autocovariance | Absent
    mixing: Mixing | Absent
    losses: Mapping[str, float] = MappingProxyType({})


def portrait(
    source: Source,
    truth: Truth,
    *,
    sequences: int = 12,
    lags: Sequence[int] = range(1, 33),
    seed: int = 0,
    regrets: Sequence[Mapping[str, Any]] = (),
) -> Portrait:
    """Return what is to be shown of a world, its sequences as long as the windows of its truth.

    `regrets` are records of predictors, see `testbed.measure.regret`.
    """
    world = source.for_window(truth.length)
    draws = jax.random.split(keys.stream(seed, "portrait"), sequences)
    tokens_BL = np.asarray(_drawn(type(world), truth.length, world.tables(), draws))
    losses = {row["predictor"]: row["loss"] for row in regrets if row["predictor"] != "Bayes"}
    return Portrait(source, truth, tokens_BL, second_order.autocovariance(world, lags), world.mixing(), losses)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _drawn(kind: type[Source], length: int, tables: Any, draws: Key[Array, " B"]) -> Int32[Array, "B L"]:
    return jax.vmap(lambda key: kind.sample(tables, key=key, length=length)[0])(draws)


def picture(shown: Portrait, unit: Unit = "nats") -> str:
    """Return the portrait as SVG, the same for the same numbers; `unit` names that of its entropies."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(11, 2.9), layout="constrained")
        sample, curve, memory = figure.subplots(1, 3, width_ratios=(1.15, 1, 1))
        _sample(sample, shown)
        _curve(curve, shown)
        curve.set_ylabel(unit)
        _memory(memory, shown)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _sample(axes: Any, shown: Portrait) -> None:
    rows, length = shown.tokens_BL.shape
    image_BL3 = _colours(shown.source.alphabet)[shown.tokens_BL]
    axes.imshow(image_BL3, aspect="auto", interpolation="none", extent=(0.5, length + 0.5, rows + 0.5, 0.5))
    axes.grid(visible=False)
    axes.set_yticks([1, rows])
    axes.set(xlabel="t", ylabel="sequence")
    axes.set_title(f"samples: {shown.source.alphabet} symbols, a colour each", loc="left", fontsize=9)


def _colours(symbols: int) -> np.ndarray:
    """Return the colour of each symbol, 8 bits for red, green and blue."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    from testbed.report.palette import SIZES  # late: it brings pandas along

    if symbols <= len(FEW):
        colours = np.array([to_rgb(name) for name in FEW[:symbols]])
    else:
        colours = LinearSegmentedColormap.from_list("symbols", (FEW[0], *SIZES[::-1]))(np.linspace(0, 1, symbols))
    return np.asarray(np.rint(255 * colours[:, :3]), np.uint8)


def _curve(axes: Any, shown: Portrait) -> None:
    source, truth = shown.source, shown.truth
    position_L = np.arange(1, truth.length + 1)
    value_L, low_L, high_L = np.array([(each.value, each.low, each.high) for each in truth.curve]).T
    axes.fill_between(position_L, low_L, high_L, step="mid", color=INK["h"], alpha=0.25, lw=0)
    axes.step(position_L, value_L, where="mid", color=INK["h"], lw=1.3, label="h_t")
    ends = [value_L.min(), value_L.max()]
    for name, style in (("rate", "--"), ("oracle", ":")):
        offered = getattr(truth, name)
        if isinstance(offered, Quantity):
            axes.axhspan(offered.low, offered.high, color=INK[name], alpha=0.2, lw=0)
            axes.axhline(offered.value, ls=style, lw=1.3, color=INK[name], label=f"{name} {offered.value:.4f}")
            ends += [offered.low, offered.high]
        else:
            axes.plot([], [], ls=style, lw=1.3, color=INK[name], label=f"{name}: none")
    for number, (name, loss) in enumerate(shown.losses.items()):
        axes.axhline(loss, lw=0.9, color=FAINT[number % len(FAINT)], label=f"{name}: {loss:.4f}")
        ends.append(loss)
    margin = 0.05 * (max(ends) - min(ends)) if max(ends) - min(ends) > 1e-6 else 0.05
    axes.set(ylim=(min(ends) - margin, max(ends) + margin), xlabel="position t")
    if source.stationary and truth.length > 1:
        axes.set_xscale("log", base=2)
        axes.set_xticks(*_powers(truth.length))
        axes.minorticks_off()
    _legend(axes)


def _powers(length: int) -> tuple[list[int], list[str]]:
    """Return the powers of two up to the length and their labels."""
    places = [2**power for power in range(length.bit_length())]
    return places, [str(place) for place in places]


def _memory(axes: Any, shown: Portrait) -> None:
    axes.set(xlabel="lag k", ylabel="autocovariance ÷ that at lag 0")
    found = shown.memory
    if isinstance(found, Absent):
        return _say(axes, f"not offered: {found.reason}")
    if not found.norm_K.any():
        return _say(axes, "no two tokens are correlated")
    lag_K, sizes = np.array(found.lag_K), np.concatenate([found.norm_K, np.abs(found.trace_K)])
    axes.plot(*_positive(lag_K, found.norm_K), "-", color="#8a8f98", lw=1.2, label="norm")
    for label, sign, colour, filled in (("trace", 1, INK["h"], INK["h"]), ("−trace", -1, INK["rate"], "none")):
        if (sign * found.trace_K > 0).any():
            axes.plot(*_positive(lag_K, sign * found.trace_K), "o", color=colour, mfc=filled, ms=3.5, label=label)
    low, high = sizes[sizes > 0].min(), sizes.max()
    axes.set(yscale="log", ylim=(min(low / 1.5, high / 10), 1.5 * high), xlim=(0.8, lag_K[-1] + 0.8))
    if isinstance(shown.mixing, Mixing) and shown.mixing.decay == "power law":
        axes.set(xscale="log")
    return _legend(axes)


def _positive(lag_K: np.ndarray, value_K: Float[np.ndarray, " K"]) -> tuple[np.ndarray, np.ndarray]:
    return lag_K[value_K > 0], value_K[value_K > 0]


def _say(axes: Any, sentence: str) -> None:
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, textwrap.fill(sentence, 40), ha="center", va="center", transform=axes.transAxes)


def _legend(axes: Any) -> None:
    axes.legend(
        frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, columnspacing=1.2,
        handlelength=1.6, borderaxespad=0.2,
    )  # fmt: skip
