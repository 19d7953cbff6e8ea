"""The slope of a curve of noise with its interval, where one power of n fits and where none does."""

import msgspec
import numpy as np

from testbed.stats.decay import NO_NOISE, Slope, decay_slope, measured
from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import check_slope, told
from testbed.stats.mean import mean
from testbed.studies.noise.analysis import Curve

MISFIT = 1e-3
"""Lack-of-fit p-value below which no one power of n is believed, and a slope is an average over the lengths."""

ONE_LENGTH = "no draw has models at two lengths, so that none has a slope; train at more lengths."

ONE_DRAW = "models trained separately at each length have no error from one draw; use draws of 2 or more."


def decay(curve: Curve | str, *, level: float, anew: bool = False) -> Slope | str:
    """Return the slope of log spread against log n, shared by the curves of several draws of the parameters.

    Its interval is that of `decay_slope`, from the errors over sequences. Where these say that there is no one power,
    the slope is an average over the lengths, and the interval is widened by the scatter about the line, with Student's
    t of its degrees of freedom: so a bend is not taken for precision. With ``anew``, a model of its own was trained for
    each draw and length: the slope is the mean of those of the draws, each by least squares, and the interval is
    Student's over draws, as the sequences say nothing of how trainings differ.

    Error: as `decay_slope`; for a bent curve the average slope is that of these lengths and no others.
    """
    if isinstance(curve, str):
        return curve
    if anew:
        return _over_draws(curve, level)
    found = decay_slope(*curve[:4], level=level, curves=curve.curve_N.tolist())
    return found if isinstance(found, str) or not found.lack_of_fit < MISFIT else _widened(found, curve)


def _widened(found: Slope, curve: Curve) -> Slope:
    """Return the slope with an interval that the scatter about the line supports."""
    freedom = float(len(curve.n_N) - len(set(curve.curve_N.tolist())) - 1)
    level = found.slope.level
    scatter = float(np.sqrt(np.square(found.residual_N).sum() / freedom))
    factor = max(scatter * critical(level, freedom) / critical(level, np.inf), 1.0)
    value, low, high = found.slope.value, found.slope.low, found.slope.high
    told = f"{found.slope.method}; no one power fits, and the scatter about the line widens the interval {factor:.2g}×"
    wide = {"low": value - factor * (value - low), "high": value + factor * (high - value), "method": told}
    return found._replace(slope=msgspec.structs.replace(found.slope, **wide))


@told
def _over_draws(curve: Curve, level: float) -> Slope | str:
    """Return the mean over draws of the slope of each, with their spread for an error."""
    if not measured(curve.n_N, curve.t_N, curve.error_N, fewest=2):
        return NO_NOISE
    every = [curve.of(curve.curve_N == draw) for draw in sorted(set(curve.curve_N.tolist()))]
    draws = [one for one in every if told(check_slope)(one.n_N, [0] * len(one.n_N), logarithmic=True) is None]
    if not draws:
        return ONE_LENGTH
    if len(draws) < 2:
        return ONE_DRAW
    lines = [np.polynomial.Polynomial.fit(np.log(c.n_N), np.log(c.t_N), 1).convert().coef for c in draws]
    constant_R, slope_R = np.array(lines).T
    part: Estimate = mean(slope_R, level=level)
    short = f", {len(every) - len(draws)} more have one length alone" if len(draws) < len(every) else ""
    slope = msgspec.structs.replace(part, method=f"mean of the slopes of {len(draws)} draws{short}; {part.method}")
    return Slope(slope, float(np.exp(constant_R.mean())), np.nan, np.full(len(curve.n_N), np.nan))
