"""Law: the distance to the normal law, its floor, its error and its interval."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors as tabled

from testbed.stats.distance import distance, null_mean, null_quantile, null_tail
from testbed.stats.normality import (
    anderson_darling,
    lilliefors,
)
from tests.stats.laws import covers, repeated
from tests.stats.test_normality import ALTERNATIVES, uncorrected


def test_the_distance_is_that_of_scipy_and_statsmodels():
    for draw in ALTERNATIVES.values():
        x = draw(np.random.default_rng(12), 200)
        found = distance(x, level=0.95).estimate.value
        assert found == pytest.approx(tabled(x)[0]) == pytest.approx(uncorrected(x).statistic)


@pytest.mark.parametrize(("count", "simulations"), [(50, 4000), (1000, 1000)])
def test_the_floor_is_what_gaussian_samples_show(count, simulations):
    rng = np.random.default_rng(13)
    drawn = np.array(repeated(lambda: distance(rng.standard_normal(count), level=0.95).estimate.value, simulations))
    assert abs(drawn.mean() / null_mean(count) - 1) < 4 * 0.235 / np.sqrt(simulations) + 0.005
    exceeded = np.mean(drawn > null_quantile(0.95, count))
    assert abs(exceeded - 0.05) < 4 * np.sqrt(0.05 * 0.95 / simulations)


def test_the_tail_inverts_the_quantile_and_agrees_with_statsmodels_for_a_hundred_values():
    assert null_tail(null_quantile(0.97, 333), 333) == pytest.approx(0.03)
    x = np.random.default_rng(14).exponential(size=100) ** 0.7
    assert tabled(x, pvalmethod="approx")[1] == pytest.approx(lilliefors(x).p_value, rel=1e-9)
    with pytest.raises(ValueError, match="tail only"):
        null_quantile(0.5, 100)


def rectified_truth():
    mean = 1 / np.sqrt(2 * np.pi)
    below_atom = stats.norm.cdf(-mean / np.sqrt(0.5 - mean**2))
    return max(below_atom, 0.5 - below_atom), ALTERNATIVES["rectified"]


def farthest(law, mean, spread):
    x = np.linspace(mean - 10 * spread, mean + 10 * spread, 200_001)
    return np.abs(law(x) - stats.norm.cdf((x - mean) / spread)).max()


def two_point_truth():
    def law(x):
        return (stats.norm.cdf((x - 1) / 0.3) + stats.norm.cdf((x + 1) / 0.3)) / 2

    return farthest(law, 0.0, np.sqrt(1.09)), ALTERNATIVES["two points"]


WORLDS = {
    "rectified": rectified_truth,
    "two points": two_point_truth,
    "t_5": lambda: (farthest(stats.t(5).cdf, 0.0, np.sqrt(5 / 3)), ALTERNATIVES["t_5"]),
    "gamma_16": lambda: (farthest(stats.gamma(16).cdf, 16.0, 4.0), lambda rng, n: rng.gamma(16, size=n)),
    "Gaussian": lambda: (0.0, lambda rng, n: rng.standard_normal(n)),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_interval_holds_the_true_distance(name):
    truth, draw = WORLDS[name]()
    assert covers(lambda rng: (distance(draw(rng, 400), level=0.9).estimate, truth), level=0.9)


def test_the_error_alone_does_not_hold_the_distance_of_a_gaussian_sample():
    def naive(rng):
        found = distance(rng.standard_normal(400), level=0.9)
        low = found.estimate.value - 1.645 * found.error
        return type(found.estimate)(value=low, low=low, high=1.0, level=0.9, n=400, method="test"), 0.0

    assert not covers(naive, level=0.9)


@pytest.mark.parametrize("name", ["rectified", "two points", "t_5"])
def test_the_error_is_the_spread_of_the_distance_over_samples(name):
    rng, (_, draw) = np.random.default_rng(15), WORLDS[name]()
    found = [distance(draw(rng, 1000), level=0.9) for _ in range(150)]
    spread = np.std([each.estimate.value for each in found])
    assert 0.8 < np.mean([each.error for each in found]) / spread < 1.45


def test_a_value_out_of_all_bounds_rejects_without_a_warning():
    x = np.append(np.random.default_rng(0).standard_normal(2000), 1e6)
    assert anderson_darling(x).p_value == 0.0 and lilliefors(x).p_value < 1e-9
