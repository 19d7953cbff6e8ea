"""How the ends of an interval of a coordinate become those of a parameter, and what is told where one is open."""

import numpy as np

from testbed.stats.estimate import Estimate
from testbed.stats.scaling.problem import Problem


def estimate(
    asked: Problem, place: int, coordinate: float, ends: tuple[float, float], *, level: float, n: int, method: str
) -> Estimate:
    """Return the estimate of a parameter from its coordinate and an interval of that.

    An end at that of the search is infinite, or the value below which a law has none (0 for E, factors and decays);
    where the search was narrowed by the caller, it is the caller's end. ``method`` tells each.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> asked = problem(FORMS["power_tokens"], losses([1], [1], [2]), OBJECTIVES["huber"])
    >>> found = estimate(asked, 2, 0.3, (0.0, 5.0), level=0.95, n=9, method="m")
    >>> found.low, found.high, found.method
    (0.0, inf, 'm; no value is too small; open above')
    """
    parameter = asked.form.parameters[place]
    low, high = min(ends[0], coordinate), max(ends[1], coordinate)
    lower, upper = float(asked.lower_Q[place]), float(asked.upper_Q[place])
    told = method
    if low <= lower and lower > parameter.least:
        told += "; below, the end that was assumed"
    elif low <= lower:
        low = -np.inf if parameter.scale else parameter.floor
        told += "; open below" if np.isinf(parameter.floor) and not parameter.scale else "; no value is too small"
    if high >= upper and upper < parameter.most:
        told += "; above, the end that was assumed"
    elif high >= upper or np.isinf(high):
        high, told = np.inf, f"{told}; open above"
    shown = [float(_shown(each, parameter.scale)) for each in (coordinate, low, high)]
    return Estimate(value=shown[0], low=shown[1], high=shown[2], level=level, n=n, method=told)


def _shown(coordinate: float, scale: bool) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(coordinate)) if scale else coordinate
