"""Means, differences, jackknife: against independent libraries, against truth, and against liars."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from testbed.stats.estimate import Estimate
from testbed.stats.jackknife import jackknife
from testbed.stats.mean import difference, mean
from tests.stats.laws import coverage, covers

LEVEL = 0.9


def estimate(low, high, value=None, level=LEVEL):
    return Estimate(
        value=(low + high) / 2 if value is None else value, low=low, high=high, level=level, n=3, method="test"
    )


@pytest.mark.parametrize(
    "wrong", [{"value": float("nan")}, {"low": 2.0}, {"high": 0.0}, {"level": 1.0}, {"level": 0.0}]
)
def test_an_estimate_that_cannot_be_is_refused(wrong):
    fields = {"value": 1.0, "low": 0.5, "high": 1.5, "level": 0.9, "n": 3, "method": "test"} | wrong
    with pytest.raises(ValueError):
        Estimate(**fields)


def test_mean_agrees_with_statsmodels():
    values = np.random.default_rng(0).standard_normal(7)
    found = mean(values, level=LEVEL)
    assert np.allclose((found.low, found.high), DescrStatsW(values).tconfint_mean(1 - LEVEL), rtol=1e-12)


def test_difference_agrees_with_statsmodels():
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal(5), 3 * rng.standard_normal(8)
    compared = CompareMeans(DescrStatsW(first), DescrStatsW(second)).tconfint_diff(1 - LEVEL, usevar="unequal")
    found = difference(first, second, level=LEVEL)
    assert np.allclose((found.low, found.high), compared, rtol=1e-12)


def test_one_value_gives_the_whole_line_and_equal_values_a_point():
    assert mean(np.array([2.0]), level=LEVEL).high == np.inf
    assert difference(np.array([2.0]), np.array([1.0, 2.0]), level=LEVEL).low == -np.inf
    assert mean(np.array([2.0, 2.0]), level=LEVEL).high == 2.0
    assert difference(np.array([2.0, 2.0]), np.array([1.0, 1.0]), level=LEVEL).low == 1.0


@pytest.mark.parametrize("count", [3, 8])
def test_student_covers_and_a_normal_quantile_does_not_for_three(count):
    def drawn(rng, found=mean):
        return found(rng.standard_normal(count), level=LEVEL), 0.0

    def liar(values, *, level):
        half = stats.norm.ppf((1 + level) / 2) * values.std(ddof=1) / np.sqrt(len(values))
        return estimate(values.mean() - half, values.mean() + half)

    assert covers(drawn, level=LEVEL)
    if count == 3:
        assert not covers(lambda rng: drawn(rng, liar), level=LEVEL)


def test_jackknife_of_a_mean_is_student_and_of_a_variance_unbiased():
    values = np.random.default_rng(3).standard_normal(6)
    without = np.array([np.delete(values, i).mean() for i in range(6)])
    found, exact = jackknife(float(values.mean()), without, level=LEVEL), mean(values, level=LEVEL)
    assert np.allclose((found.value, found.low, found.high), (exact.value, exact.low, exact.high))
    without = np.array([np.delete(values, i).var() for i in range(6)])
    assert np.isclose(jackknife(float(values.var()), without, level=LEVEL).value, values.var(ddof=1))


def test_jackknife_refuses_one_replicate():
    with pytest.raises(ValueError, match="at least 2"):
        jackknife(1.0, np.array([1.0]), level=LEVEL)


def test_coverage_is_measured_not_assumed():
    assert coverage(lambda rng: (estimate(-1.0, 1.0), 5.0), simulations=5, seed=0) == 0.0
