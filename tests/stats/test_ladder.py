"""The limit of a ladder: exact on its law, honest where the law cannot be seen, covering with few replicates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import fsolve

from testbed.stats.ladder import Ladder, ladder
from testbed.stats.moments import Block, known, moments
from tests.stats.laws import covers

LEVEL = 0.9


@given(st.floats(0.0, 2.0), st.floats(0.01, 2.0), st.floats(0.1, 3.0))
def test_a_power_law_ladder_is_solved_exactly(limit, size, gamma):
    rungs = limit + size * np.array([1.0, 2.0, 4.0]) ** -gamma
    found = ladder(known(rungs, np.full(3, 1e-9), np.full(3, 9.0)), level=LEVEL)
    assert found.limit.value == pytest.approx(limit, abs=1e-9)
    assert found.limit.value + found.gap.value == pytest.approx(rungs[2], abs=1e-12)
    assert found.share.value == pytest.approx(found.gap.value / rungs[2])


def test_against_the_equations_solved_numerically():
    rungs = np.array([0.5, 0.41, 0.37])
    limit, _, _ = fsolve(lambda u: u[0] + u[1] * np.array([1, 2, 4]) ** -u[2] - rungs, [0.3, 0.2, 1.0])
    assert ladder(known(rungs, np.full(3, 1e-6), np.full(3, 9.0)), level=LEVEL).limit.value == pytest.approx(limit)


@pytest.mark.parametrize("rungs", [[1.0, 0.9, 0.8], [1.0, 0.95, 0.8], [1.0, 1.0, 1.0], [0.8, 0.9, 1.0]])
def test_a_ladder_that_does_not_contract_bounds_and_says_so(rungs):
    found = ladder(known(np.array(rungs), np.full(3, 1e-3), np.full(3, 5.0)), level=LEVEL)
    assert found.limit.low == 0 and found.limit.high >= rungs[2] and "bound" in found.limit.method
    assert found.gap.low == 0 and found.gap.high >= rungs[2] and found.share.high == 1


def test_a_ladder_that_heads_below_zero_breaks_the_law_and_bounds_only():
    """Its steps shrink, yet so slowly that they would carry K far below zero; a little below is within the noise."""
    found = ladder(known(np.array([1.0, 0.5, 0.2]), np.full(3, 1e-3), np.full(3, 5.0)), level=LEVEL)
    assert found.bound_only and all("faster than its law allows" in part.method for part in found)
    assert found.limit.low == 0 and found.limit.value == 0.2 and found.limit.high >= 0.2
    assert found.gap.low == 0 and found.gap.high >= 0.2 and (found.share.low, found.share.high) == (0, 1)
    near = ladder(known(np.array([1.0, 0.5, 0.249]), np.full(3, 1e-3), np.full(3, 5.0)), level=LEVEL)
    assert not near.bound_only and near.limit.low == near.limit.value == 0 < near.limit.high < 0.01


def test_noise_that_swamps_the_ladder_gives_the_whole_range():
    found = ladder(known(np.array([0.5, 0.41, 0.37]), np.full(3, 0.1), np.full(3, 3.0)), level=LEVEL)
    assert found.limit.low == 0 and "bound" in found.limit.method


def world(rng, noise, contraction) -> tuple[Ladder, float, float]:
    truth_Q = 0.1 * (1 + 0.3 * contraction ** -np.array([2.0, 1.0, 0.0]))
    jitter_RQ = rng.standard_normal((4, 1)) + rng.standard_normal((4, 3))
    values_RBQ = (truth_Q * (1 + noise * jitter_RQ))[:, None, :] * (1 + 0.2 * rng.standard_normal(64))[None, :, None]
    return ladder(moments([Block(values_RBQ, ((0, 1, 2, 3),))]), level=LEVEL), 0.1, 0.03


@pytest.mark.parametrize(("noise", "contraction"), [(0.005, 0.5), (0.02, 0.5), (0.05, 0.8)])
def test_limit_and_gap_are_covered(noise, contraction):
    assert covers(lambda rng: (world(rng, noise, contraction)[0].limit, 0.1), level=LEVEL)
    assert covers(lambda rng: (world(rng, noise, contraction)[0].gap, 0.03), level=LEVEL)


def test_calling_the_last_rung_the_limit_is_caught():
    def liar(rng):
        found, limit, _ = world(rng, 0.005, 0.5)
        last = found.limit.value + found.gap.value
        half = (found.limit.high - found.limit.low) / 2
        return type(found.limit)(value=last, low=last - half, high=last + half, level=LEVEL, n=4, method="liar"), limit

    assert not covers(liar, level=LEVEL)
