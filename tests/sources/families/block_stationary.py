"""Block-stationary sources, by renewal theory over all places where blocks may end."""

import functools
import itertools
import math

import msgspec
import numpy as np
from scipy.optimize import brentq

from testbed.sources import BlockStationary
from tests.laws.enumeration import block_entropy, growth
from tests.sources.families.markov import GOLDEN, markov_joint

TINY_LAWS = (((0.9, 0.1), (0.3, 0.7)), ((0.2, 0.8), (0.95, 0.05)))
TINY = {"vocabulary": 2, "regimes": 2, "block_length": 3, "laws": TINY_LAWS, "prior": (0.3, 0.7)}
EXAMPLES = [
    *(
        BlockStationary(**TINY, lengths=lengths, phase=phase, boundaries=boundaries)
        for lengths, phase, boundaries in itertools.product(
            ("fixed", "geometric"), ("aligned", "uniform"), ("hidden", "announced")
        )
    ),
    BlockStationary(vocabulary=4, regimes=2, block_length=3, order=0, smoothing=0.0, seed=2),
    BlockStationary(vocabulary=2, regimes=2, block_length=2, order=0, phase="uniform", boundaries="announced"),
    BlockStationary(vocabulary=2, regimes=2, block_length=1, lengths="geometric", laws=(GOLDEN, TINY_LAWS[0])),
    *(
        BlockStationary(**TINY, lengths="power_law", tail=1.5, longest=8, phase=phase, boundaries=boundaries)
        for phase, boundaries in itertools.product(("aligned", "uniform"), ("hidden", "announced"))
    ),
    BlockStationary(**{**TINY, "block_length": 2}, lengths="power_law", tail=1.2, longest=8, phase="uniform"),
]
POWER_LAW = {"lengths": "power_law", "tail": 1.5}
REFUSED = [
    ({"lengths": "power_law"}, "tail=None", "tail=1.5"),
    ({"tail": 1.5}, "lengths='fixed' and tail=1.5", "leave tail out"),
    ({**POWER_LAW, "tail": 1.0}, "tail=1.0", "no mean block length"),
    ({**POWER_LAW, "tail": float("inf")}, "tail=inf", "give for example"),
    ({**POWER_LAW, "tail": float("nan")}, "tail=nan", "give for example"),
    ({**POWER_LAW, "tail": 2e6}, "tail=2000000.0", "give lengths='geometric'"),
    ({**POWER_LAW, "block_length": 1}, "block_length=1", "a mean above 1"),
    ({**POWER_LAW, "longest": 31}, "longest=31", "raise longest"),
    ({"block_share": 0.0}, "block_share=0.0", "give for example"),
    ({"block_share": 1.5}, "block_share=1.5", "a part of the window"),
]


def joint(source, length):
    return joint_by_first_regime(source, length).sum(0)


def rate_bounds(source):
    """Fixed blocks: the mean over one block. Otherwise H(X_L | X_<L, state at X_1) and h_L of the stationary one.

    The state is the regime, and where ends depend on it the age.
    """
    if source.lengths == "fixed":
        aligned = msgspec.structs.replace(source, phase="aligned")
        mean = growth(joint(aligned, source.block_length)).mean()
        return mean, mean
    source = msgspec.structs.replace(source, phase="uniform")
    length = 6 if source.alphabet > 2 else (7 if source.lengths == "power_law" else 9)
    with_regime = joint_by_first_regime(source, length)
    low = last_entropy(with_regime)
    if source.lengths == "power_law":
        _, at_least, _ = length_law(source)
        weights = [at_least(age + 1) / source.block_length for age in range(source.longest)]
        low = sum(weight * last_entropy(joint_at_age(source, age, length)) for age, weight in enumerate(weights))
    return low, growth(with_regime.sum(0))[-1]


def last_entropy(joint):
    """H(X_L | all other axes)."""
    return block_entropy(joint) - block_entropy(joint.sum(-1))


def segment_joint(source, regime, length, begins):
    """P(tokens) of a piece of one block, which does or does not begin within it."""
    law = source.components()[regime]
    announced = source.boundaries == "announced"
    own = length - (announced and begins)
    plain = markov_joint(np.repeat(law, source.vocabulary, 0) if len(law) == 1 else law, 1, own) if own else np.ones(())
    joint = np.pad(plain, [(0, source.alphabet - source.vocabulary)] * own) if own else plain
    if announced and begins:
        joint = np.multiply.outer(np.eye(source.alphabet)[source.vocabulary + regime], joint)
    return joint


