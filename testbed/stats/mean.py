"""Means, and differences and ratios of means."""

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import numbers
from testbed.stats.moments import Block, Moments, contrast, moments, spread

SAME_ROOT = 1e-6  # below this imaginary part, two roots that coincide without noise are told apart by rounding only


def mean(values_R: Float[np.ndarray, "R"], *, level: float) -> Estimate:
    """Return the mean of independent values with Student's interval.

    Error: exact for Gaussian values; a single value gets the whole line.

    >>> found = mean(np.array([1.0, 2.0, 3.0]), level=0.95)
    >>> round(found.low, 3), found.value, round(found.high, 3)
    (-0.484, 2.0, 4.484)
    """
    return contrast(moments([_alone(values_R)]), np.ones(1), level=level)


def difference(first_R: Float[np.ndarray, "R"], second_S: Float[np.ndarray, "S"], *, level: float) -> Estimate:
    """Return mean(first) − mean(second) of two independent samples with Welch's interval.

    Error: approximate for unequal variances (Welch–Satterthwaite); a sample of one gets the whole line.

    >>> found = difference(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]), level=0.95)
    >>> found.value, round(found.high, 3)
    (1.0, 3.267)
    """
    return contrast(moments([_alone(first_R), _alone(second_S)]), np.array([1.0, -1.0]), level=level)


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


def _alone(values_R: np.ndarray) -> Block:
    """Independent values as replicates of one quantity on one sequence."""
    return Block(values_R[:, None, None], (tuple(range(len(values_R))),))
