"""Markov chains with few successors, with Zipf's law, and the variance of their averages."""

import numpy as np
import pytest

from testbed.sources import Budget, Markov
from testbed.sources.markov import chains
from tests.sources.families.markov import stationary_vector


@pytest.mark.parametrize(("symbols", "order"), [(2, 1), (7, 1), (2, 5), (3, 3), (4, 2)])
def test_the_cycle_visits_every_context(symbols, order):
    following_U = chains._cycle(symbols, order, np.random.default_rng(1))
    context, seen = 0, []
    for _ in range(symbols**order):
        seen.append(context)
        context = (context * symbols + following_U[context]) % symbols**order
    assert context == 0 and sorted(seen) == list(range(symbols**order))


@pytest.mark.parametrize("seed", range(5))
def test_each_context_has_as_many_successors_as_asked_for(seed):
    world = Markov(vocabulary=12, support=3, concentration=0.2, seed=seed)
    assert ((world.transitions() > 0).sum(1) == 3).all()
    np.testing.assert_allclose(world.transitions().sum(1), 1, atol=1e-14)
    assert (world.pair_law(0).diagonal() > 0).all(), "some symbol never comes: the chain is reducible"
    assert world.truth(4).rate.value < np.log(3)


@pytest.mark.parametrize(("exponent", "concentration"), [(0.0, 1.0), (1.0, 0.3), (2.0, 1.0)])
def test_stationary_law_is_that_of_zipf(exponent, concentration):
    world = Markov(vocabulary=9, zipf=exponent, concentration=concentration, seed=4)
    wanted_V = np.arange(1, 10) ** -exponent
    np.testing.assert_allclose(stationary_vector(world.transitions()), wanted_V / wanted_V.sum(), atol=1e-12)
    np.testing.assert_allclose(world.transitions().sum(1), 1, atol=1e-14)


def test_scaling_keeps_odds_ratios():
    drawn, scaled = (Markov(vocabulary=5, zipf=zipf, seed=1).transitions() for zipf in (None, 1.3))
    for rows in (drawn, scaled):
        odds = rows[0, 0] * rows[3, 2] / (rows[0, 2] * rows[3, 0])
        assert odds == pytest.approx(drawn[0, 0] * drawn[3, 2] / (drawn[0, 2] * drawn[3, 0]), rel=1e-9)


def test_drawn_rows_are_those_of_the_seed():
    # A change here means that every Markov world drawn so far has become another one.
    rows = Markov(vocabulary=4, concentration=0.3, smoothing=0.02).transitions()
    np.testing.assert_allclose(rows[0], [0.22836135, 0.00502382, 0.57177367, 0.19484116], atol=1e-8)


@pytest.mark.parametrize("second", [-0.5, 0.0, 0.5, 0.8, 0.95])
def test_variance_of_a_mean_follows_the_second_eigenvalue(second):
    """On ±1, n·Var(mean) → Σ_k Cov(X_0, X_k) = Var(X)·(1+λ)/(1-λ)."""
    leave, enter = 0.4 * (1 - second), 0.6 * (1 - second)
    world = Markov(vocabulary=2, rows=((1 - leave, leave), (enter, 1 - enter)))
    value_V = np.array([-1.0, 1.0])
    mean = value_V @ np.diag(world.pair_law(0))
    covariances = [value_V @ world.pair_law(lag) @ value_V - mean**2 for lag in range(800)]
    total = covariances[0] + 2 * sum(covariances[1:])
    assert total == pytest.approx(covariances[0] * (1 + second) / (1 - second), rel=1e-10)
    if second:
        assert world.mixing().value == pytest.approx(second, abs=1e-12)


def test_a_width_below_the_rounding_is_refused():
    assert Markov(vocabulary=4).truth(2, budget=Budget(width=1e-9)).rate.method == "closed form"
    with pytest.raises(ValueError, match=r"width=1e-17: the interval of \w+ is .*; that is the rounding"):
        Markov(vocabulary=4).truth(2, budget=Budget(width=1e-17))
