"""A world says that it is stationary if every window has the law of the first one, and only then: by enumeration."""

import numpy as np
import pytest

from tests.sources.worlds import LENGTH, every_world, joint_law

WINDOW = 3


def check_flag(world, stationary):
    joint = joint_law(world, LENGTH)
    starts = range(LENGTH - WINDOW + 1)
    first, *later = (joint.sum(axis=(*range(start), *range(start + WINDOW, LENGTH))) for start in starts)
    assert stationary == all(np.abs(window - first).max() < 1e-12 for window in later)


@every_world
def test_a_world_is_stationary_if_and_only_if_it_says_so(world):
    check_flag(world, world.stationary)
    with pytest.raises(AssertionError):
        check_flag(world, not world.stationary)
