"""Tests of normality and the distance to it: against libraries and loops, with size, power, coverage and liars."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors as tabled
from statsmodels.stats.diagnostic import normal_ad

from testbed.stats.distance import NO_SPREAD, distance, ordered, widest
from testbed.stats.normality import (
    anderson_darling,
    false_discoveries,
    henze_zirkler,
    kurtosis,
    lilliefors,
    skewness,
)
from tests.stats.laws import repeated

SIMULATIONS = 2000
TESTS = {test.__name__: test for test in (lilliefors, anderson_darling, skewness, kurtosis)}


def pair(x):
    return henze_zirkler(x.reshape(2, -1).T.copy())


def uncorrected(x):
    """The liar: Kolmogorov–Smirnov against the fitted normal, as if the fit were given."""
    return stats.kstest((x - x.mean()) / x.std(ddof=1), "norm")


def p_value(found):
    return found.pvalue if hasattr(found, "pvalue") else found.p_value


def keeps_its_size(test, *, count, simulations=SIMULATIONS, seed=0):
    """Whether a test rejects Gaussian samples at 5 % ± 1.5 % (three standard errors at 2,000 simulations)."""
    rng = np.random.default_rng(seed)
    rejected = repeated(lambda: p_value(test(5 + 3 * rng.standard_normal(count))) < 0.05, simulations)
    return abs(np.mean(rejected) - 0.05) < 0.015


@pytest.mark.parametrize("test", [*TESTS.values(), pair], ids=[*TESTS, "henze_zirkler"])
def test_gaussian_samples_are_rejected_at_the_level(test):
    assert keeps_its_size(test, count=240)


def test_forgetting_that_mean_and_variance_were_estimated_is_caught():
    assert not keeps_its_size(uncorrected, count=240, simulations=500)


def test_lilliefors_keeps_its_size_for_thousands_of_values_where_its_table_does_not():
    rng = np.random.default_rng(1)
    drawn = rng.standard_normal((SIMULATIONS, 1000))
    each = iter(drawn)
    p_R2 = np.array(repeated(lambda: (lilliefors(x := next(each)).p_value, tabled(x)[1]), SIMULATIONS))
    ours, table = np.mean(p_R2 < 0.05, axis=0)
    assert abs(ours - 0.05) < 0.015 and table < ours


ALTERNATIVES = {
    "rectified": lambda rng, n: np.maximum(rng.standard_normal(n), 0),
    "two points": lambda rng, n: rng.choice([-1.0, 1.0], size=n) + 0.3 * rng.standard_normal(n),
    "t_5": lambda rng, n: rng.standard_t(5, size=n),
}
BLIND = {("skewness", "two points"), ("skewness", "t_5")}  # symmetric laws have no skewness to find


@pytest.mark.parametrize("name", ALTERNATIVES)
@pytest.mark.parametrize("test", TESTS)
def test_other_laws_are_found_by_every_test_that_can(test, name):
    rng = np.random.default_rng(2)
    count = 2000 if name == "t_5" else 300
    drawn = [ALTERNATIVES[name](rng, count) for _ in range(40)]
    found = np.mean([TESTS[test](x).p_value < 0.05 for x in drawn])
    assert found > 0.9 if (test, name) not in BLIND else found < 0.6


@pytest.mark.parametrize("name", ALTERNATIVES)
def test_the_multivariate_test_finds_other_laws_in_one_of_three_dimensions(name):
    rng = np.random.default_rng(3)
    drawn = [
        np.column_stack([ALTERNATIVES[name](rng, 1000), *rng.standard_normal((2, 1000))]) @ rng.standard_normal((3, 3))
        for _ in range(20)
    ]
    assert np.mean([henze_zirkler(x).p_value < 0.05 for x in drawn]) > 0.8


def test_the_multivariate_test_finds_dependence_that_no_coordinate_shows():
    rng = np.random.default_rng(4)
    x, sign = rng.standard_normal(500), rng.choice([-1.0, 1.0], size=500)
    assert lilliefors(x * sign).p_value > 0.05
    assert henze_zirkler(np.column_stack([x, x * sign])).p_value < 1e-6


@pytest.mark.parametrize("width", [1, 2, 4])
def test_henze_zirkler_agrees_with_its_double_loop_and_forgets_affine_maps(width):
    rng = np.random.default_rng(5)
    x = rng.exponential(size=(40, width))
    inverse = np.linalg.inv(np.cov(x, rowvar=False, bias=True).reshape(width, width))
    square = (((2 * width + 1) * 40 / 4) ** (1 / (width + 4)) / np.sqrt(2)) ** 2
    slow = 40 * (1 + 2 * square) ** (-width / 2)
    for a in x:
        own = (a - x.mean(0)) @ inverse @ (a - x.mean(0))
        slow -= 2 * (1 + square) ** (-width / 2) * np.exp(-square * own / (2 * (1 + square)))
        slow += sum(np.exp(-square / 2 * (a - b) @ inverse @ (a - b)) for b in x) / 40
    assert henze_zirkler(x).statistic == pytest.approx(slow, rel=1e-10)
    moved = henze_zirkler(x @ (np.eye(width) + rng.uniform(0, 0.3, (width, width))) + 7)
    assert moved.statistic == pytest.approx(slow, rel=1e-8)


def test_henze_zirkler_is_the_same_in_blocks(monkeypatch):
    x = np.random.default_rng(6).standard_normal((101, 3))
    whole = henze_zirkler(x)
    monkeypatch.setattr("testbed.stats.normality.BLOCK", 7)
    assert henze_zirkler(x).statistic == pytest.approx(whole.statistic, rel=1e-12)


@pytest.mark.parametrize("width", [2, 5, 10])
def test_the_null_moments_of_henze_zirkler_are_those_of_gaussian_samples(width):
    rng = np.random.default_rng(7)
    found = [henze_zirkler(rng.standard_normal((150, width))) for _ in range(800)]
    assert abs(np.mean([each.p_value < 0.05 for each in found]) - 0.05) < 0.03
    assert abs(np.mean([each.p_value < 0.5 for each in found]) - 0.5) < 0.08


def test_moments_are_those_of_the_definition():
    x = np.random.default_rng(8).exponential(size=50)
    second, third, fourth = (np.mean((x - x.mean()) ** power) for power in (2, 3, 4))
    assert skewness(x).statistic == pytest.approx(third / second**1.5)
    assert kurtosis(x).statistic == pytest.approx(fourth / second**2 - 3)


def test_anderson_darling_agrees_with_scipy():
    x = np.random.default_rng(9).standard_normal(80)
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    weights = 2 * np.arange(1, 81) - 1
    assert anderson_darling(x).statistic == pytest.approx(
        -80 - np.mean(weights * (stats.norm.logcdf(z) + stats.norm.logsf(z[::-1])))
    )


@pytest.mark.parametrize("count", [20, 77, 4000])
@pytest.mark.parametrize("name", [*ALTERNATIVES, "Gaussian"])
def test_every_test_agrees_with_scipy_and_statsmodels(name, count):
    x = 3 + 10 * (ALTERNATIVES | {"Gaussian": lambda rng, n: rng.standard_normal(n)})[name](
        np.random.default_rng(16), count
    )  # fmt: skip
    assert skewness(x).p_value == pytest.approx(stats.skewtest(x).pvalue, rel=1e-9)
    assert kurtosis(x).p_value == pytest.approx(stats.kurtosistest(x).pvalue, rel=1e-9)
    assert anderson_darling(x)[1:3] == pytest.approx(normal_ad(x), rel=1e-6)
    standard = stats.kstest((x - x.mean()) / x.std(ddof=1), "norm")
    value, place, over = widest(ordered(x))
    assert (value, over) == (pytest.approx(standard.statistic), standard.statistic_sign > 0)
    assert ordered(x)[place] == pytest.approx(standard.statistic_location)


def test_one_value_far_above_weighs_as_much_as_one_far_below():
    """Above eight deviations Φ rounds to one, whose logarithm must not."""
    x = np.append(np.random.default_rng(17).standard_normal(4000), 9.0)
    above, below = anderson_darling(x), anderson_darling(-x)
    assert above.statistic == pytest.approx(below.statistic, rel=1e-9) and above.p_value > 0.01


def step_up(p, rate):
    """The definition: reject the k smallest, k the largest with p_(k) ≤ k·rate/N."""
    order, count = np.argsort(p), len(p)
    passed = [k for k in range(1, count + 1) if p[order[k - 1]] <= k * rate / count]
    rejected = np.zeros(count, dtype=bool)
    rejected[order[: max(passed, default=0)]] = True
    return rejected


@pytest.mark.parametrize("dependent", [False, True])
def test_false_discoveries_follow_their_definition(dependent):
    p = np.random.default_rng(10).uniform(size=30) ** 4
    rate = 0.1 / np.sum(1 / np.arange(1, 31)) if dependent else 0.1
    found = false_discoveries(p.tolist(), 0.1, dependent=dependent)
    assert np.array_equal(found.rejected_N, step_up(p, rate))
    assert np.array_equal(found.adjusted_N <= 0.1, found.rejected_N)


def test_directions_of_one_gaussian_sample_are_rarely_discovered_and_uncontrolled_tests_often():
    rng = np.random.default_rng(11)
    controlled, raw = [], []
    for _ in range(300):
        directions = rng.standard_normal((5, 16))
        p = [anderson_darling(column).p_value for column in (rng.standard_normal((200, 5)) @ directions).T]
        controlled.append(false_discoveries(p, 0.05, dependent=True).rejected_N.any())
        raw.append(min(p) < 0.05)
    assert np.mean(controlled) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300) < np.mean(raw)


def test_a_sample_without_spread_is_a_sentence_and_a_small_one_refused():
    flat, broken = np.full(50, 1e6), np.append(np.arange(50.0), np.nan)
    for test in (*TESTS.values(), lambda x: distance(x, level=0.95), lambda x: henze_zirkler(x[:, None])):
        assert test(flat) == NO_SPREAD and test(broken) == NO_SPREAD
        with pytest.raises(ValueError, match="too few"):
            test(np.arange(10.0))
    line = np.arange(50.0)
    assert henze_zirkler(np.column_stack([line, 2 * line])) == NO_SPREAD
    with pytest.raises(ValueError, match="rate"):
        false_discoveries([0.5], 0.0, dependent=True)
