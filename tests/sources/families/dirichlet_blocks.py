"""Blocks of laws drawn from a Dirichlet law, by renewal theory over all places where blocks may end."""

import functools
import itertools

import msgspec
import numpy as np

from testbed.sources import DirichletBlocks
from tests.laws.enumeration import block_entropy, growth
from tests.sources.families import polya
from tests.sources.families.block_stationary import POWER_LAW, length_law, segmentations

TINY = {"vocabulary": 2, "block_length": 3, "weights": (0.5, 1.5)}
EXAMPLES = [
    *(
        DirichletBlocks(**TINY, lengths=lengths, phase=phase, boundaries=boundaries)
        for lengths, phase, boundaries in itertools.product(
            ("fixed", "geometric"), ("aligned", "uniform"), ("hidden", "announced")
        )
    ),
    DirichletBlocks(vocabulary=2, block_length=3, concentration=0.2, phase="uniform"),
    DirichletBlocks(vocabulary=3, block_length=2, concentration=2.0, phase="uniform", boundaries="announced"),
    DirichletBlocks(vocabulary=2, block_length=2, lengths="geometric"),
    DirichletBlocks(vocabulary=2, block_length=1, weights=(3.0, 1.0)),
    *(
        DirichletBlocks(**TINY, **POWER_LAW, longest=8, phase=phase, boundaries=boundaries)
        for phase, boundaries in itertools.product(("aligned", "uniform"), ("hidden", "announced"))
    ),
]
REFUSED = [
    ({"vocabulary": 1}, "vocabulary=1", "no information"),
    ({"vocabulary": 2, "block_length": 0}, "block_length=0", "whole tokens"),
    ({"vocabulary": 2, "block_length": 1, "boundaries": "announced"}, "block_length=1", "after the announcer"),
    ({"vocabulary": 2, "lengths": "random"}, "'random'", "choose one"),
    ({"vocabulary": 2, "phase": "late"}, "'late'", "choose one"),
    ({"vocabulary": 2, "boundaries": "known"}, "'known'", "choose one"),
    ({"vocabulary": 2, **POWER_LAW, "tail": 1.0}, "tail=1.0", "no mean block length"),
    ({"vocabulary": 2, "tail": 1.5}, "lengths='fixed' and tail=1.5", "leave tail out"),
    ({"vocabulary": 2, "block_share": 1.5}, "block_share=1.5", "a part of the window"),
    ({"vocabulary": 2, "concentration": -1.0}, "concentration holds -1.0", "give for example 1.0"),
    ({"vocabulary": 3, "weights": (1.0, 2.0)}, "2 numbers for 3 symbols", "one number per symbol"),
]


def joint(source, length):
    joint = np.zeros((source.alphabet,) * length)
    for pieces, first_begins, probability in segmentations(source, length):
        if probability:
            laws = [piece_joint(source, piece, first_begins or place > 0) for place, piece in enumerate(pieces)]
            joint += probability * functools.reduce(np.multiply.outer, laws)
    return joint


def rate_bounds(source):
    """Fixed blocks: the mean over one block. Other ones: h_L, and the same if the first boundary is told.

    What follows that boundary has the law of aligned blocks; if there is none, the law of the block is told. Where they
    are announced, what is left is Σ_j P(age j)·H(a draw after j draws), here over the first few ages, and the chance to
    end; older blocks have draws whose entropy falls further.
    """
    w = source.block_length
    if source.lengths == "fixed":
        aligned = msgspec.structs.replace(source, phase="aligned")
        mean = growth(joint(aligned, w)).mean()
        return mean, mean
    depth = 11 if source.lengths == "geometric" else source.longest
    exactly, at_least, _ = length_law(source)
    lasts = np.array([at_least(age + 1) for age in range(depth)])
    ends = np.array([exactly(age + 1) for age in range(depth)]) / lasts
    draws = growth(polya.joint(one_law(source), depth))
    if source.boundaries == "announced":
        chances = np.stack([ends, 1 - ends], axis=1)
        ending = np.array([block_entropy(chance) for chance in chances])
        known, rest = lasts @ (ending + (1 - ends) * draws) / w, 1 - lasts.sum() / w
        return known + rest * ending[-1], known + rest * (ending[-1] + (1 - ends[-1]) * draws[-1])
    begun, met = (growth(joint(msgspec.structs.replace(source, phase=phase), 9)) for phase in ("aligned", "uniform"))
    waits = np.array([at_least(wait + 1) for wait in range(9)]) / w
    return waits @ begun[::-1] + (1 - waits.sum()) * oracle_bounds(source)[0], met[-1]


def one_law(source):
    return polya.Polya(vocabulary=source.vocabulary, concentration=source.concentration, weights=source.weights)


def piece_joint(source, length, begins):
    """P(tokens) of a piece of one block, which does or does not begin within it."""
    named = source.boundaries == "announced" and begins
    own = length - named
    law = polya.joint(one_law(source), own)
    if own:
        law = np.pad(law, [(0, source.alphabet - source.vocabulary)] * own)
    return np.multiply.outer(np.eye(source.alphabet)[-1], law) if named else law


def oracle_bounds(source):
    """The bounds of the mean entropy of a block's law, for the share of tokens that are draws of it."""
    own = 1 - (source.boundaries == "announced") / source.block_length
    return tuple(own * end for end in polya.rate_bounds(one_law(source)))
