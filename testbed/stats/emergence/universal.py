"""Whether thresholds of several worlds or noise levels are one: their spread, and how much of it is no noise."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.combine import each_level
from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import NoInformation, alike, numbers, positive

FEWEST = 3
LARGEST_FREEDOM = 1e9
LARGEST_SPREAD = 1e3
"""Spread, in units of the range of the thresholds or of their largest error, up to which it is sought."""


class Heterogeneity(NamedTuple):
    """Welch's test that thresholds are one, Cochran's Q, the spread τ over groups, and its share I² of the variance.

    τ is the standard deviation of the true thresholds over groups, in the unit of the thresholds.
    """

    p_value: float
    q: float
    spread: Estimate
    share: Estimate


def heterogeneity(
    threshold_G: Float[np.ndarray, "G"],
    error_G: Float[np.ndarray, "G"],
    freedom_G: Float[np.ndarray, "G"],
    *,
    level: float,
) -> Heterogeneity:
    """Return how thresholds of G groups differ, from their standard errors and the degrees of freedom behind these.

    Q = Σ (θ − θ̄)²/e² with weights 1/e² (Cochran). As errors are estimated, Q is no χ²: Welch's F takes it to F on G − 1
    and (G² − 1)/(3Λ), Λ = Σ (1 − w/Σw)²/f. The interval of τ holds those for which Welch's F, at variances e² + τ² with
    freedom f·((e² + τ²)/e²)², lies between its quantiles; the value is that at which F is 1, or 0. I² = τ²/(τ² + s²)
    with s² Higgins and Thompson's typical variance. A claim that θ is universal is one about τ: universal if ``high``
    lies below a declared margin, not if ``low`` is 0.

    Error: the test rejects at 5 % in 4–5 % for 3 to 9 groups with 10 degrees of freedom behind each error, and in up to
    9 % with 4; Q against χ² in 7–12 and 14–31 %. The interval covers 93–98 %; with 3 groups ``high`` is five times an
    error where all are one. Of groups that spread by three times their error 3, 5, 9 are found apart in 67, 90, 98 %.
    Thresholds as Gaussian about a common mean;
    a group without a threshold is none of these, see `between`. NoInformation with fewer than 3 groups.
    Source: Welch (Biometrika 38, 1951); Viechtbauer (Statistics in Medicine 26, 2007) for the profile; Higgins and
    Thompson (2002).

    >>> found = heterogeneity(np.array([0.0, 0.1, 2.0]), np.full(3, 0.1), np.full(3, 9.0), level=0.95)
    >>> found.p_value < 0.001, 0.4 < found.spread.low < found.spread.value < 1.2, found.share.low > 0.9
    (True, True, True)
    """
    threshold_G, error_G = numbers(threshold_G, "thresholds"), positive(error_G, "errors")
    freedom_G = positive(freedom_G, "degrees of freedom")
    check_level(level)
    alike(thresholds=len(threshold_G), errors=len(error_G), freedoms=len(freedom_G))
    groups = len(threshold_G)
    if groups < FEWEST:
        raise NoInformation(f"{groups} groups do not tell a spread; give {FEWEST} or more.")
    unit = max(float(np.ptp(threshold_G)), float(error_G.max()))
    asked = _Asked(threshold_G / unit, error_G / unit, freedom_G)
    tails = (1 - level) / 2
    value, low, high = (
        asked.spread_where(excess)
        for excess in (
            lambda at: 1 - asked.welch(at)[0],
            lambda at: asked.tail(at) - tails,
            lambda at: asked.tail(at) - 1 + tails,
        )
    )
    low, high = min(low, value), max(high, value)
    spread = Estimate(
        value=value * unit, low=low * unit, high=high * unit, level=level, n=groups, method="profile of Welch's F"
    )
    typical = asked.typical()
    ends = [part**2 / (part**2 + typical) for part in (value, low)]
    share = Estimate(
        value=ends[0], low=ends[1], high=1.0 if math.isinf(high) else high**2 / (high**2 + typical), level=level,
        n=groups, method="share of the variance, profile of Welch's F",
    )  # fmt: skip
    return Heterogeneity(asked.tail(0.0), asked.cochran(), spread, share)


def between(thresholds: Sequence[Estimate], *, level: float) -> Estimate:
    """Return the largest true threshold less the smallest, from intervals that all hold at once, each at `each_level`.

    A capability that appears in one world and not in another has a threshold with an open end there: the distance then
    is at least its bound less the upper end of the other, and has no largest value.

    Error: conservative, as ends are held by Bonferroni; the value is biased upward by noise, the interval is not.

    >>> each = [Estimate(value=v, low=v - 0.1, high=v + 0.1, level=0.975, n=9, method="t") for v in (0.0, 1.0)]
    >>> found = between(each, level=0.95)
    >>> round(found.low, 9), round(found.high, 9)
    (0.8, 1.2)
    """
    if len(thresholds) < 2:
        raise NoInformation(f"{len(thresholds)} threshold is at no distance; give 2 or more.")
    needed = each_level(level, len(thresholds))
    least = min(part.level for part in thresholds)
    if least < needed - 1e-12:
        raise ValueError(
            f"an interval at level {least:g} does not hold together with {len(thresholds) - 1} others at {level:g};"
            f" make each at {needed:.6g}."
        )
    first, last = (choose(part.value for part in thresholds) for choose in (min, max))
    apart = max(part.low for part in thresholds) - min(part.high for part in thresholds)
    value = last - first
    return Estimate(
        value=value,
        low=min(max(apart, 0.0), value),
        high=max(max(part.high for part in thresholds) - min(part.low for part in thresholds), value),
        level=level,
        n=len(thresholds),
        method="largest less smallest, Bonferroni",
    )


def decades(part: Estimate) -> Estimate:
    """Return an estimate in natural logarithms as one in decades.

    >>> each = Estimate(value=math.log(10), low=0.0, high=math.inf, level=0.95, n=3, method="t")
    >>> decades(each).value
    1.0
    """
    value, low, high = (end / math.log(10) for end in (part.value, part.low, part.high))
    return Estimate(value=value, low=low, high=high, level=part.level, n=part.n, method=part.method)


class _Asked(NamedTuple):
    """Thresholds, their errors and freedom, in a unit of their own."""

    threshold_G: np.ndarray
    error_G: np.ndarray
    freedom_G: np.ndarray

    def cochran(self) -> float:
        weight_G = 1 / self.error_G**2
        return float(weight_G @ (self.threshold_G - weight_G @ self.threshold_G / weight_G.sum()) ** 2)

    def welch(self, spread: float) -> tuple[float, float]:
        """Return Welch's F at a spread, and its second degrees of freedom."""
        groups, own_G = len(self.threshold_G), self.error_G**2
        variance_G = own_G + spread**2
        share_G = (1 / variance_G) / np.sum(1 / variance_G)
        off_G = self.threshold_G - share_G @ self.threshold_G
        unsure = float(np.sum((1 - share_G) ** 2 / (self.freedom_G * (variance_G / own_G) ** 2)))
        between = float(np.sum(off_G**2 / variance_G)) / (groups - 1)
        inflated = 1 + 2 * (groups - 2) * unsure / (groups**2 - 1)
        return between / inflated, (groups**2 - 1) / (3 * unsure)

    def tail(self, spread: float) -> float:
        from scipy.special import fdtrc

        ratio, freedom = self.welch(spread)
        return float(fdtrc(len(self.threshold_G) - 1, min(freedom, LARGEST_FREEDOM), ratio))

    def typical(self) -> float:
        """Higgins and Thompson's variance of a threshold whose noise alone would give this Q."""
        weight_G = 1 / self.error_G**2
        whole = float(weight_G.sum())
        return (len(weight_G) - 1) * whole / (whole**2 - float(weight_G @ weight_G))

    def spread_where(self, excess: Callable[[float], float]) -> float:
        """Return the spread at which what rises with it is zero; 0 where it is above already, ∞ where it never is."""
        from scipy.optimize import brentq

        if excess(0.0) >= 0:
            return 0.0
        if excess(LARGEST_SPREAD) <= 0:
            return math.inf
        return float(brentq(excess, 0.0, LARGEST_SPREAD, xtol=1e-12))
