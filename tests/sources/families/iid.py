"""Independent tokens, by multiplying probabilities."""

import functools

import numpy as np

from testbed.sources import Iid

EXAMPLES = [
    Iid(vocabulary=4),
    Iid(vocabulary=4, zipf=1.2),
    Iid(vocabulary=4, concentration=0.5, seed=3),
    Iid(vocabulary=4, weights=(0.5, 0.0, 0.3, 0.2)),
]
REFUSED = [({"vocabulary": 400, "concentration": 1e-20}, "concentration=1e-20", "raise it")]


def joint(source, length):
    return functools.reduce(np.multiply.outer, [source.law()] * length)


def rate_bounds(source):
    entropy = -sum(p * np.log(p) for p in source.law() if p > 0)
    return entropy, entropy


def told(source):
    return source.law()[None]
