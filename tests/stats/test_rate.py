"""Law: the rate at which a distance to the normal law falls is covered, floors and all."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit
from statsmodels.api import OLS, WLS, add_constant

from testbed.stats.decay import decay_slope
from testbed.stats.distance import Distance, distance, null_mean, null_quantile
from testbed.stats.estimate import Estimate
from testbed.stats.rate import UNDETERMINED, distance_rate
from tests.stats.laws import covers
from tests.stats.test_decay import LEVEL, N

FOURFOLD = 4.0 ** np.arange(1, 6)


def shown(value, count=4000, error=0.005):
    whole = Estimate(value=value, low=0.0, high=1.0, level=LEVEL, n=count, method="test")
    return Distance(whole, error, null_mean(count), null_quantile(0.95, count))


def lifted(n, constant, rate):
    return (null_mean(4000) ** 1.4 + (constant * n**-rate) ** 1.4) ** (1 / 1.4)


def test_the_rate_agrees_with_curve_fit_on_lifted_distances():
    value = lifted(FOURFOLD, 0.4, 0.6) + 0.001 * np.random.default_rng(7).standard_normal(5)
    found = distance_rate(FOURFOLD, [shown(each, error=0.001) for each in value], level=LEVEL)
    best, covariance = curve_fit(lifted, FOURFOLD, value, p0=(0.4, 0.6), sigma=np.full(5, 0.001), absolute_sigma=True)
    assert np.allclose((found.constant, found.exponent.value), best, rtol=1e-3)
    width = found.exponent.high - found.exponent.low
    assert width == pytest.approx(2 * 1.96 * np.sqrt(covariance[1, 1]), rel=0.1)
    assert found.above_floor == np.sum(value > null_quantile(0.95, 4000))


def gamma_distance(shape):
    z = np.linspace(-8, 8, 20_001)
    return np.abs(stats.gamma.cdf(shape + shape**0.5 * z, shape) - stats.norm.cdf(z)).max()


def sums(rng, count, lengths):
    """Sums of n exponential values: their distance falls as n^−1/2, to within a hundredth for n of 4 and more."""
    return [distance(rng.gamma(n, size=count), level=LEVEL) for n in lengths]


def test_the_rate_of_sums_is_covered_and_that_of_raw_distances_is_not():
    truth = np.array([gamma_distance(n) for n in FOURFOLD])
    exponent = -np.polyfit(np.log(FOURFOLD), np.log(truth), 1)[0]
    assert exponent == pytest.approx(0.5, abs=0.01)

    def careless(rng):
        found = sums(rng, 2000, FOURFOLD)
        value, error = np.array([(each.estimate.value, each.error) for each in found]).T
        low, high = (
            -WLS(np.log(value), add_constant(np.log(FOURFOLD)), weights=(value / error) ** 2)
            .fit(cov_type="fixed scale", use_t=False)
            .conf_int(0.05)[1][::-1]
        )
        return Estimate(value=low, low=low, high=high, level=LEVEL, n=2000, method="test"), exponent

    assert covers(
        lambda rng: (distance_rate(FOURFOLD, sums(rng, 2000, FOURFOLD), level=LEVEL).exponent, exponent),
        level=LEVEL, simulations=60,
    )  # fmt: skip
    assert not covers(careless, level=LEVEL, simulations=60)


def test_gaussian_samples_have_no_rate():
    rng = np.random.default_rng(8)
    found = [
        distance_rate(FOURFOLD, [distance(rng.standard_normal(2000), level=LEVEL) for _ in FOURFOLD], level=LEVEL)
        for _ in range(20)
    ]
    assert all(each.exponent.low == -np.inf and each.exponent.high == np.inf for each in found)
    assert all(each.exponent.method == UNDETERMINED for each in found)
    assert np.mean([each.above_floor for each in found]) < 1


def test_a_constant_distance_has_rate_zero_and_two_lengths_are_refused():
    found = distance_rate(FOURFOLD, [shown(0.14)] * 5, level=LEVEL).exponent
    assert found.low < 0 < found.high and found.value == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="different"):
        distance_rate(FOURFOLD[:2], [shown(0.1)] * 2, level=LEVEL)


def test_ordinary_least_squares_is_what_equal_errors_give():
    t = 2 * N**-1.1 * np.exp(0.02 * np.random.default_rng(9).standard_normal(8))
    found = decay_slope(N, t, 0.02 * t, np.full(8, 1000), level=LEVEL)
    assert found.slope.value == pytest.approx(OLS(np.log(t), add_constant(np.log(N))).fit().params[1], abs=1e-3)
