"""The entropies of sources that stay in one regime."""

import numpy as np

from testbed.laws import record
from testbed.laws.entropies import bounded, walked
from testbed.laws.record import Budget, Truth
from testbed.sources import _components
from testbed.sources._components import Components


def truth(source: Components, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    record.check_length(length)
    operations = length * source.regimes * (source.vocabulary + 8)
    curve = walked.curve(source, source.machine(), length, budget, operations=operations)
    rate = record.rounded(_components.later_entropy(source), 4.0 * source.vocabulary**2)
    epsilon = curve.mean(np.full(length, 1 / length))
    found = Truth(length=length, curve=curve.positions(), epsilon=epsilon, rate=rate, oracle=rate)
    return bounded.settled(source, found, budget)
