"""Sums, logarithms, extremes of estimates, and slopes made of them."""

import numpy as np
import pytest
from scipy.stats import linregress

from testbed.stats.combine import each_level, jointly, largest, logarithm, magnitude, slope_weights, smallest
from testbed.stats.estimate import Estimate
from testbed.stats.mean import mean
from tests.stats.laws import covers

LEVEL = 0.9


def part(value, low, high):
    return Estimate(value=value, low=low, high=high, level=LEVEL, n=4, method="test")


def test_ends_of_a_sum_add_on_the_right_sides():
    parts = [part(1, 0.7, 1.4), part(3, 2.2, 3.1)]
    found = jointly(np.array([2.0, -1.0]), parts, level=0.8, method="sum")
    assert found.value == -1 and found.level == 0.8 and found.n == 4
    assert np.isclose(found.low, 1.4 - 3.1) and np.isclose(found.high, 2.8 - 2.2)


def test_an_endless_part_makes_the_sum_endless_on_the_right_side():
    parts = [part(1, -np.inf, 2), part(0, -np.inf, np.inf)]
    found = jointly(np.array([-1.0, 0.0]), parts, level=LEVEL, method="sum")
    assert found.low == -2 and found.high == np.inf


def test_differences_are_covered_whatever_the_parts_share_and_levels_that_do_not_hold_at_once_are_caught():
    def drawn(rng, level, shared):
        common = shared * rng.standard_normal(5)
        parts = [mean(sign * common + rng.standard_normal(5), level=level) for sign in (1.0, -1.0)]
        return jointly(np.array([1.0, -1.0]), parts, level=LEVEL, method="difference"), 0.0

    for shared in (0.0, 3.0):
        assert covers(lambda rng, shared=shared: drawn(rng, each_level(LEVEL, 2), shared), level=LEVEL)
    assert not covers(lambda rng: drawn(rng, 0.7, 3.0), level=LEVEL)


def test_the_largest_is_covered_at_once_and_uncorrected_intervals_are_caught():
    def drawn(rng, level):
        parts = [mean(rng.standard_normal(5), level=level) for _ in range(8)]
        return largest(parts, level=LEVEL), 0.0

    assert covers(lambda rng: drawn(rng, each_level(LEVEL, 8)), level=LEVEL)
    assert not covers(lambda rng: drawn(rng, LEVEL), level=LEVEL)


def test_the_smallest_mirrors_the_largest():
    parts = [part(1, 0, 2), part(-1, -4, 1)]
    mirrored = largest([part(-p.value, -p.high, -p.low) for p in parts], level=LEVEL)
    found = smallest(parts, level=LEVEL)
    assert (found.value, found.low, found.high) == (-mirrored.value, -mirrored.high, -mirrored.low)


@pytest.mark.parametrize(
    ("given", "low", "high"), [((1, 0.5, 2), 0.5, 2), ((-1, -2, -0.5), 0.5, 2), ((1, -3, 2), 0, 3)]
)
def test_magnitudes(given, low, high):
    found = magnitude(part(*given))
    assert (found.low, found.high) == (low, high)


def test_logarithms_need_positive_values():
    with pytest.raises(ValueError, match="positive"):
        logarithm(part(0, -1, 1))


def test_slopes_agree_with_scipy():
    x, y = np.array([1.0, 2.0, 5.0, 9.0]), np.array([3.0, 2.0, 1.0, 0.2])
    assert np.isclose(slope_weights(x, [0] * 4) @ y, linregress(x, y).slope)


def test_grouped_slopes_ignore_intercepts_and_refuse_no_spread():
    x = np.array([0.0, 1.0, 0.0, 1.0])
    assert np.isclose(slope_weights(x, [0, 0, 1, 1]) @ np.array([5.0, 7.0, -3.0, -1.0]), 2)
    with pytest.raises(ValueError, match="two of them"):
        slope_weights(np.array([1.0, 2.0]), [0, 1])
