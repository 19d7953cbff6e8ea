"""What is left to gain by longer training, from the loss at a geometric ladder of horizons: bounds that may be wide."""

import math
from typing import NamedTuple

import numpy as np

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.moments import Moments, contrast

BOUND_ONLY = "bound only"
"""How a method begins whose value is the end of its interval: nothing tells where in it the truth lies."""


class Ladder(NamedTuple):
    """The drop of the mean loss K from the last horizon but one to the last, and how it is carried on.

    ``exponents`` are the least and the largest γ that were declared, ``exponent`` the one that the rungs themselves
    suggest, within these; None where they suggest none.
    """

    drop: Estimate
    ratio: float
    exponents: tuple[float, float]
    exponent: float | None

    @property
    def gap(self) -> Estimate:
        """Return Ω, what endless training would still gain: drop / (q^γ − 1).

        The interval allows every γ that was declared. Without a suggested γ the value is the upper end.
        """
        return self._carried(math.inf, "gap")

    def later(self, ratio: float) -> Estimate:
        """Return what training ``ratio`` times as long would gain: drop · (1 − ratio^−γ) / (q^γ − 1)."""
        return self._carried(ratio, "gain")

    def _carried(self, ratio: float, what: str) -> Estimate:
        least, most = self.exponents
        low = max(self.drop.low, 0.0) * self._share(most, ratio)
        high = max(self.drop.high, 0.0) * self._share(least, ratio)
        value = high if math.isfinite(high) else max(self.drop.value, 0.0) * self._share(least, ratio)
        method = f"{BOUND_ONLY}: {what}, least exponent {least:g}"
        if self.exponent is not None:
            value = min(max(max(self.drop.value, 0.0) * self._share(self.exponent, ratio), low), high)
            method = f"{what} by exponents {least:g} to {most:g}"
        return Estimate(value=value, low=low, high=high, level=self.drop.level, n=self.drop.n, method=method)

    def _share(self, exponent: float, ratio: float) -> float:
        """Return the gain by a factor ``ratio`` over the last drop, if the gap falls as T^−γ."""
        return (1 - ratio**-exponent) / (self.ratio**exponent - 1)


def ladder(found: Moments, *, ratio: float, exponents: tuple[float, float], level: float) -> Ladder:
    """Return the ladder of the mean losses at T/q², T/q and T.

    Where K_T = B + Ω_T and Ω falls by a factor of q^γ at least with each rung, from the last two on, Ω_T ≤ drop/(q^γ −
    1), whether or not it is a power law; and Ω_T ≥ drop/(q^γ' − 1) if it never falls faster than q^γ'. No γ is fitted
    for the interval: a ladder that ends a plateau suggests a γ of no meaning. The value takes the γ that the two drops
    suggest, where it lies strictly within the declared ends.

    Error: a plateau that outlasts the ladder has Ω above any such bound; only longer training can tell.

    >>> from testbed.stats.moments import known
    >>> seen = known(np.array([5.0, 3.0, 2.0]), np.full(3, 1e-3), np.full(3, 50.0))
    >>> found = ladder(seen, ratio=4.0, exponents=(0.25, 2.0), level=0.95)
    >>> round(found.gap.value, 6), round(found.gap.low, 2), round(found.gap.high, 2), round(found.later(4.0).value, 6)
    (1.0, 0.07, 2.42, 0.5)
    """
    least, most = exponents
    if len(found.mean_Q) != 3:
        raise NoInformation(f"{len(found.mean_Q)} rungs are no ladder; give the means at 3 horizons.")
    if not (ratio > 1 and 0 < least < most):
        raise ValueError(f"ratio {ratio:g} and exponents {exponents} must be above 1, and rising above 0.")
    drop = contrast(found, np.array([0.0, 1.0, -1.0]), level=level)
    before = float(found.mean_Q[0] - found.mean_Q[1])
    suggested = math.log(before / drop.value) / math.log(ratio) if before > 0 and drop.low > 0 else math.nan
    return Ladder(drop, ratio, exponents, suggested if least < suggested < most else None)
