"""Laws drawn from a Dirichlet law: sums against other sums and bounds, long windows, honest errors, liars."""

import tracemalloc

import numpy as np
import pytest
from scipy.special import entr
from scipy.stats import betabinom

from testbed.laws import dirichlet_law
from testbed.laws.entropies import conditional, monte_carlo
from testbed.sources import Budget, DirichletBlocks, InContextMarkov, Polya
from testbed.sources.in_context_markov import entropies as chains
from testbed.sources.in_context_markov import two_states
from tests.laws.enumeration import growth
from tests.sources.families.in_context_markov import joint as chain_joint

CHAIN = InContextMarkov(vocabulary=3, concentration=0.5)


def test_excess_of_a_step_falls_as_half_the_free_numbers_over_t():
    entropies, oracle = dirichlet_law.entropies(np.ones(10), 4001), Polya(vocabulary=10).truth(1).oracle.value
    assert 4000 * (entropies[4000] - oracle) == pytest.approx(9 / 2, rel=6e-3)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (3.0, 0.01, 0.3), (100.0, 1.0, 1.0, 1.0)])
def test_entropies_are_sums_over_beta_binomial_counts(weights):
    weights, count = np.array(weights), np.arange(301)
    expected = sum(
        betabinom.pmf(count, 300, weight, weights.sum() - weight) @ entr((count + weight) / (300 + weights.sum()))
        for weight in weights
    )
    assert dirichlet_law.entropies(weights, 301)[300] == pytest.approx(expected, rel=1e-10)


WEIGHTS = [(0.5, 0.5), (3.0, 0.01, 0.3), (100.0, 1.0, 1.0, 1.0), (1e-30, 1e-30), (1e30, 1.0)]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_entropies_after_many_draws_lie_between_bounds(weights, monkeypatch):
    exact_T = dirichlet_law.entropies(np.array(weights), 600)
    monkeypatch.setattr(dirichlet_law, "MOST_DRAWS", 100)
    low_T, high_T = dirichlet_law.bounds(np.array(weights), 600)
    np.testing.assert_array_equal([low_T[:100], high_T[:100]], [exact_T[:100]] * 2)
    assert (low_T <= exact_T + 1e-13).all() and (exact_T <= high_T + 1e-13).all()
    assert (high_T - low_T <= 0.5 * len(weights) / (np.arange(600) + sum(weights)) + 1e-13).all()


def test_bounds_leave_little_open(monkeypatch):
    monkeypatch.setattr(dirichlet_law, "MOST_DRAWS", 100)
    low_T, high_T = dirichlet_law.bounds(np.ones(3), 10_000)
    assert (high_T - low_T)[100] < 2e-3 and (high_T - low_T)[-1] < 2e-5
    excess = low_T - Polya(vocabulary=3).truth(1).oracle.value
    assert (excess[100:] > 0.8 * (2 / 2) / np.arange(100, 10_000)).all()


ENDLESS = [
    (Polya(vocabulary=3), 2**13, "certified interval", "closed form"),
    (DirichletBlocks(vocabulary=3, block_length=10**6), 2**13, "certified interval", "certified interval"),
    (DirichletBlocks(vocabulary=3, block_length=10**6, boundaries="announced"), 8, "enumeration", "certified interval"),
    (DirichletBlocks(vocabulary=2, block_length=10**6, phase="uniform"), 4, "enumeration", "certified interval"),
    (DirichletBlocks(vocabulary=2, block_length=10**6, lengths="geometric"), 4, "enumeration", "certified interval"),
    (
        DirichletBlocks(vocabulary=3, block_length=10**6, lengths="geometric", boundaries="announced"),
        4,
        "enumeration",
        "certified interval",
    ),
]


@pytest.mark.parametrize(("world", "length", "last", "rate"), ENDLESS)
def test_blocks_and_windows_without_end_take_no_longer_than_others(world, length, last, rate, monkeypatch):
    monkeypatch.setattr(dirichlet_law, "MOST_DRAWS", 2**8)
    truth = world.truth(length, budget=Budget(tokens=2**8))
    assert (truth.curve[-1].method, truth.rate.method) == (last, rate)
    assert truth.oracle.low <= truth.rate.high and truth.rate.high - truth.rate.low < 0.3
    assert truth.epsilon.low <= truth.epsilon.value <= truth.epsilon.high


def test_hidden_blocks_over_windows_without_end_are_refused():
    with pytest.raises(ValueError, match=r"length=65536: filtering hidden blocks .*e\+09 are spent; give a shorter"):
        DirichletBlocks(vocabulary=2, lengths="geometric").truth(2**16)


