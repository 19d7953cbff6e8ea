"""The entropies of sources that stay in one regime."""

import numpy as np

from testbed.sources import _components, _known, _truth, _walked
from testbed.sources._truth import Budget, Truth
from testbed.sources.one_regime import OneRegime


def truth(source: OneRegime, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    _truth.check_length(length)
    operations = length * source.regimes * (source.vocabulary + 8)
    curve = _walked.curve(source, source.machine(), length, budget, operations=operations)
    rate = _truth.rounded(_components.later_entropy(source), 4.0 * source.vocabulary**2)
    epsilon = curve.mean(np.full(length, 1 / length))
    found = Truth(length=length, curve=curve.positions(), epsilon=epsilon, rate=rate, oracle=rate)
    return _known.settled(source, found, budget)
