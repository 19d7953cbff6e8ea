"""The limit of a quantity along a geometric ladder of horizons, with intervals that may honestly be everything."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import numbers
from testbed.stats.moments import Moments, contrast, spread

BOUND_ONLY = "bound only"
"""How the method of a ladder begins whose limit may be anything from 0 to K_T."""

NOISY = f"{BOUND_ONLY}: the ladder of horizons does not contract beyond its noise"
FAST = f"{BOUND_ONLY}: the ladder falls faster than its law allows"

SAME_ROOT = 1e-6  # below this imaginary part, two roots that coincide without noise are told apart by rounding only


class Ladder(NamedTuple):
    """The limit, what is left above it at the longest horizon, and the latter as a share of the last value."""

    limit: Estimate
    gap: Estimate
    share: Estimate

    @property
    def bound_only(self) -> bool:
        """Whether limit and gap cannot be told apart."""
        return self.limit.method.startswith(BOUND_ONLY)


def ladder(found: Moments, *, level: float) -> Ladder:
    """Return the limit B of K_T = B + c·T^−γ from the means at T/q², T/q and T, and the gap K_T − B ≥ 0.

    With the steps d1 = K_1 − K_2 and d2 = K_2 − K_3: gap = d2²/(d1 − d2), B = K_3 − gap (Aitken's formula). As both are
    ratios, intervals come from inverting the t-test of "numerator − x · denominator = 0" (Fieller), cut to 0 ≤ B ≤ K_T.

    Error: where the ladder does not contract (0 < d2 < d1), or noise hides it, every limit from 0 to K_T fits:
    the interval then says so, and the value is the upper bound K_T if no extrapolation exists. The same is said where
    the unconstrained limit lies below zero with all of its interval, against B ≥ 0. The law itself is an assumption.
    Source: Aitken (1926); Fieller (1954).

    >>> from testbed.stats.moments import known
    >>> seen = known(np.array([5.0, 3.0, 2.0]), np.full(3, 1e-3), np.full(3, 5.0))
    >>> round(ladder(seen, level=0.95).limit.value, 9), round(ladder(seen, level=0.95).gap.value, 9)
    (1.0, 1.0)
    """
    if len(found.mean_Q) != 3:
        raise ValueError(f"{len(found.mean_Q)} rungs are no ladder; give the means at 3 horizons.")
    first, second, third = (float(value) for value in found.mean_Q)
    last = contrast(found, np.array([0.0, 0.0, 1.0]), level=level)
    top = max(third, 0.0)
    drop, fall = second - third, first - 2 * second + third
    ceiling = max(last.high, 0.0)
    if not (drop > 0 and fall > 0):
        return _bounds(found, top, ceiling, NOISY, level)
    gap = min(drop**2 / fall, top)
    limit_ratio = (
        np.array([first * third - second**2, fall]),
        np.array([[third, -2 * second, first], [1.0, -2.0, 1.0]]),
    )
    gap_ratio = (np.array([drop**2, fall]), np.array([[0.0, 2 * drop, -2 * drop], [1.0, -2.0, 1.0]]))
    share_ratio = (
        np.array([drop**2, third * fall]),
        np.array([[0.0, 2 * drop, -2 * drop], [third, -2 * third, fall + third]]),
    )
    if limit_ratio[0][0] < 0 and fieller(*limit_ratio, found, level=level, bounds=(0.0, ceiling)) is None:
        return _bounds(found, top, ceiling, FAST, level)
    return Ladder(
        _bounded(found, limit_ratio, (top - gap, ceiling), level),
        _bounded(found, gap_ratio, (gap, ceiling), level),
        _bounded(found, share_ratio, (gap / top if top > 0 else 0.0, 1.0), level),
    )


def _bounds(found: Moments, top: float, ceiling: float, method: str, level: float) -> Ladder:
    """Return a ladder that only says that its limit lies between 0 and K_T."""

    def anywhere(value: float, high: float) -> Estimate:
        return Estimate(value=value, low=0.0, high=high, level=level, n=found.n, method=method)

    return Ladder(anywhere(top, ceiling), anywhere(0.0, ceiling), anywhere(0.0, 1.0))


def _bounded(
    found: Moments, ratio: tuple[np.ndarray, np.ndarray], value_and_ceiling: tuple[float, float], level: float
) -> Estimate:
    """Return Fieller's set of a ratio inside [0, ceiling], or all of [0, ceiling]."""
    value, ceiling = value_and_ceiling
    ends = fieller(*ratio, found, level=level, bounds=(0.0, ceiling))
    low, high = (0.0, ceiling) if ends is None else ends
    method = NOISY if low <= 0 and high >= ceiling else "horizon ladder, Fieller interval"
    return Estimate(value=value, low=min(low, value), high=max(high, value), level=level, n=found.n, method=method)


def fieller(
    terms_2: Float[np.ndarray, "2"],
    gradient_2Q: Float[np.ndarray, "2 Q"],
    found: Moments,
    *,
    level: float,
    bounds: tuple[float, float],
) -> tuple[float, float] | None:
    """Return the hull of Fieller's set for terms[0]/terms[1] inside ``bounds``; None if it holds no point there.

    ``gradient_2Q`` are the derivatives of both terms by the means; degrees of freedom are Satterthwaite's at the ratio
    itself.

    >>> from testbed.stats.moments import known
    >>> seen = known(np.array([2.0, 1.0]), np.full(2, 1e-2), np.full(2, 9.0))
    >>> [round(end, 2) for end in fieller(seen.mean_Q, np.eye(2), seen, level=0.95, bounds=(0.0, 9.0))]
    [1.95, 2.05]
    """
    terms_2, gradient_2Q = numbers(terms_2, "terms", axes=1), numbers(gradient_2Q, "gradients", axes=2)
    if gradient_2Q.shape != (2, len(found.mean_Q)) or len(terms_2) != 2 or not bounds[0] <= bounds[1]:
        raise ValueError(f"a ratio of {len(terms_2)} terms within {bounds} is none; give 2 terms and rising bounds.")
    if np.any(found.blind_Q):
        return bounds
    covariance_22 = gradient_2Q @ found.covariance() @ gradient_2Q.T
    above, below = (float(term) for term in terms_2)
    ratio = float(np.clip(above / below, *bounds)) if below != 0 else bounds[1]
    _, freedom = spread(found, gradient_2Q[0] - ratio * gradient_2Q[1])
    squared = critical(level, freedom) ** 2
    (a, b), ((aa, ab), (_, bb)) = terms_2, covariance_22
    coefficients = np.array([b**2 - squared * bb, -2 * (a * b - squared * ab), a**2 - squared * aa])
    accepted = [end for end in bounds if np.polyval(coefficients, end) <= 0]
    roots = np.roots(coefficients)
    real = [float(root.real) for root in roots if abs(root.imag) <= SAME_ROOT * abs(root)]
    accepted += [root for root in real if bounds[0] < root < bounds[1]]
    return (min(accepted), max(accepted)) if accepted else None
