"""Every observed vector's decay in one row: slope, plateau, rate of the distance to the normal law, ratio to theory."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from testbed.stats.decay import Slope
from testbed.stats.estimate import Estimate
from testbed.stats.plateau import Plateau, plateau
from testbed.studies.noise.analysis import GIVEN, PARTS, About, Curve, NoiseAnalysis
from testbed.studies.noise.decays import decay
from testbed.studies.noise.estimates import ESTIMATES, EXPONENTS
from testbed.verdict import Check

CLAIMED, MARGIN = -1.0, 0.05
"""The slope that the paper claims, and how far from it still counts as true."""

COLUMNS = (
    *("arm", "layer", "part", "given", "measure", "slope", "slope_low", "slope_high", "constant", "lack_of_fit"),
    *("limit", "limit_low", "limit_high", "gamma", "gamma_low", "gamma_high", "rate", "rate_low", "rate_high"),
    *("predicted_slope", "ratio", "ratio_low", "ratio_high", "law"),
)


def fits(analysis: NoiseAnalysis, checks: Sequence[Check], *, level: float) -> pd.DataFrame:
    """Return a row for each observed vector, NaN where there is no estimate.

    The spread is T, or the interquartile range where theory says that there is no variance. ``law`` is the verdict on
    the 1/n law; none is given by a run that failed a check.
    """
    found = pd.DataFrame([_row(analysis, where, level) for where in _all(analysis)], columns=list(COLUMNS))
    return found if all(check.passed for check in checks) else found.assign(law="invalid")


def _all(analysis: NoiseAnalysis) -> Iterator[About]:
    """Yield every observed vector, arm by arm."""
    seen = analysis.levels[["arm", "layer"]].drop_duplicates()
    for arm in analysis.arms["arm"]:
        for layer in sorted(seen[seen["arm"] == arm]["layer"]):
            for part in PARTS:
                yield from (About(arm, int(layer), part, given) for given in GIVEN)


def _row(analysis: NoiseAnalysis, where: About, level: float) -> dict[str, Any]:
    arm = analysis.arm(where.arm)
    measure = arm["predicted_measure"]
    curve = analysis.curve(where) if measure == "variance" else analysis.spread(where)
    predicts = where.layer == 1 and where.given == "query" and where.part == arm["part"]
    row = where._asdict() | {"measure": measure, "predicted_slope": arm["predicted_slope"] if predicts else np.nan}
    for name, quantity in (("ratio", "noise_constant"), ("rate", "noise_distance_exponent")):
        row |= _ends(name, ESTIMATES[quantity](analysis, where, level))
    return row | _slope(curve, measure, level, anew=analysis.anew(where)) | _plateau(curve, level)


def _slope(curve: Curve | str, measure: str, level: float, *, anew: bool) -> dict[str, Any]:
    found = decay(curve, level=level, anew=anew)
    if not isinstance(found, Slope):
        return _ends("slope", "") | {"constant": np.nan, "lack_of_fit": np.nan, "law": "invalid"}
    power = 1.0 if measure == "variance" else 0.5
    told = _law(found.slope, CLAIMED * power, MARGIN * power)
    return _ends("slope", found.slope) | {"constant": found.constant, "lack_of_fit": found.lack_of_fit, "law": told}


def _law(slope: Estimate, claimed: float, margin: float) -> str:
    """Return whether the claimed slope stands."""
    if claimed - margin <= slope.low and slope.high <= claimed + margin:
        return "supported"
    return "refuted" if slope.high < claimed - margin or slope.low > claimed + margin else "undecided"


def _plateau(curve: Curve | str, level: float) -> dict[str, Any]:
    if not isinstance(curve, str):
        curve = curve.of(curve.curve_N == curve.curve_N.min())
    found = curve if isinstance(curve, str) else plateau(*curve[:4], exponents=EXPONENTS, level=level)
    if not isinstance(found, Plateau):
        return _ends("limit", "") | _ends("gamma", "")
    return _ends("limit", found.limit) | _ends("gamma", found.exponent)


def _ends(name: str, found: Estimate | str) -> dict[str, float]:
    if isinstance(found, str):
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), np.nan)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
