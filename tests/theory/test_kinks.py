"""Moments at a kink: integrals by a library, simulation, and the liars that take the limit for Gaussian."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad, quad

from testbed.theory.kinks import absolute_moment, rectified_covariance, signed_power, two_slopes


def integrated(function, deviation):
    """Mean, variance, skewness and excess kurtosis of function(X), X ~ N(0, σ²), by quadrature on each side of zero."""

    def mean_of(power, centre):
        def weighted(z):
            return (function(deviation * z) - centre) ** power * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

        return sum(quad(weighted, *side, epsabs=1e-12)[0] for side in ((-40, -6), (-6, 0), (0, 6), (6, 40)))

    mean = mean_of(1, 0.0)
    second, third, fourth = (mean_of(power, mean) for power in (2, 3, 4))
    return mean, second, third / second**1.5, fourth / second**2 - 3


@pytest.mark.parametrize(("above", "below"), [(1.0, 0.0), (2.0, 1.0), (1.0, 0.01), (1.0, -1.0), (1.0, 1.0)])
@pytest.mark.parametrize("deviation", [1.0, 0.2])
def test_two_slopes_agree_with_integrals(above, below, deviation):
    truth = integrated(lambda x: above * x if x > 0 else below * x, deviation)
    np.testing.assert_allclose(two_slopes(deviation, above=above, below=below), truth, atol=1e-8)


@pytest.mark.parametrize("exponent", [0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("deviation", [1.0, 0.2])
def test_signed_powers_agree_with_integrals(exponent, deviation):
    truth = integrated(lambda x: np.sign(x) * abs(x) ** exponent, deviation)
    np.testing.assert_allclose(signed_power(deviation, exponent), truth, atol=1e-7)


def test_absolute_moments_are_those_of_the_library():
    for power in range(0, 8, 2):
        assert absolute_moment(power) == pytest.approx(stats.norm.moment(power), rel=1e-12)


def test_rectified_covariance_agrees_with_an_integral():
    for correlation in (-0.9, -0.3, 0.0, 0.6):

        def integrand(v, u, r=correlation):
            density = np.exp(-(u * u - 2 * r * u * v + v * v) / (2 * (1 - r * r)))
            return u * v * density / (2 * np.pi * np.sqrt(1 - r * r))

        product = dblquad(integrand, 0, 12, 0, 12, epsabs=1e-10)[0]
        covariance_FF = np.array([[4.0, 6 * correlation], [6 * correlation, 9.0]])
        found_FF = rectified_covariance(covariance_FF)
        assert found_FF[0, 1] == pytest.approx(6 * (product - 1 / (2 * np.pi)), abs=1e-7)
        assert found_FF[0, 0] == pytest.approx(two_slopes(2.0, above=1.0, below=0.0).variance, rel=1e-12)


def test_simulated_rectified_vectors_agree():
    rng = np.random.default_rng(0)
    factor_FF = rng.standard_normal((3, 3))
    drawn_RF = np.maximum(rng.standard_normal((200_000, 3)) @ factor_FF.T, 0)
    truth_FF = rectified_covariance(factor_FF @ factor_FF.T)
    centred_RF = drawn_RF - drawn_RF.mean(0)
    product_RFF = centred_RF[:, :, None] * centred_RF[:, None]
    error_FF = product_RFF.std(0) / len(drawn_RF) ** 0.5
    assert (np.abs(product_RFF.mean(0) - truth_FF) < 4 * error_FF).all()
    smooth_FF = factor_FF @ factor_FF.T / 4  # the liar: the delta method with slope ½ at the kink
    assert not (np.abs(product_RFF.mean(0) - smooth_FF) < 4 * error_FF).all()


def test_what_never_varies_stays_so():
    found_FF = rectified_covariance(np.diag([0.0, 1.0]))
    assert found_FF[0].tolist() == [0.0, 0.0] and found_FF[1, 1] > 0
