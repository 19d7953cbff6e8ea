"""Blocks of laws drawn from a Dirichlet law, by renewal theory over all places where blocks may end."""

import functools
import itertools
import math

import msgspec
import numpy as np

from testbed.sources import DirichletBlocks
from tests.sources.enumeration import block_entropy, growth
from tests.sources.families import polya

TINY = {"vocabulary": 2, "block_length": 3, "weights": (0.5, 1.5)}
ALL = [
    DirichletBlocks(**TINY, lengths=lengths, phase=phase, boundaries=boundaries)
    for lengths, phase, boundaries in itertools.product(
        ("fixed", "geometric"), ("aligned", "uniform"), ("hidden", "announced")
    )
]
EXAMPLES = [
    *ALL,
    DirichletBlocks(vocabulary=2, block_length=3, concentration=0.2, phase="uniform"),
    DirichletBlocks(vocabulary=3, block_length=2, concentration=2.0, phase="uniform", boundaries="announced"),
    DirichletBlocks(vocabulary=2, block_length=2, lengths="geometric"),
    DirichletBlocks(vocabulary=2, block_length=1, weights=(3.0, 1.0)),
]
REFUSED = [
    ({"vocabulary": 1}, "vocabulary=1", "no information"),
    ({"vocabulary": 2, "block_length": 0}, "block_length=0", "whole tokens"),
    ({"vocabulary": 2, "block_length": 1, "boundaries": "announced"}, "block_length=1", "after the announcer"),
    ({"vocabulary": 2, "lengths": "random"}, "'random'", "choose one"),
    ({"vocabulary": 2, "phase": "late"}, "'late'", "choose one"),
    ({"vocabulary": 2, "boundaries": "known"}, "'known'", "choose one"),
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
    """Fixed blocks: the mean over one block. Geometric ones: h_L, and the same if the last boundary is told.

    Told the boundaries, what is left is Σ_j P(age j)·H(a draw after j draws), here over the first few ages; where they
    are announced that is all but the chance to end, and older blocks have draws whose entropy falls further.
    """
    w = source.block_length
    if source.lengths == "fixed":
        aligned = msgspec.structs.replace(source, phase="aligned")
        mean = growth(joint(aligned, w)).mean()
        return mean, mean
    depth, stay = 11, 1 - 1 / w
    draws = growth(polya.joint(one_law(source), depth))
    told = sum(stay**j / w * entropy for j, entropy in enumerate(draws))
    if source.boundaries == "announced":
        ending = block_entropy(np.array([stay, 1 - stay]))
        return ending + stay * told, ending + stay * (told + stay**depth * draws[-1])
    return told, growth(joint(source, 9))[-1]


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


def segmentations(source, length):
    """All (pieces, does the first hold its block's beginning?, probability), by the law of the block lengths."""
    w = source.block_length
    stay = 1 - 1 / w
    fixed = source.lengths == "fixed"
    exactly = (lambda s: float(s == w)) if fixed else (lambda s: stay ** (s - 1) / w)
    at_least = (lambda s: float(s <= w)) if fixed else (lambda s: stay ** (s - 1))
    beyond = (lambda s: float(max(w - s, 0))) if fixed else (lambda s: w * stay**s)
    for cuts in itertools.product((False, True), repeat=length - 1):
        ends = [*(t + 1 for t in range(length - 1) if cuts[t]), length]
        pieces = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        first, whole = pieces[0], len(pieces) == 1
        after = 1.0 if whole else math.prod(map(exactly, pieces[1:-1])) * at_least(pieces[-1])
        begins = at_least(first) if whole else exactly(first)
        begun = beyond(first) if whole else at_least(first + 1)
        if source.phase == "aligned":
            yield pieces, True, begins * after
        else:
            yield pieces, True, begins * after / w
            yield pieces, False, begun * after / w
