"""A world says that it is stationary if every window has the law of the first one, and only then: by enumeration."""

import functools

import numpy as np
import pytest

from testbed.sources import BlockStationary, Noisy
from tests.sources.families.block_stationary import TINY
from tests.sources.worlds import LENGTH, WORLDS, every_world, joint_law, label

WINDOW = 3


def check_flag(stationary, joint):
    starts = range(LENGTH - WINDOW + 1)
    first, *later = (joint.sum(axis=(*range(start), *range(start + WINDOW, LENGTH))) for start in starts)
    assert stationary == all(np.abs(window - first).max() < 1e-12 for window in later)


@every_world
def test_a_world_is_stationary_if_and_only_if_it_says_so(world):
    check_flag(world.stationary, joint_law(world, LENGTH))


@pytest.mark.parametrize(
    "world",
    [
        BlockStationary(vocabulary=3, regimes=1, order=0),
        BlockStationary(vocabulary=2, regimes=2, order=0, laws=(((0.9, 0.1),),) * 2),
        Noisy(base=BlockStationary(**TINY), sigma=1.0),
    ],
    ids=label,
)
def test_blocks_that_cannot_be_told_apart_are_stationary(world):
    assert world.stationary
    check_flag(True, joint_law(world, LENGTH))


def placed(joint, axis):
    """The law of a token made a little more even at one place: what comes there depends on the place."""
    return 0.99 * joint + 0.01 * joint.mean(axis=axis, keepdims=True)


@pytest.mark.parametrize("world", [each for each in WORLDS if each.stationary], ids=label)
def test_law_rejects_tokens_whose_law_depends_on_the_place(world):
    joint = joint_law(world, LENGTH)
    for axis in (1, LENGTH - 1):
        moved = placed(joint, axis)
        if np.abs(moved - joint).max() > 1e-9:
            with pytest.raises(AssertionError):
                check_flag(True, moved)


@pytest.mark.parametrize("world", [each for each in WORLDS if not each.stationary], ids=label)
def test_law_rejects_a_world_that_is_stationary_and_denies_it(world):
    """The same single tokens and neighbours everywhere: a window at a random place of those that there are."""
    joint = joint_law(world, LENGTH)
    once = sum(joint.sum(axis=tuple(each for each in range(LENGTH) if each != axis)) for axis in range(LENGTH)) / LENGTH
    independent = functools.reduce(np.multiply.outer, [once] * LENGTH)
    with pytest.raises(AssertionError):
        check_flag(False, independent)