def length_law(source):
    """P(length = s), P(length >= s) and Σ_{j > s} P(length >= j) of a block, as functions of s."""
    w = source.block_length
    if source.lengths == "fixed":
        return (lambda s: float(s == w)), (lambda s: float(s <= w)), (lambda s: float(max(w - s, 0)))
    if source.lengths == "power_law":
        law = power_law(w, source.tail, source.longest)
        return (
            lambda s: float(law[s]) if s < len(law) else 0.0,
            lambda s: float(law[s:].sum()),
            lambda s: float(sum(law[j:].sum() for j in range(s + 1, len(law)))),
        )
    stay = 1 - 1 / w
    return (lambda s: stay ** (s - 1) / w), (lambda s: stay ** (s - 1)), (lambda s: w * stay**s)


def power_law(mean, tail, longest):
    """P(length = s) for s = 0..longest, the scale found by a root finder on the mean."""

    def law(scale):
        beyond = (1 + np.arange(longest + 1) / scale) ** -tail - (1 + longest / scale) ** -tail
        return -np.diff(beyond / beyond[0], prepend=1.0)

    return law(brentq(lambda scale: law(scale) @ np.arange(longest + 1) - mean, 1e-6, 1e6, xtol=1e-15))


def partitions(length):
    """All ways to cut a window into pieces."""
    for cuts in itertools.product((False, True), repeat=length - 1):
        ends = [*(t + 1 for t in range(length - 1) if cuts[t]), length]
        yield [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def segmentations(source, length):
    """All (pieces, does the first piece hold its block's beginning?, probability), by renewal theory."""
    exactly, at_least, beyond = length_law(source)
    for pieces in partitions(length):
        first, whole = pieces[0], len(pieces) == 1
        after = 1.0 if whole else math.prod(map(exactly, pieces[1:-1])) * at_least(pieces[-1])
        begins = at_least(first) if whole else exactly(first)
        begun = beyond(first) if whole else at_least(first + 1)
        if source.phase == "aligned":
            yield pieces, True, begins * after
        else:
            yield pieces, True, begins * after / source.block_length
            yield pieces, False, begun * after / source.block_length


def segmentations_at_age(source, age, length):
    """The same given the age of the first token."""
    exactly, at_least, _ = length_law(source)
    for pieces in partitions(length):
        first, whole = pieces[0], len(pieces) == 1
        after = 1.0 if whole else math.prod(map(exactly, pieces[1:-1])) * at_least(pieces[-1])
        lasts = at_least(age + first) if whole else exactly(age + first)
        yield pieces, age == 0, lasts * after / at_least(age + 1)


@functools.lru_cache(maxsize=256)
def joint_by_first_regime(source, length):
    """P(first regime, x_1..x_length)."""
    return joint_over(source, segmentations(source, length), length)


def joint_at_age(source, age, length):
    """P(first regime, x_1..x_length | age of the first token)."""
    return joint_over(source, segmentations_at_age(source, age, length), length)


def joint_over(source, segmentations, length):
    prior = source.regime_prior()
    joint = np.zeros((source.regimes,) + (source.alphabet,) * length)
    for pieces, begins, probability in segmentations:
        if probability == 0:
            continue
        first = [prior[k] * segment_joint(source, k, pieces[0], begins) for k in range(source.regimes)]
        later = [
            sum(prior[k] * segment_joint(source, k, piece, True) for k in range(source.regimes)) for piece in pieces[1:]
        ]
        tail = functools.reduce(np.multiply.outer, later, np.ones(()))
        joint += probability * np.stack([np.multiply.outer(each, tail) for each in first])
    return joint


def told(source):
    """The next token beside the regime and its block so far, of which beyond the first tokens only the last counts."""
    _, at_least, _ = length_law(source)
    last = 3 if source.boundaries == "announced" else 2
    young = [at_least(size) / source.block_length for size in range(1, last)]
    places = [
        [chance * share * segment_joint(source, k, size, True) for k, chance in enumerate(source.regime_prior())]
        for size, share in enumerate([*young, 1 - sum(young)], 1)
    ]
    return np.concatenate([law.reshape(-1, source.alphabet) for place in places for law in place])
