"""Hierarchical grammars, by writing out every derivation of a tree."""

import functools
import itertools

import numpy as np

from testbed.sources import Grammar
from tests.laws.enumeration import block_entropy

PAIRS = {"depth": 2, "branching": 2, "vocabulary": 3, "rules": 2}
TWINS = {"depth": 2, "branching": 2, "vocabulary": 2, "rules": 1}
EXAMPLES = [
    Grammar(**PAIRS),
    Grammar(**PAIRS, zipf=1.0, seed=1),
    Grammar(**PAIRS, phase="uniform"),
    Grammar(**PAIRS, phase="uniform", zipf=1.0, seed=1),
    Grammar(depth=1, branching=3, vocabulary=2, rules=3, zipf=0.7, phase="uniform"),
    Grammar(depth=1, branching=2, vocabulary=2, rules=2),
    Grammar(**TWINS, seed=11),
    Grammar(**TWINS, seed=3),
]
REFUSED = [
    ({"depth": 0}, "depth=0", "a level of rules"),
    ({"branching": 1}, "branching=1", "adds no structure"),
    ({"vocabulary": 1}, "vocabulary=1", "no information"),
    ({"rules": 0}, "rules=0", "to be rewritten by"),
    ({"rules": 9}, "need 72 different productions and only 64 exist", "raise the branching"),
    ({"zipf": -1.0}, "zipf=-1.0", "from frequent to rare"),
    ({"zipf": 2000.0}, "zipf=2000.0", "a smaller exponent"),
    ({"phase": "late"}, "'late'", "choose one"),
    ({"depth": 13}, "2^13 tokens", "lower the depth"),
    ({"depth": 9, "phase": "uniform"}, "2^9 tokens", "lower the depth"),
    ({"vocabulary": 2048}, "100663296", "lower the vocabulary"),
    ({"depth": 1, "branching": 4096}, "8^4096", "lower the vocabulary or the branching"),
]


def joint(source, length):
    starts = range(source.leaves if source.phase == "uniform" else 1)
    return np.mean([window_law(source, start, length) for start in starts], axis=0)


def rate_bounds(source):
    """Trees are independent: the entropy of one, whose phase costs at most ln(leaves) once, over its leaves."""
    rate = block_entropy(tree_law(source)) / source.leaves
    return rate, rate


def window_law(source, start, length):
    """P(x_1..x_length) of a window that begins at a known place of a tree."""
    pieces, place = [], start
    while length:
        end = min(source.leaves, place + length)
        outside = tuple(axis for axis in range(source.leaves) if not place <= axis < end)
        pieces.append(tree_law(source).sum(axis=outside))
        length, place = length - (end - place), 0
    return functools.reduce(np.multiply.outer, pieces)


@functools.lru_cache(maxsize=64)
def tree_law(source):
    """P(leaves of a tree), one axis per leaf."""
    productions, weights = source.productions(), [(r + 1) ** -source.zipf for r in range(source.rules)]

    @functools.cache
    def strings(level, symbol):
        """The strings a symbol can become, with one entry for every derivation."""
        if level == 0:
            return [((symbol,), 1.0)]
        found = []
        for rule, weight in enumerate(weights):
            below = [strings(level - 1, int(child)) for child in productions[level - 1, symbol, rule]]
            for parts in itertools.product(*below):
                chance = weight / sum(weights)
                for _, each in parts:
                    chance *= each
                found.append((sum((string for string, _ in parts), ()), chance))
        return found

    law = np.zeros((source.vocabulary,) * source.leaves)
    for symbol in range(source.vocabulary):
        for string, chance in strings(source.depth, symbol):
            law[string] += chance / source.vocabulary
    return law


def told(source):
    """The next token beside the symbol above it and the tokens written so far from that."""
    productions = source.productions()
    weights = np.array([(r + 1) ** -source.zipf for r in range(source.rules)])
    above = np.full(source.vocabulary, 1 / source.vocabulary)
    for level in productions[:0:-1]:
        below = np.zeros_like(above)
        np.add.at(below, level, (above[:, None] * weights / weights.sum() / source.branching)[..., None])
        above = below
    law = np.zeros((source.vocabulary,) * (1 + source.branching))
    for symbol, rules in enumerate(productions[0]):
        for rule, weight in zip(rules, weights / weights.sum(), strict=True):
            law[(symbol, *rule)] += above[symbol] * weight
    places = [law.sum(axis=tuple(range(place + 2, law.ndim))) for place in range(source.branching)]
    return np.concatenate([each.reshape(-1, source.vocabulary) for each in places]) / source.branching
