"""The numbers of a study of noise that claims can be about; each is an estimate, or a sentence that says why not."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from testbed.stats.combine import each_level, largest, magnitude
from testbed.stats.decay import NO_NOISE
from testbed.stats.distance import Distance, true_distance
from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import told
from testbed.stats.moments import contrast, known
from testbed.stats.plateau import plateau
from testbed.stats.rate import distance_rate
from testbed.studies.noise.analysis import About, Curve, NoiseAnalysis
from testbed.studies.noise.decays import decay

EXPONENTS = (0.1, 3.0)
"""Decays that a plateau is told from: slower ones could not be, over the lengths of a study."""

NO_THEORY = "theory gives no value at any length to compare with."


def slope(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the slope of log T against log n; −1 if noise falls as 1/n."""
    return _slope(analysis, where, analysis.curve(where), level)


def spread_slope(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the slope of the log of the interquartile range against log n; −½ if noise falls as 1/n."""
    return _slope(analysis, where, analysis.spread(where), level)


def slope_departure(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the slope less the one that theory predicts for this arm, of T or of the interquartile range.

    Where theory has a number for T at every n, this is the slope of T over that number: near the limit law or far from
    it, T must follow it. Elsewhere the exponent of the limit law is taken.
    """
    arm, curve = analysis.arm(where.arm), analysis.curve(where)
    ratios = _ratios(curve)
    if not isinstance(ratios, str) and not isinstance(curve, str) and len(ratios.n_N) == len(curve.n_N):
        return _slope(analysis, where, ratios, level)
    if not np.isfinite(arm["predicted_slope"]):
        return f"no power law is predicted for {where.arm}: {arm['why']}."
    spread = arm["predicted_measure"] == "interquartile range"
    found = (spread_slope if spread else slope)(analysis, where, level)
    return found if isinstance(found, str) else _shifted(found, float(arm["predicted_slope"]))


def last_slope(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the slope of log T between the two longest lengths."""
    curve = analysis.curve(where)
    if isinstance(curve, str):
        return curve
    return _slope(analysis, where, curve.of(np.isin(curve.n_N, np.unique(curve.n_N)[-2:])), level)


def constant(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return T over what theory predicts, its mean over the longer half of the lengths; 1 if theory is right."""
    ratios = _ratios(analysis.curve(where))
    if isinstance(ratios, str):
        return ratios
    long = ratios.of(ratios.n_N >= np.median(np.unique(ratios.n_N)))
    return _mean(long, level)


def departure(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the largest departure, at any length, of T over what theory predicts from 1."""
    ratios = _ratios(analysis.curve(where))
    return ratios if isinstance(ratios, str) else _largest_departure(ratios, level)


def last_ratio(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return T over what theory predicts at the longest length; the mean over draws of the parameters."""
    ratios = _ratios(analysis.curve(where))
    if isinstance(ratios, str):
        return ratios
    return _mean(ratios.of(ratios.n_N == ratios.n_N.max()), level)


def plateau_share(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the limit c_∞ of T = c_∞ + c_1·n^−γ as a share of T at the shortest length; 0 if noise vanishes."""
    curve = analysis.curve(where)
    if isinstance(curve, str):
        return curve
    draws = len(set(curve.curve_N.tolist()))
    curve = curve.of(curve.curve_N == curve.curve_N.min())
    found = plateau(*curve[:4], exponents=EXPONENTS, level=level)
    if isinstance(found, str):
        return found
    limit, first = found.limit, float(curve.t_N[curve.n_N.argmin()])
    told = "; ".join((limit.method, *found.undetermined)) + (f"; of the first of {draws} draws" if draws > 1 else "")
    parts = {name: getattr(limit, name) / first for name in ("value", "low", "high")}
    return msgspec.structs.replace(limit, method=f"{told}; the first T taken as exact", **parts)


def normal_distance(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the largest true Kolmogorov–Smirnov distance from a normal law, over directions, at the longest length."""
    rows = analysis.directions(where)
    rows = rows[(rows["length"] == rows["length"].max()) & np.isfinite(rows["distance"])]
    if not len(rows):
        return f"no projection of {where} has a spread at the longest length."
    each = each_level(level, len(rows))
    return largest([_true_distance(row, each) for row in _rows(rows)], level=level)


def distance_exponent(analysis: NoiseAnalysis, where: About, level: float) -> Estimate | str:
    """Return the exponent r with which the distance from a normal law falls, as n^−r; ½ by Berry and Esseen."""
    rows = analysis.directions(where)
    rows = rows[(rows["direction"] == "principal 1") & (rows["draw"] == 0) & np.isfinite(rows["distance"])]
    if rows["length"].nunique() < 3:
        return f"the distance of {where} was measured at fewer than 3 lengths."
    found = [Distance(_true_distance(row, level), row.distance_error, row.floor, row.floor_95) for row in _rows(rows)]
    return distance_rate(rows["length"].to_numpy(float), found, level=level).exponent


ESTIMATES: dict[str, Callable[[NoiseAnalysis, About, float], Estimate | str]] = {
    f"noise_{function.__name__}": told(function)
    for function in (
        slope,
        spread_slope,
        slope_departure,
        last_slope,
        constant,
        departure,
        last_ratio,
        plateau_share,
        normal_distance,
        distance_exponent,
    )
}


def _slope(analysis: NoiseAnalysis, where: About, curve: Curve | str, level: float) -> Estimate | str:
    if isinstance(curve, str):
        return curve
    found = decay(curve, level=level, anew=analysis.anew(where))
    return found if isinstance(found, str) else found.slope


def _ratios(curve: Curve | str) -> Curve | str:
    """Return T over theory's T, where there is one."""
    if isinstance(curve, str):
        return curve
    foreseen = curve.of(np.isfinite(curve.predicted_N) & (curve.predicted_N > 0))
    if not len(foreseen.t_N):
        return NO_THEORY
    seen_N = np.concatenate([foreseen.t_N, foreseen.error_N])
    if not np.all(np.isfinite(seen_N) & (seen_N > 0)):
        return NO_NOISE
    return foreseen._replace(t_N=foreseen.t_N / foreseen.predicted_N, error_N=foreseen.error_N / foreseen.predicted_N)


def _mean(ratios: Curve, level: float) -> Estimate:
    """Return the mean, weighed by sequences."""
    seen = known(ratios.t_N, ratios.error_N, ratios.units_N - 1)
    return contrast(seen, ratios.units_N / ratios.units_N.sum(), level=level)


def _largest_departure(ratios: Curve, level: float) -> Estimate:
    each = each_level(level, len(ratios.t_N))
    parts = []
    columns = (column.tolist() for column in (ratios.t_N, ratios.error_N, ratios.units_N))
    for value, error, units in zip(*columns, strict=True):
        half = critical(each, units - 1) * error
        method = "Student t at each length"
        off = Estimate(
            value=value - 1, low=value - 1 - half, high=value - 1 + half, level=each, n=int(units), method=method
        )
        parts.append(magnitude(off))
    return largest(parts, level=level)


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples())


def _true_distance(row: Any, level: float) -> Estimate:
    return true_distance(row.distance, row.distance_error, int(row.count), level=level)


def _shifted(part: Estimate, by: float) -> Estimate:
    ends = {name: getattr(part, name) - by for name in ("value", "low", "high")}
    return msgspec.structs.replace(part, **ends)
