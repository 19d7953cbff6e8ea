"""Colours, number formats and the limits of logarithmic axes, shared by both kinds of figure."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

PARTS = {"epsilon": "#c9ccd1", "bias": "#3b6ea5", "gap": "#e0a030", "merged": "#8c8a72", "variance": "#b5483a"}
PART_NAMES = {
    "epsilon": "ε: irreducible",
    "bias": "B: size",
    "gap": "Ω: optimisation",
    "merged": "B + Ω (not told apart)",
    "variance": "V: finite data",
}
SIZES = ("#2a1e5c", "#28518f", "#1f8a8c", "#5fb35f", "#d9a51e", "#d1622b", "#9c2f4f")


def size_colours(sizes: Sequence[int]) -> dict[int, str]:
    """Return a colour per size, dark for small and warm for large, spread over the scale."""
    ordered = sorted(set(sizes))
    places = np.linspace(0, len(SIZES) - 2 if len(ordered) > 1 else 0, len(ordered)).round().astype(int)
    return {size: SIZES[place % len(SIZES)] for size, place in zip(ordered, places, strict=True)}


def short(count: float | int) -> str:
    """Return a count with at most three figures and a suffix.

    >>> short(65536), short(8192000), short(950)
    ('65.5k', '8.19M', '950')
    """
    for limit, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= 0.9995 * limit:
            return f"{count / limit:.3g}{suffix}"
    return f"{count:.3g}"


def floor(values: Sequence[float]) -> float:
    """Return where a logarithmic axis may end: half a decade below the lowest positive value."""
    positive = [value for value in values if value > 0]
    return min(positive) / 3 if positive else 1e-6


def ticks(values: Sequence[float]) -> tuple[list[float], list[str]]:
    """Return places and labels of ticks on a logarithmic axis: decades, and where these are few more digits.

    >>> ticks([0.03, 0.25])
    ([0.05, 0.1, 0.2], ['0.05', '0.1', '0.2'])
    """
    positive = [value for value in values if value > 0]
    if not positive:
        return [], []
    low, high = np.log10(min(positive)), np.log10(max(positive))
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    chosen: list[float] = []
    for digits in ((1,), (1, 2, 5), range(1, 10)):
        places = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        chosen = [place for place in places if low - 0.15 <= np.log10(place) <= high + 0.15]
        if len(chosen) > 2:
            break
    return chosen, [f"{place:g}" if place < 1e4 else short(place) for place in chosen]


def bars(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Return the parts of the loss in drawing order, where each bar stands (a gap between sizes), and its label."""
    ordered = frame.sort_values(["parameters", "tokens"], ignore_index=True)
    jump_N = np.diff(ordered["parameters"].to_numpy(), prepend=ordered["parameters"].iloc[0]) != 0
    labels = ["fresh" if row.role == "online" else short(row.tokens) for row in ordered.itertuples()]
    return ordered, np.arange(len(ordered)) + 0.8 * np.cumsum(jump_N), labels


def heights(ordered: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the heights of the parts above ε, bottom first; where a ladder only bounds B, B and Ω are one part."""
    bound_N = ordered["bound_only"].to_numpy(dtype=bool)
    bias_N, gap_N, variance_N = (ordered[name].to_numpy(dtype=float) for name in ("bias", "gap", "variance"))
    stacked = {} if bound_N.all() else {"bias": np.where(bound_N, 0, bias_N), "gap": np.where(bound_N, 0, gap_N)}
    stacked |= {"merged": np.where(bound_N, bias_N + gap_N, 0)} if bound_N.any() else {}
    return stacked | {"variance": variance_N}


def apart(value_N: np.ndarray, gap: float) -> np.ndarray:
    """Return the values in the same order, moved up and down so that neighbours are at least ``gap`` apart.

    >>> apart(np.array([1.0, 0.0, 0.0]), 0.5)
    array([ 1.  , -0.25,  0.25])
    """
    order_N, steps_N = np.argsort(value_N, kind="stable"), gap * np.arange(len(value_N))
    wanted_N = value_N[order_N] - steps_N
    up_N, down_N = np.maximum.accumulate(wanted_N), np.minimum.accumulate(wanted_N[::-1])[::-1]
    return ((up_N + down_N) / 2 + steps_N)[np.argsort(order_N)]


def fresh_position(tokens: Sequence[int]) -> float:
    """Return the abscissa at which online training stands, one step right of all stored tokens."""
    ordered = sorted(set(tokens))
    if len(ordered) < 2:
        return 4.0 * ordered[0] if ordered else 1.0
    return ordered[-1] * float((ordered[-1] / ordered[0]) ** (1 / (len(ordered) - 1)))
