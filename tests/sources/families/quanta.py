"""Multitask sparse parity, by writing out every block."""

import itertools

import numpy as np

from testbed.sources import Quanta
from tests.laws.enumeration import block_entropy

EXAMPLES = [
    Quanta(tasks=2, bits=2, subset=1),
    Quanta(tasks=2, bits=2, subset=1, alpha=1.0, seed=3),
    Quanta(tasks=3, bits=3, subset=2),
    Quanta(tasks=2, bits=1, subset=1, alpha=0.0),
    Quanta(tasks=2, bits=2, subset=1, phase="uniform"),
    Quanta(tasks=2, bits=2, subset=1, alpha=1.5, seed=1, phase="uniform"),
    Quanta(tasks=3, bits=3, subset=2, phase="uniform"),
]
REFUSED = [
    ({"tasks": 1}, "tasks=1", "a single quantum"),
    ({"subset": 0}, "subset=0", "a bit to depend on"),
    ({"bits": 2}, "bits=2", "adds up subset=3 of them"),
    ({"alpha": -0.5}, "alpha=-0.5", "from frequent to rare"),
    ({"alpha": 2000.0}, "alpha=2000.0", "a smaller exponent"),
    ({"phase": "late"}, "'late'", "choose one"),
    ({"bits": 100, "subset": 50}, "1.0e+29", "lower bits or subset"),
    ({"bits": 21, "phase": "uniform"}, "bits=21", "choose phase='aligned'"),
]


def joint(source, length):
    if source.phase == "aligned":
        return from_a_task(source, length)
    period = source.bits + 2
    late = [later(source, start, length) for start in range(period)]
    return np.mean(late, axis=0)


def later(source, start, length):
    """P(x_1..x_length) if x_1 has this place: the tokens of its block before it are summed out."""
    first = block_law(source).sum(axis=tuple(range(start)))
    while first.ndim < length:
        first = np.multiply.outer(first, block_law(source))
        first = first.sum(axis=tuple(range(length, first.ndim)))
    return first.sum(axis=tuple(range(length, first.ndim)))


def from_a_task(source, length):
    return later(source, 0, length)


def block_law(source):
    """P(task, bits, answer), one axis per token."""
    weights = [(task + 1) ** -(1 + source.alpha) for task in range(source.tasks)]
    law = np.zeros((source.tasks + 2,) * (source.bits + 2))
    for task, subset in enumerate(source.subsets()):
        for bits in itertools.product((0, 1), repeat=source.bits):
            parity = sum(bits[place] for place in subset) % 2
            block = (task, *(source.tasks + bit for bit in bits), source.tasks + parity)
            law[block] = weights[task] / sum(weights) / 2**source.bits
    return law


def rate_bounds(source):
    """The entropy of a block over its tokens."""
    rate = block_entropy(block_law(source)) / (source.bits + 2)
    return rate, rate


def told(source):
    """The next token beside its block so far."""
    law, period = block_law(source), source.bits + 2
    places = [law.sum(axis=tuple(range(place + 1, period))) for place in range(period)]
    return np.concatenate([each.reshape(-1, source.alphabet) for each in places]) / period
