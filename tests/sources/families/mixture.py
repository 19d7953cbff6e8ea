"""Mixtures, by adding the laws of the parts."""

import numpy as np

from testbed.sources import BlockStationary, Iid, Inflated, Markov, Mixture
from tests.sources.families.block_stationary import TINY
from tests.sources.families.markov import BACK, CHAIN, GOLDEN_MEAN

COIN = Iid(vocabulary=2, weights=(0.4, 0.6))
EXAMPLES = [
    Mixture(parts=(CHAIN, BACK)),
    Mixture(parts=(CHAIN, GOLDEN_MEAN), weights=(0.3, 0.7)),
    Mixture(parts=(COIN, Iid(vocabulary=2), Iid(vocabulary=2, weights=(1.0, 0.0))), weights=(0.5, 0.3, 0.2)),
    Mixture(parts=(COIN, GOLDEN_MEAN, BlockStationary(**TINY))),
    Mixture(parts=(Inflated(base=COIN, factor=2), Mixture(parts=(Iid(vocabulary=4), Markov(vocabulary=4, seed=1))))),
]
REFUSED = [
    ({"parts": (COIN,)}, "1 parts", "use the part itself"),
    ({"parts": ()}, "0 parts", "use the part itself"),
    ({"parts": (COIN, Iid(vocabulary=3))}, "[2, 3]", "one vocabulary"),
    ({"parts": (COIN, CHAIN), "weights": (1.0,)}, "(1,)", "one probability per symbol"),
    ({"parts": (COIN, CHAIN), "weights": (0.5, 0.6)}, "1.1", "divide the row"),
    ({"parts": (COIN, CHAIN), "weights": (1.0, 0.0)}, "0.0", "leave it out"),
]


def joint(source, length):
    from tests.sources import worlds  # late: it reads the examples of this file

    weights = source.weights or [1 / len(source.parts)] * len(source.parts)
    return sum(weight * worlds.joint_law(part, length) for weight, part in zip(weights, source.parts, strict=True))


def rate_bounds(source):
    """The entropy of a long window is that of the chosen part and at most ln M more."""
    from tests.sources import worlds

    weights = source.weights or [1 / len(source.parts)] * len(source.parts)
    bounds = [worlds.rate_bounds(part) for part in source.parts]
    return None if None in bounds else tuple(np.array(weights) @ np.array(bounds))


def told(source):
    """What a part tells, and which it is."""
    from tests.sources import worlds

    weights = source.weights or [1 / len(source.parts)] * len(source.parts)
    return np.concatenate([weight * worlds.told(part) for weight, part in zip(weights, source.parts, strict=True)])
