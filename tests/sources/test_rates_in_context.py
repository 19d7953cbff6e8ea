"""The rate of Markov chains whose matrix is resampled: where rows round to nothing, and what it costs."""

import numpy as np
import pytest

from testbed.laws.machines.finite import Passage
from testbed.sources import Budget, InContextMarkov, Markov, Quantity
from testbed.sources.in_context_markov import entropies


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [2, 3])
def test_rows_that_round_to_nothing_leave_a_rate(order, seed):
    world = InContextMarkov(vocabulary=2, order=order, concentration=0.02)
    rate = world.truth(2, budget=Budget(tokens=2**14, seed=seed)).rate
    assert isinstance(rate, Quantity) and 0 <= rate.low <= rate.value <= rate.high <= np.log(2)


def test_state_reduction_is_the_stationary_law():
    rng = np.random.default_rng(0)
    chain_MUU = rng.dirichlet(np.full(5, 0.05), size=(64, 5))
    chain_MUU = 0.99 * chain_MUU + 0.01 * rng.dirichlet(np.ones(5), size=(64, 5))
    for chain_UU, law_U in zip(chain_MUU, entropies._stationary(chain_MUU.copy()), strict=True):
        np.testing.assert_allclose(law_U @ chain_UU, law_U, atol=1e-13)
        assert law_U.sum() == pytest.approx(1, abs=1e-13)


def test_a_nearly_absorbing_state_takes_all_the_weight_without_a_warning():
    least = entropies.LEAST_CHANCE
    chain_UU = np.array([[1 - least, least, 0.0], [0.5, 0.25, 0.25], [0.0, 0.5, 0.5]])
    (law_U,) = entropies._stationary(chain_UU[None].copy())
    assert law_U[0] == 1.0 and np.isfinite(law_U).all() and (law_U[1:] < 1e-200).all()


def test_many_matrices_are_refused_with_the_time_that_they_take():
    world = InContextMarkov(vocabulary=256)
    with pytest.raises(ValueError, match=r"patience=60: the rates of \d+ random matrices .*or lower tokens"):
        world.truth(1, budget=Budget(tokens=10**9, patience=60.0))


def test_far_lags_of_large_chains_are_refused_where_patience_is_limited(capsys):
    from testbed import cli

    assert cli.main(["truth", "markov", "--vocabulary", "2100", "--length", "1", "--lags", "1048576"]) == 2
    assert "patience=60: pairs of tokens 1048576 apart over 2100 states" in capsys.readouterr().err
    assert Passage(Markov(vocabulary=3).machine()).pair_law(2**20).sum() == pytest.approx(1)


@pytest.mark.parametrize("world", [InContextMarkov(vocabulary=3, concentration=0.3)])
def test_the_width_that_a_refusal_offers_is_met(world):
    budget = Budget(tokens=2**15, width=0.003)
    with pytest.raises(ValueError, match=r"ask for width=([\d.]+) or") as refusal:
        world.truth(16, budget=budget)
    offered = float(str(refusal.value).split("ask for width=")[1].split(" or")[0])
    found = world.truth(16, budget=Budget(tokens=2**15, width=offered))
    assert max(each.width for each in (*found.curve, found.epsilon)) <= offered
