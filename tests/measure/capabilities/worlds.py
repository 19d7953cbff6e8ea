"""Small worlds with capabilities, their shared windows, and what predictors of them score."""

import functools

import jax
import numpy as np

from testbed.measure.capabilities import asked
from testbed.measure.contexts import reference
from testbed.sources import BlockStationary, CopySpans, Facts, InContextMarkov, Noisy, OneRegime, Quanta

BLOCKS = BlockStationary(vocabulary=6, regimes=3, block_length=9, concentration=0.4)
FLAT = BlockStationary(vocabulary=6, regimes=3, block_length=5, order=0, concentration=0.4, prior=(0.5, 0.3, 0.2))
TOLD = BlockStationary(vocabulary=6, regimes=3, block_length=5, boundaries="announced")
GEOMETRIC = BlockStationary(vocabulary=6, regimes=3, block_length=5, order=0, lengths="geometric", concentration=0.2)
FOREVER = OneRegime(vocabulary=5, regimes=3, order=1, concentration=0.5)
SPANS = CopySpans(vocabulary=4, span=3, gaps=(1, 3))
FACTS = Facts(facts=12, answers=4, confusion=0.1)
QUANTA = Quanta(tasks=3, bits=3, subset=2)
CHAINS = InContextMarkov(vocabulary=3, concentration=0.4)
NOISY_QUANTA = Noisy(base=Quanta(tasks=2, bits=2, subset=1), sigma=0.2)
NOISY_FACTS = Noisy(base=Facts(facts=4, answers=3), sigma=0.2)
NOISY_FLAT = Noisy(base=FLAT, sigma=0.2)

EXAMPLES = {
    "naming_regime": (BLOCKS, FLAT, TOLD, GEOMETRIC, FOREVER, NOISY_FLAT),
    "copying": (SPANS,),
    "recall": (FACTS, NOISY_FACTS),
    "parities": (QUANTA, NOISY_QUANTA),
    "few_shot": (CHAINS,),
}
PAIRS = [(name, world) for name, worlds in EXAMPLES.items() for world in worlds]


@functools.cache
def windows(world, length=18, sequences=96):
    return reference(world, sequences=sequences, length=length, seed=3)


def at(latents_or_shared, rows):
    """The same for some of the windows."""
    return jax.tree.map(lambda each: each[rows], latents_or_shared)


@functools.cache
def questions(name, world):
    return asked(name, world, windows(world))


def same(found, other, atol=1e-12):
    """Whether two scores are the same, sequence by sequence."""
    return all(np.allclose(one, two, rtol=0, atol=atol) for one, two in zip(found, other, strict=True))


def means(scores):
    """Sharp and smooth scores by condition."""
    count_C = scores.count_BC.sum(0)
    return scores.sharp_BC.sum(0) / count_C, scores.smooth_BC.sum(0) / count_C


def uniform(world):
    shape = (*windows(world).tokens_BL.shape, world.alphabet)
    return np.full(shape, -np.log(world.alphabet))


def scored(exam, sharp, smooth):
    """Scores from a slow function of each question: (sequence, position) to the score."""
    found = [np.zeros((exam.shape[0], len(exam.conditions))) for _ in range(3)]
    for row, column, condition in zip(*exam.questions[:3], strict=True):
        for sums, value in zip(found, (1, sharp(row, column), smooth(row, column)), strict=True):
            sums[row, condition] += value
    return found
