"""Means and differences of means of independent values."""

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate
from testbed.stats.moments import Block, contrast, moments


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


def _alone(values_R: np.ndarray) -> Block:
    """Independent values as replicates of one quantity on one sequence."""
    return Block(values_R[:, None, None], (tuple(range(len(values_R))),))