def test_a_width_between_bounds_that_no_work_narrows_is_refused(monkeypatch):
    monkeypatch.setattr(dirichlet_law, "MOST_DRAWS", 2**6)
    with pytest.raises(ValueError, match=r"interval of \w+ is \S+ wide \(certified interval\); ask for width="):
        Polya(vocabulary=3).truth(2**8, budget=Budget(width=1e-9))


def test_all_positions_are_had_at_once():
    """In memory in proportion to the samples: a weight for each pair of positions would be a hundred times as much."""
    samples_BL = np.random.default_rng(0).random((30, 2**12))
    curve = conditional.Curve(np.array([0.25, 0.5]), samples_BL, 8, monte_carlo.Span(0.0, 1.0))
    tracemalloc.start()
    found = curve.positions()
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
    for position in (0, 1, 2, 4095):
        expected = curve.mean(np.eye(1, 2**12, position)[0])
        assert found[position].method == expected.method
        for end in ("value", "low", "high", "error"):
            assert getattr(found[position], end) == pytest.approx(getattr(expected, end), rel=1e-12)


def test_extreme_weights_stay_finite():
    for weight in (1e-30, 1e30):
        world = Polya(vocabulary=3, concentration=weight)
        truth = world.truth(4)
        assert all(np.isfinite(entropy.value) for entropy in (*truth.curve, truth.rate))
        rows = np.asarray(world.log_predictive(world.tables(), np.array([0, 1, 2, 0, 0], np.int32)))
        np.testing.assert_allclose(np.exp(rows).sum(1), 1, atol=1e-6)


@pytest.mark.parametrize(("world", "length"), [(CHAIN, 8), (InContextMarkov(vocabulary=2, order=2), 11)])
def test_merged_contexts_have_the_entropies_of_all_contexts(world, length):
    np.testing.assert_allclose(chains._merged(world, length, 2**16), growth(chain_joint(world, length)), atol=1e-12)


def test_counts_of_two_states_reach_far_beyond_the_contexts():
    curve = InContextMarkov(vocabulary=2).truth(64).curve
    assert all(entropy.method == "enumeration" for entropy in curve) and len(curve) == 64
    exact = chains._merged(InContextMarkov(vocabulary=4), 64, 100)
    assert 5 < len(exact) < 64, "a small budget is kept"


def test_means_over_two_state_matrices_agree_with_samples_of_them():
    world = InContextMarkov(vocabulary=2, concentration=0.7)
    out = np.random.default_rng(0).beta(0.7, 0.7, size=(200_000, 2))
    for lag in (1, 2, 7, 100):
        differs = out.prod(1) / out.sum(1) ** 2 * (1 - (1 - out.sum(1)) ** lag)
        assert abs(world.pair_law(lag)[0, 1] - differs.mean()) < 5 * differs.std() / np.sqrt(len(out))
    entropy = entr(out) + entr(1 - out)
    rates = (out[:, ::-1] * entropy).sum(1) / out.sum(1)
    assert abs(world.truth(1).rate.value - rates.mean()) < 5 * rates.std() / np.sqrt(len(out))


@pytest.mark.parametrize("concentration", [1e-30, 1e-3, 0.1, 1.0, 30.0, 1e4, 1e18, 1e30])
def test_quadrature_over_two_chances(concentration):
    world = InContextMarkov(vocabulary=2, concentration=concentration)
    chance = two_states._grid(concentration)
    for rule_Q in (chance.weight_Q, chance.coarse_Q):
        assert rule_Q @ chance.chance_Q**2 == pytest.approx((concentration + 1) / (4 * concentration + 2), rel=1e-12)
    assert len(chance.weight_Q) < 600, "all pairs of points are summed over, at every lag"
    rate, rows = world.truth(1).rate, Polya(vocabulary=2, concentration=concentration).truth(1).rate
    assert rate.error < 1e-12 and 0 < rate.value <= rows.high, "more time is spent in rows that are sure"
    differs = world.pair_law(1)[0, 1]
    assert 0 < differs < 0.25 + 1e-14 and world.pair_law(2)[0, 1] <= differs * (1 + 1e-14)


def test_chains_that_hardly_move_are_alike_up_to_scale():
    """As c → 0 a chance is nearly always about 0 or about 1, and all that is uncertain is proportional to c."""
    first, second = (InContextMarkov(vocabulary=2, concentration=c) for c in (1e-9, 1e-28))
    for small, scale in ((first, 1e-9), (second, 1e-28)):
        assert small.truth(1).rate.value / scale == pytest.approx(1.1481970, rel=1e-6)
        assert small.pair_law(1)[0, 1] == pytest.approx(1 / 8, rel=1e-8)
