"""Attention with Gaussian logits: the quadrature against two simulations that share nothing, and published limits."""

import math

import numpy as np
import pytest
from scipy.integrate import dblquad

from testbed.theory.random_energy import freezing, participation, slope_between
from tests.theory import tokens

EXACT = {
    1.0: (0.9136, 0.9928, 0.9999),
    1.5: (0.5803, 0.9076, 0.9977),
    2.0: (0.1884, 0.5352, 0.9484),
    2.5: (0.0303, 0.1429, 0.6099),
}


def simulated(deviation, positions, replicates, *, seed):
    """n·Σg²/(Σg)² over drawn logits: mean and standard error."""
    logit_RL = deviation * np.random.default_rng(seed).standard_normal((replicates, positions))
    weight_RL = np.exp(logit_RL - logit_RL.max(1, keepdims=True))
    value_R = positions * (weight_RL**2).sum(1) / weight_RL.sum(1) ** 2
    return value_R.mean(), value_R.std() / replicates**0.5


def tilted(deviation, positions, replicates, *, seed):
    """The same mean as n²·e^{2s²}·E[(Σg)^−2] with the first logit drawn around 2s², which rare large ones do not rule.

    E[Σg²/(Σg)²] = n·E[g_1²/(Σg)²], and g_1² moves the mean of its own logit.
    """
    logit_RL = deviation * np.random.default_rng(seed).standard_normal((replicates, positions))
    logit_RL[:, 0] += 2 * deviation**2
    value_R = positions**2 * np.exp(2 * deviation**2) / np.exp(logit_RL).sum(1) ** 2
    return value_R.mean(), value_R.std() / replicates**0.5


@pytest.mark.parametrize("deviation", EXACT)
def test_values_that_the_world_of_gaussian_logits_is_held_to(deviation):
    """A change here means that predictions made with these numbers no longer hold."""
    for positions, share in zip((64, 1024, 65536), EXACT[deviation], strict=True):
        found = participation(deviation, positions)
        assert abs(found.value / found.limit - share) < 6e-5
        assert found.error < 1e-11 * found.value


@pytest.mark.parametrize("deviation", [0.5, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize(("positions", "replicates"), [(2, 200_000), (64, 30_000), (1024, 2000)])
def test_simulated_weights_agree(deviation, positions, replicates):
    measured = simulated(deviation, positions, replicates, seed=positions)
    assert tokens.agrees(participation(deviation, positions).value, measured, errors=5.0)


@pytest.mark.parametrize("deviation", [1.0, 1.5, 2.0, 2.5])
@pytest.mark.parametrize(("positions", "replicates"), [(64, 60_000), (1024, 5000), (65536, 60)])
def test_simulated_weights_with_a_tilted_logit_agree(deviation, positions, replicates):
    measured = tilted(deviation, positions, replicates, seed=positions)
    assert tokens.agrees(participation(deviation, positions).value, measured)
    if positions == 64:
        limit = math.exp(deviation**2)  # the liar: the limit in place of the value at finite n
        assert not tokens.agrees(limit, measured)


def test_two_positions_agree_with_a_library_integral():
    def integrand(second, first):
        high, low = max(first, second), min(first, second)
        share = 1 / (1 + math.exp(1.5 * (low - high)))
        return (share**2 + (1 - share) ** 2) * math.exp(-(first**2 + second**2) / 2) / (2 * math.pi)

    whole = 2 * dblquad(integrand, -9, 9, -9, lambda first: first, epsabs=1e-10)[0]
    assert participation(1.5, 2).value == pytest.approx(2 * whole, abs=1e-8)


def test_ends_of_the_range():
    assert participation(2.0, 1).value == pytest.approx(1, abs=1e-12)
    assert participation(0.0, 1000).value == pytest.approx(1, abs=1e-12)
    assert participation(3.0, 10**6).error < 1e-10 * participation(3.0, 10**6).value
    # The second-order expansion of a ratio of means: 1 + (3·Var g/E²g − 2·Cov(g², g)/(E g²·E g))/n.
    first, second = math.exp(0.01), math.exp(0.02)
    expanded = first * (1 + (3 * first - 2 * second - 1) / 1000)
    assert participation(0.1, 1000).value == pytest.approx(expanded, rel=1e-7)


def test_weights_average_below_freezing_and_not_above():
    assert freezing(round(math.exp(8))) == pytest.approx(4, abs=1e-4)
    assert slope_between(0.5, 4096, 65536) == pytest.approx(-1, abs=1e-3)
    assert -1 < slope_between(2.0, 1024, 65536) < -0.8
    assert slope_between(4.0, 16, 32) > -0.2 > slope_between(4.0, 1024, 2048)


def test_requests_without_sense_are_refused():
    with pytest.raises(ValueError, match="at least 1 position"):
        participation(1.0, 0)
    with pytest.raises(ValueError, match="give s >= 0"):
        participation(-1.0, 10)
