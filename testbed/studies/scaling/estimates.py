"""The numbers that claims can be about: what a free fit says of ε, and what a wrong ε costs."""

from collections.abc import Callable

import numpy as np
from scipy.special import betaincinv

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, told
from testbed.studies.scaling import forecasts
from testbed.studies.scaling.analysis import FORM, ScalingAnalysis, law, pinned
from testbed.studies.scaling.asked import TRUTH


def entropy_error(analysis: ScalingAnalysis, level: float) -> Estimate | str:
    """Return E of a free fit less the true ε, in nats per token; the interval counts the error of ε too."""
    found = law(analysis.study, analysis.world, analysis.table, "free", level=level).parameters["E"]
    epsilon, error = analysis.world.epsilon, analysis.world.epsilon_error
    return Estimate(
        value=found.value - epsilon,
        low=found.low - epsilon - error,
        high=found.high - epsilon + error,
        level=level,
        n=found.n,
        method=found.method,
    )


def entropy_coverage(analysis: ScalingAnalysis, level: float) -> Estimate | str:
    """Return the share of simulated surfaces on which the interval of a free E covers ε.

    The interval is Clopper and Pearson's. A surface whose fit was refused counts as missed in the lower end, and as
    covered in the upper one.
    """
    table = analysis.simulations
    answered = table[table["sentence"] == ""]
    all_of_them, refused = len(table), len(table) - len(answered)
    if not len(answered):
        why = str(table["sentence"].iloc[0]).removeprefix("no information: ")
        raise NoInformation(f"no simulated surface could be fitted: {why}")
    epsilon = analysis.world.epsilon
    covered = int(((answered["low"] <= epsilon) & (epsilon <= answered["high"])).sum())
    tail = (1 - level) / 2
    most = covered + refused
    low = float(betaincinv(covered, all_of_them - covered + 1, tail)) if covered else 0.0
    high = float(betaincinv(most + 1, all_of_them - most, 1 - tail)) if most < all_of_them else 1.0
    method = "Clopper and Pearson over simulated surfaces" + (f", {refused} refused" if refused else "")
    return Estimate(value=covered / len(answered), low=low, high=high, level=level, n=all_of_them, method=method)


def forecast_cost(analysis: ScalingAnalysis, about: str, level: float) -> Estimate | str:
    """Return log of the error of a forecast with E as it is assumed over that with the true ε; log 2 = 0.69 doubles it.

    The error is the root mean square, in nats, over the cells held out: the largest size, or the most data.
    """
    return forecasts.cost(analysis, about, level)


def alpha_shift(analysis: ScalingAnalysis, about: str, level: float) -> Estimate | str:
    """Return the exponent alpha of P fitted with E as it is assumed, less that with the true ε; all cells fitted."""
    return _shift(analysis, about, "alpha", level)


def beta_shift(analysis: ScalingAnalysis, about: str, level: float) -> Estimate | str:
    """Return the exponent beta of D fitted with E as it is assumed, less that with the true ε; all cells fitted."""
    return _shift(analysis, about, "beta", level)


def _shift(analysis: ScalingAnalysis, about: str, exponent: str, level: float) -> Estimate:
    true, other = (pinned(analysis.study, analysis.world, analysis.table, name) for name in (TRUTH, about))
    place = FORM.names.index(exponent)
    value = float(other.fitted.coordinate_Q[place] - true.fitted.coordinate_Q[place])
    value_R = np.asarray(other.resampled.coordinate_RQ[:, place] - true.resampled.coordinate_RQ[:, place])
    return forecasts.told_of(value, value_R, (true.resampled, other.resampled), level)


OF_ALL: dict[str, Callable[[ScalingAnalysis, float], Estimate | str]] = {
    function.__name__: told(function) for function in (entropy_error, entropy_coverage)
}
OF_ONE: dict[str, Callable[[ScalingAnalysis, str, float], Estimate | str]] = {
    function.__name__: told(function) for function in (forecast_cost, alpha_shift, beta_shift)
}
"""Those about one assumption, which the claim names in `about`."""
