"""What is drawn of the decay of noise: the measured curves of an arm, the law beside each, and the residuals."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from testbed.stats.estimate import critical
from testbed.studies.noise.page.view import Subject, logarithmic

Fit: TypeAlias = Any
"""A row of the table of fits, or None where there is none."""
BAR = critical(0.95, np.inf)
"""Standard errors that a bar reaches to each side."""
STEEPEST, FLATTEST = 1.8, 1.1
"""Decades of T for each decade of n that a panel shows at most and at least, unless its points need more."""


class Law(NamedTuple):
    """A line beside a measured curve, and what it is: theory, the predicted slope alone, the fitted power law, none."""

    kind: str
    length_N: np.ndarray
    value_N: np.ndarray


class Residuals(NamedTuple):
    """Residuals of a curve with their bars; relative to theory, or of a fit in standard errors (bars of nothing)."""

    relative: bool
    length_N: np.ndarray
    value_N: np.ndarray
    bar_N: np.ndarray


def curves(subject: Subject, levels: pd.DataFrame, shapes: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return given, curve, length, value, error and predicted of a measure, where a logarithmic axis can show them.

    A curve is one draw of the parameters, and of the interquartile range also one direction.
    """
    if measure == "variance":
        own = subject.both(levels)
        own = own.assign(value=own["variance"], curve=own["draw"].astype(str))
    else:
        own = subject.both(shapes)
        named = own["draw"].astype(str) + " " + own["direction"]
        own = own.assign(value=own["iqr"], error=own["iqr_error"], predicted=np.nan, curve=named)
    columns = ["given", "curve", "length", "value", "error", "predicted"]
    return own.loc[np.isfinite(own["value"]) & (own["value"] > 0), columns].sort_values(["given", "curve", "length"])


def law(curve: pd.DataFrame, slope: float, fit: Fit) -> Law:
    """Return the line beside one curve: theory if it gives T, else the predicted slope, else the fitted power law.

    Where theory gives the slope alone, and where several curves share a fitted slope, the height is the curve's own.
    """
    length_N = curve["length"].to_numpy(dtype=float)
    known = curve[np.isfinite(curve["predicted"]) & (curve["predicted"] > 0)]
    if len(known):
        return Law("theory", known["length"].to_numpy(dtype=float), known["predicted"].to_numpy(dtype=float))
    kind, used = ("slope", slope) if np.isfinite(slope) else ("fit", np.nan if fit is None else float(fit.slope))
    if not np.isfinite(used):
        return Law("none", length_N[:0], length_N[:0])
    return Law(kind, length_N, height(curve, used) * length_N**used)


def height(curve: pd.DataFrame, slope: float) -> float:
    """Return the C of C·n^slope that fits a curve best, weighed by its relative errors; without errors, equally."""
    power_N = curve["length"].to_numpy(dtype=float) ** slope
    value_N, error_N = curve["value"].to_numpy(dtype=float), curve["error"].to_numpy(dtype=float)
    usable = bool(np.isfinite(error_N).all() and (error_N > 0).all())
    weight_N = (value_N / error_N) ** 2 if usable else np.ones_like(value_N)
    return float(np.exp(np.average(np.log(value_N / power_N), weights=weight_N)))


def residuals(curve: pd.DataFrame, fit: Fit) -> Residuals | None:
    """Return measured/theory − 1, or without theory (T − fitted power law) in standard errors; None without either."""
    known = curve[np.isfinite(curve["predicted"]) & (curve["predicted"] > 0)]
    if len(known):
        length_N, value_N, error_N, theory_N = (
            known[name].to_numpy(dtype=float) for name in ("length", "value", "error", "predicted")
        )
        return Residuals(True, length_N, value_N / theory_N - 1, BAR * error_N / theory_N)
    sure = curve[curve["error"] > 0]
    if fit is None or not np.isfinite(fit.slope) or sure.empty:
        return None
    length_N, value_N, error_N = (sure[name].to_numpy(dtype=float) for name in ("length", "value", "error"))
    fitted_N = height(sure, float(fit.slope)) * length_N ** float(fit.slope)
    return Residuals(False, length_N, (value_N - fitted_N) / error_N, np.zeros_like(value_N))


def steepness(drawn: list[pd.DataFrame]) -> float:
    """Return decades of T for each decade of n that all panels show, so that a slope looks the same in each."""
    spans = [FLATTEST]
    for own in drawn:
        value_N, length_N = logarithmic(own["value"]), logarithmic(own["length"])
        if len(value_N) and length_N.max() > length_N.min():
            spans.append(np.log(value_N.max() / value_N.min()) / np.log(length_N.max() / length_N.min()))
    return float(min(max(spans), STEEPEST))


def ends(own: pd.DataFrame, steep: float) -> tuple[float, float]:
    """Return the ends of the axis of T around the points of a panel: ``steep`` decades for each of n, or more."""
    value_N = logarithmic([*own["value"], *own["predicted"]])
    length_N = logarithmic(own["length"])
    low, high = np.log10(value_N.min()), np.log10(value_N.max())
    span = steep * np.log10(length_N.max() / length_N.min()) if len(length_N) else 1.0
    half = max(span, high - low, 0.5) / 2 * 1.12
    middle = (low + high) / 2
    return float(10 ** (middle - half)), float(10 ** (middle + half))
