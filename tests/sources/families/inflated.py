"""Inflated alphabets, by sharing every probability of the base among the copies."""

import numpy as np

from testbed.sources import BlockStationary, Iid, Inflated
from tests.sources.families.block_stationary import TINY
from tests.sources.families.markov import CHAIN, GOLDEN_MEAN

EXAMPLES = [
    Inflated(base=CHAIN, factor=2),
    Inflated(base=GOLDEN_MEAN, factor=2),
    Inflated(base=Iid(vocabulary=2, weights=(0.6, 0.4)), factor=3),
    Inflated(base=BlockStationary(**TINY), factor=2),
    Inflated(base=Inflated(base=CHAIN, factor=2), factor=2),
]
REFUSED = [({"base": CHAIN, "factor": factor}, f"factor={factor}", "use the base itself") for factor in (1, 0, -2)]


def joint(source, length):
    """Every string of copies has the probability of what it stands for, divided by K for each token."""
    from tests.sources import worlds  # late: it reads the examples of this file

    law = worlds.joint_law(source.base, length)
    for axis in range(length):
        law = np.repeat(law, source.factor, axis=axis) / source.factor
    return law


def rate_bounds(source):
    from tests.sources import worlds

    bounds = worlds.rate_bounds(source.base)
    return None if bounds is None else tuple(bound + np.log(source.factor) for bound in bounds)


def told(source):
    from tests.sources import worlds

    return np.repeat(worlds.told(source.base), source.factor, axis=1) / source.factor
