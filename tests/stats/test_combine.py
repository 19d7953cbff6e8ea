"""Sums, logarithms, extremes of estimates, and slopes made of them."""

import numpy as np
import pytest
from scipy.stats import linregress

from testbed.stats.combine import each_level, largest, linear, logarithm, magnitude, smallest
from testbed.stats.estimate import Estimate
from testbed.stats.mean import mean
from testbed.stats.slope import log_log_slope, slope_weights
from tests.stats.laws import covers

LEVEL = 0.9


def part(value, low, high):
    return Estimate(value=value, low=low, high=high, level=LEVEL, n=4, method="test")


def test_sums_of_symmetric_intervals_add_in_squares():
    found = linear(np.array([2.0, -1.0]), [part(1, 0.7, 1.3), part(3, 2.2, 3.8)], method="sum")
    assert found.value == -1 and np.isclose(found.high - found.value, np.hypot(0.6, 0.8))


def test_an_endless_part_makes_the_sum_endless_on_the_right_side():
    found = linear(np.array([-1.0, 0.0]), [part(1, -np.inf, 2), part(0, -np.inf, np.inf)], method="sum")
    assert found.low == -2 and found.high == np.inf


def test_differences_are_covered():
    def drawn(rng):
        parts = [mean(scale * rng.standard_normal(5), level=LEVEL) for scale in (1.0, 3.0)]
        return linear(np.array([1.0, -1.0]), parts, method="difference"), 0.0

    assert covers(drawn, level=LEVEL)


def test_the_largest_is_covered_at_once_and_uncorrected_intervals_are_caught():
    def drawn(rng, level):
        parts = [mean(rng.standard_normal(5), level=level) for _ in range(8)]
        return largest(parts, level=LEVEL), 0.0

    assert covers(lambda rng: drawn(rng, each_level(LEVEL, 8)), level=LEVEL)
    assert not covers(lambda rng: drawn(rng, LEVEL), level=LEVEL)


def test_the_smallest_mirrors_the_largest():
    parts = [part(1, 0, 2), part(-1, -4, 1)]
    mirrored = largest([linear(np.array([-1.0]), [p], method="") for p in parts], level=LEVEL)
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
    slope = log_log_slope(x, [part(v, v / 2, v * 2) for v in y])
    assert np.isclose(slope.value, linregress(np.log(x), np.log(y)).slope)


def test_grouped_slopes_ignore_intercepts_and_refuse_no_spread():
    x = np.array([0.0, 1.0, 0.0, 1.0])
    assert np.isclose(slope_weights(x, [0, 0, 1, 1]) @ np.array([5.0, 7.0, -3.0, -1.0]), 2)
    with pytest.raises(ValueError, match="two of them"):
        slope_weights(np.array([1.0, 2.0]), [0, 1])
