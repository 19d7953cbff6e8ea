"""The risk of the shortest least-squares solution: simulated trainings against closed forms, either side of p = n."""

import numpy as np
import pytest

from testbed.measure.counting import ridgeless
from testbed.theory.ridgeless import risk

SHAPES = ((20, 1), (20, 8), (20, 15), (20, 26), (20, 40), (10, 80))
DRAWS, NOISE = 1500, 0.7


@pytest.mark.parametrize(("samples", "features"), SHAPES)
def test_simulated_trainings_have_the_exact_parts(samples, features):
    rng = np.random.default_rng(features)
    beta = rng.standard_normal(features)
    exact = risk(samples, features, signal=float(beta @ beta), noise=NOISE)
    off = ridgeless(samples, beta, noise=NOISE, draws=DRAWS, seed=0) - beta
    whole = np.square(off).sum(1)
    assert abs(whole.mean() - exact.total) < 4 * whole.std() / np.sqrt(DRAWS)
    halves = off[: DRAWS // 2], off[DRAWS // 2 :]
    along = np.array([one @ beta for one in off]) / np.linalg.norm(beta)
    root = -(1 - min(samples / features, 1)) * np.linalg.norm(beta)
    assert abs(along.mean() - root) < 4 * along.std() / np.sqrt(DRAWS)
    assert root**2 == pytest.approx(exact.bias)
    product = float(halves[0].mean(0) @ halves[1].mean(0))
    error = np.sqrt(exact.total * (4 * exact.bias + exact.total / DRAWS) / DRAWS) * 2
    assert abs(product - exact.bias) < 4 * error


@pytest.mark.parametrize(("samples", "features"), SHAPES)
def test_noise_and_inputs_apart(samples, features):
    """Without noise what is left is bias and design; without a signal, noise."""
    beta = np.ones(features)
    silent = np.square(ridgeless(samples, beta, noise=0.0, draws=DRAWS, seed=1) - beta).sum(1)
    exact = risk(samples, features, signal=float(features), noise=NOISE)
    assert abs(silent.mean() - exact.bias - exact.design) < 4 * silent.std() / np.sqrt(DRAWS) + 1e-9
    noise = np.square(ridgeless(samples, 0 * beta, noise=NOISE, draws=DRAWS, seed=2)).sum(1)
    assert abs(noise.mean() - exact.noise) < 4 * noise.std() / np.sqrt(DRAWS)


def test_the_classical_risk_of_fixed_inputs_is_rejected():
    """The liar: σ²·p/n, which forgets that inputs are drawn."""
    found = np.square(ridgeless(20, np.zeros(12), noise=NOISE, draws=DRAWS, seed=3)).sum(1)
    assert abs(found.mean() - NOISE * 12 / 20) > 4 * found.std() / np.sqrt(DRAWS)


def test_there_is_a_peak_and_a_second_descent():
    totals = [risk(20, features, signal=1.0, noise=NOISE).total for features in (5, 18, 19, 20, 21, 22, 40, 200)]
    assert totals[2:5] == [np.inf] * 3 and totals[0] < totals[1] and totals[5] > totals[6]
    assert risk(20, 10**9, signal=1.0, noise=NOISE).total == pytest.approx(1.0)


def test_shapes_that_are_none_are_refused():
    with pytest.raises(ValueError, match="1 or more"):
        risk(0, 3, signal=1.0, noise=1.0)
