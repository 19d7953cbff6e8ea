"""The law y = C·x^−β: against scipy's fit, with coverage, size and power; and the liars that ignore noise."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from testbed.stats.estimate import Estimate
from testbed.stats.moments import Block, known, moments, smoothed
from testbed.stats.power_law import power_law
from tests.stats.laws import covers

LEVEL = 0.9
X = 4.0 ** np.arange(5)


def exact(y, error, curves=(0, 0, 0, 0, 0), x=X):
    seen = known(y, error, np.full(len(y), 1e6))
    return power_law(x, seen, list(curves), working=seen, level=LEVEL)


def test_known_errors_agree_with_curve_fit():
    rng = np.random.default_rng(0)
    error = np.array([0.2, 0.05, 0.02, 0.01, 0.01])
    y = 3 * X**-0.8 + error * rng.standard_normal(5)
    (c, beta), covariance = curve_fit(lambda x, c, b: c * x**-b, X, y, p0=(3, 0.8), sigma=error, absolute_sigma=True)
    found = exact(y, error)
    assert found.exponent.value == pytest.approx(beta, rel=1e-5) and found.constants_G[0] == pytest.approx(c, rel=1e-5)
    half = 1.645 * np.sqrt(covariance[1, 1])
    assert (found.exponent.high - found.exponent.low) / 2 == pytest.approx(half, rel=0.1)


def test_a_shared_exponent_has_a_constant_for_each_curve():
    y = np.concatenate([2 * X**-1.2, 5 * X**-1.2])
    found = exact(y, np.full(10, 1e-4), [0] * 5 + [1] * 5, np.tile(X, 2))
    assert found.exponent.value == pytest.approx(1.2) and np.allclose(found.constants_G, [2, 5])


def test_values_below_zero_are_borne():
    y = 3 * X**-1.0
    y[-1] = -0.01
    found = exact(y, np.full(5, 0.02)).exponent
    assert found.low < 1 < found.high


def test_pure_noise_has_an_endless_exponent():
    found = exact(0.01 * np.array([1.0, -1.0, 1.0, 1.0, -1.0]), np.full(5, 0.05)).exponent
    assert found.low == -np.inf and found.high == np.inf


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="slope"):
        exact(np.ones(2), np.ones(2), [0, 1], X[:2])
    with pytest.raises(ValueError, match="weighed"):
        exact(X**-1.0, np.zeros(5))


def drawn(rng, replicates=4, bend=0.0, careless=False):
    """V = K(D) − K online, with few replicates and the online term shared by all D."""
    truth = 0.2 * X**-1.0 * np.exp(bend * np.log(X / 16) ** 2)
    levels = np.concatenate([[0.05], 0.05 + truth])
    values_GR = levels[:, None] * (1 + 0.05 * rng.standard_normal((6, replicates)))
    found = moments(
        [Block(np.ones((replicates, 8, 1)) * row[:, None, None], (tuple(range(replicates)),)) for row in values_GR]
    )
    map_NQ = np.hstack([-np.ones((5, 1)), np.eye(5)])
    if careless:  # known, independent errors, as if no online term were shared and no replicate were few
        error = np.sqrt(found.covariance().diagonal())[1:]
        seen = known(map_NQ @ found.mean_Q, error, np.full(5, 1e6))
        return power_law(X, seen, [0] * 5, working=seen, level=LEVEL)
    return power_law(X, found.transform(map_NQ), [0] * 5, working=smoothed(found).transform(map_NQ), level=LEVEL)


@pytest.mark.parametrize("replicates", [3, 4])
def test_the_exponent_is_covered(replicates):
    assert covers(lambda rng: (drawn(rng, replicates).exponent, 1.0), level=LEVEL, simulations=150)


def test_forgetting_that_replicates_are_few_and_the_reference_shared_is_caught():
    assert not covers(lambda rng: (drawn(rng, 3, careless=True).exponent, 1.0), level=LEVEL, simulations=150)


def test_the_lack_of_fit_test_keeps_its_size_and_finds_a_bend():
    rng = np.random.default_rng(1)
    straight = np.array([drawn(rng).lack_of_fit for _ in range(200)])
    bent = np.array([drawn(rng, bend=0.2).lack_of_fit for _ in range(60)])
    assert (straight < 0.1).mean() < 0.1 + 4 * np.sqrt(0.09 / 200)
    assert (bent < 0.1).mean() > 0.6


def test_two_points_leave_nothing_to_test():
    assert np.isnan(exact(X[:2] ** -1.0, np.full(2, 0.01), [0, 0], X[:2]).lack_of_fit)
    assert isinstance(exact(X[:2] ** -1.0, np.full(2, 0.01), [0, 0], X[:2]).exponent, Estimate)
