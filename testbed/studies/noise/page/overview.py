"""Numbers of a study of noise as a reader sees them, and the row of an arm in the overview."""

from typing import Any

import numpy as np
import pandas as pd

from testbed.report.template import figure, interval
from testbed.studies.noise.page.view import GIVEN, Subject, extremes


def overview(subject: Subject, fits: pd.DataFrame, shapes: pd.DataFrame) -> dict[str, str]:
    """Return the row of an arm: its slope, what is predicted, its shape at the largest n, the verdict on 1/n."""
    fit, described = subject.fit(fits), subject.described
    found = extremes(subject.rows(shapes))
    last = found[found["length"] == found["length"].max()].set_index("which")
    unlike = fit is not None and np.isnan(described.predicted_slope) and np.isfinite(fit.ratio)
    slope, ratio = sloped(fit, "slope"), sloped(fit, "ratio")
    where = f"{subject.part}, layer {subject.layer}" + ("" if subject.given == "query" else ", unconditional")
    return {
        "arm": subject.arm,
        "switch": described.switch,
        "about": where + (f": {subject.measure}" if subject.measure != "variance" else ""),
        "slope": slope[0],
        "slope_ends": slope[1],
        "predicted": "no power law" if unlike else figure(described.predicted_slope),
        "ratio": ratio[0],
        "ratio_ends": ratio[1],
        "limit": described.predicted_limit,
        "largest": short(last["distance"].get("largest")),
        "median": short(last["distance"].get("median")),
        "floor": short(last["floor"].get("largest")),
        "floor_95": short(last["floor_95"].get("largest")),
        "law": verdict(fit),
    }


def bounds(low: float, high: float) -> str:
    """Return an interval, nothing where there is none.

    >>> bounds(-1.0, float("inf")), bounds(float("nan"), 1.0)
    ('[−1, ∞)', '')
    """
    return "" if np.isnan(low) or np.isnan(high) else interval(low, high)


def decimals(value: float) -> str:
    """Return three decimals, so that slopes stand below each other.

    >>> decimals(-1.0), decimals(float("nan"))
    ('−1.000', '–')
    """
    return f"{value:.3f}".replace("-", "−") if np.isfinite(value) else figure(value)


def short(value: float | None) -> str:
    """Return three significant figures; a dash for none.

    >>> short(0.012345), short(None)
    ('0.0123', '–')
    """
    return "–" if value is None or np.isnan(value) else f"{value:.3g}"


def probability(value: float) -> str:
    """Return a p-value in two figures.

    >>> probability(0.0312), probability(1e-20), probability(float("nan"))
    ('0.031', '< 0.0001', '–')
    """
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}" if np.isfinite(value) else "–"


def sloped(row: Any, name: str) -> tuple[str, str]:
    """Return a slope or ratio and its interval in three decimals, from the fields of a row; a dash without a row."""
    low, high = (np.nan if row is None else getattr(row, f"{name}_{end}") for end in ("low", "high"))
    if np.isnan(low) or np.isnan(high):
        return "–" if row is None else decimals(getattr(row, name)), ""
    left, right = "(" if np.isinf(low) else "[", ")" if np.isinf(high) else "]"
    return decimals(getattr(row, name)), f"{left}{decimals(low)}, {decimals(high)}{right}"


def within(row: Any, name: str) -> str:
    """Return a number and its interval from the fields ``name``, ``name``_low and ``name``_high of a row."""
    value = getattr(row, name)
    return f"{figure(value)} {bounds(getattr(row, f'{name}_low'), getattr(row, f'{name}_high'))}".strip()


def fitted(fit: Any) -> bool:
    """Return whether a slope could be fitted."""
    return fit is not None and bool(np.isfinite(fit.slope))


def verdict(fit: Any) -> str:
    """Return the verdict of a fit on the 1/n law; nothing where there is none."""
    return str(fit.law) if fit is not None and isinstance(fit.law, str) else ""


def place(layer: int | str, part: str, given: str) -> tuple[str, str, str]:
    """Return the words for where something was measured.

    >>> place(1, "attention", "query")
    ('layer 1', 'attention', 'given the query token')
    """
    return f"layer {layer}", part, GIVEN.get(given, given)
