"""Facts, by writing out every string of keys and answers."""

import itertools

import numpy as np

from testbed.sources import Facts
from tests.laws.enumeration import block_entropy

EXAMPLES = [
    Facts(facts=2, answers=2, zipf=1.0),
    Facts(facts=2, answers=2, zipf=2.0, confusion=0.3, seed=2),
    Facts(facts=3, answers=2, zipf=0.5, confusion=0.2, seed=1, phase="uniform"),
    Facts(facts=2, answers=3, zipf=1.5, phase="uniform"),
    Facts(facts=3, answers=2, zipf=0.0, confusion=1.0),
]
REFUSED = [
    ({"facts": 1}, "facts=1", "no information"),
    ({"answers": 1}, "answers=1", "no memory"),
    ({"zipf": -1.0}, "zipf=-1.0", "from frequent to rare"),
    ({"zipf": 2000.0}, "zipf=2000.0", "a smaller exponent"),
    ({"confusion": 1.5}, "confusion=1.5", "give for example"),
    ({"phase": "late"}, "'late'", "choose one"),
]


def joint(source, length):
    if source.phase == "aligned":
        return from_a_key(source, length)
    late = from_a_key(source, length + 1).sum(0)
    return (from_a_key(source, length) + late) / 2


def from_a_key(source, length):
    """P(x_1..x_length) if x_1 is a key."""
    keys, answers = key_chances(source), answer_chances(source)
    joint = np.zeros((source.alphabet,) * length)
    for pairs in itertools.product(itertools.product(range(len(keys)), range(source.answers)), repeat=-(-length // 2)):
        chance, string = 1.0, []
        for key, answer in pairs:
            chance *= keys[key] * answers[key][answer]
            string += [key, len(keys) + answer]
        joint[tuple(string[:length])] += chance
    return joint


def key_chances(source):
    weights = [1 / (a + 1) ** source.zipf for a in range(source.facts)]
    return [weight / sum(weights) for weight in weights]


def answer_chances(source):
    wrong = source.confusion / (source.answers - 1)
    right = source.right_answers()
    return [
        [1 - source.confusion if r == right[a] else wrong for r in range(source.answers)] for a in range(source.facts)
    ]


def rate_bounds(source):
    """The entropy of a pair over its two tokens."""
    rate = block_entropy(from_a_key(source, 2)) / 2
    return rate, rate


def told(source):
    """A key, and an answer beside its key."""
    pairs = from_a_key(source, 2)
    return np.vstack([pairs.sum(1), pairs]) / 2
