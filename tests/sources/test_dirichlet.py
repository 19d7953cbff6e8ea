"""Laws drawn from a Dirichlet law: sums against other sums and bounds, long windows, honest errors, liars."""

import itertools
import re
import tracemalloc

import jax
import numpy as np
import pytest
from scipy.special import entr
from scipy.stats import betabinom

from testbed.sources import (
    Absent,
    Budget,
    DirichletBlocks,
    InContextMarkov,
    Polya,
    _curve,
    _dirichlet,
    _dirichlet_truth,
    _samples,
)
from testbed.sources import _in_context_truth as chains
from tests.sources.enumeration import growth
from tests.sources.families.block_stationary import POWER_LAW
from tests.sources.families.dirichlet_blocks import TINY
from tests.sources.families.in_context_markov import joint as chain_joint
from tests.sources.test_predictive import check_prediction, contexts, predicted
from tests.sources.test_sampler import check_window
from tests.sources.test_truth import check_curve, check_rate
from tests.sources.worlds import COUNT, exact_truth, label, samples

HIDDEN = [
    DirichletBlocks(**TINY, lengths="geometric"),
    DirichletBlocks(**TINY, phase="uniform"),
    DirichletBlocks(**TINY, **POWER_LAW, longest=8),
]
CHAIN = InContextMarkov(vocabulary=3, concentration=0.5)
LONG = [
    Polya(vocabulary=32, concentration=0.1),
    DirichletBlocks(vocabulary=32, lengths="geometric", concentration=0.1),
    DirichletBlocks(vocabulary=32, phase="uniform", concentration=0.1),
    DirichletBlocks(vocabulary=8, block_length=200, lengths="geometric", boundaries="announced"),
    InContextMarkov(vocabulary=16, concentration=0.1),
]


# Sums


def test_excess_of_a_step_falls_as_half_the_free_numbers_over_t():
    entropies, oracle = _dirichlet.entropies(np.ones(10), 4001), Polya(vocabulary=10).truth(1).oracle.value
    assert 4000 * (entropies[4000] - oracle) == pytest.approx(9 / 2, rel=6e-3)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (3.0, 0.01, 0.3), (100.0, 1.0, 1.0, 1.0)])
def test_entropies_are_sums_over_beta_binomial_counts(weights):
    weights, count = np.array(weights), np.arange(301)
    expected = sum(
        betabinom.pmf(count, 300, weight, weights.sum() - weight) @ entr((count + weight) / (300 + weights.sum()))
        for weight in weights
    )
    assert _dirichlet.entropies(weights, 301)[300] == pytest.approx(expected, rel=1e-10)


WEIGHTS = [(0.5, 0.5), (3.0, 0.01, 0.3), (100.0, 1.0, 1.0, 1.0), (1e-30, 1e-30), (1e30, 1.0)]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_entropies_after_many_draws_lie_between_bounds(weights, monkeypatch):
    exact_T = _dirichlet.entropies(np.array(weights), 600)
    monkeypatch.setattr(_dirichlet, "MOST_DRAWS", 100)
    low_T, high_T = _dirichlet.bounds(np.array(weights), 600)
    np.testing.assert_array_equal([low_T[:100], high_T[:100]], [exact_T[:100]] * 2)
    assert (low_T <= exact_T + 1e-13).all() and (exact_T <= high_T + 1e-13).all()
    assert (high_T - low_T <= 0.5 * len(weights) / (np.arange(600) + sum(weights)) + 1e-13).all()


def test_bounds_leave_little_open(monkeypatch):
    monkeypatch.setattr(_dirichlet, "MOST_DRAWS", 100)
    low_T, high_T = _dirichlet.bounds(np.ones(3), 10_000)
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
    monkeypatch.setattr(_dirichlet, "MOST_DRAWS", 2**8)
    truth = world.truth(length, budget=Budget(tokens=2**8))
    assert (truth.curve[-1].method, truth.rate.method) == (last, rate)
    assert truth.oracle.low <= truth.rate.high and truth.rate.high - truth.rate.low < 0.3
    assert truth.epsilon.low <= truth.epsilon.value <= truth.epsilon.high


def test_hidden_blocks_over_windows_without_end_are_refused():
    with pytest.raises(ValueError, match=r"length=65536: filtering hidden blocks .*e\+09 are spent; give a shorter"):
        DirichletBlocks(vocabulary=2, lengths="geometric").truth(2**16)


def test_a_width_between_bounds_that_no_work_narrows_is_refused(monkeypatch):
    monkeypatch.setattr(_dirichlet, "MOST_DRAWS", 2**6)
    with pytest.raises(ValueError, match=r"epsilon is \S+ wide \(certified interval\); ask for width="):
        Polya(vocabulary=3).truth(2**8, budget=Budget(width=1e-9))


def test_all_positions_are_had_at_once():
    """In memory in proportion to the samples: a weight for each pair of positions would be a hundred times as much."""
    samples_BL = np.random.default_rng(0).random((30, 2**12))
    curve = _curve.Curve(np.array([0.25, 0.5]), samples_BL, 8, _samples.Span(0.0, 1.0))
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
    chance = chains._grid(concentration)
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


# Dependence on where blocks are


@pytest.mark.parametrize("boundaries", ["hidden", "announced"])
@pytest.mark.parametrize("phase", ["aligned", "uniform"])
@pytest.mark.parametrize("lengths", ["fixed", "geometric"])
def test_blocks_end_where_they_should(lengths, phase, boundaries):
    world = DirichletBlocks(**TINY, lengths=lengths, phase=phase, boundaries=boundaries)
    tokens_BL, latents = samples(world)
    ends = np.diff(np.asarray(latents.block_L), axis=1)
    expected = np.full(5, 1 / 3)
    if (lengths, phase) == ("fixed", "aligned"):
        expected = np.array([0, 0, 1, 0, 0])
    assert np.abs(ends.mean(0) - expected).max() < 4 * np.sqrt(0.25 / COUNT)
    assert set(np.unique(ends)) <= {0, 1}
    if boundaries == "announced":
        np.testing.assert_array_equal(np.asarray(tokens_BL)[:, 1:] == 2, ends == 1)


def test_the_oracle_counts_own_tokens_only():
    for world in (DirichletBlocks(**TINY, lengths="geometric", boundaries="announced"), DirichletBlocks(**TINY)):
        own = np.diag(world.pair_law(0))[:2].sum()
        law = Polya(vocabulary=2, weights=TINY["weights"]).truth(1).oracle.value
        assert world.truth(1).oracle.value == pytest.approx(own * law, abs=1e-14)


def test_an_announcer_that_cannot_come_is_left_out():
    world = DirichletBlocks(**TINY, boundaries="announced")
    row = np.exp(predicted(world, np.array([[2, 0, 2, 1, 1, 0]], np.int32))[0])
    np.testing.assert_allclose(row[2], [1.5 / 3, 1.5 / 3, 0], atol=1e-15)
    np.testing.assert_allclose(row[3], [0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(row[4], [0.25, 0.75, 0], atol=1e-15)


def test_geometric_blocks_are_stationary_where_boundaries_are_hidden():
    aligned, uniform = (DirichletBlocks(**TINY, lengths="geometric", phase=phase) for phase in ("aligned", "uniform"))
    assert aligned.stationary and uniform.stationary
    np.testing.assert_allclose(*(predicted(world, contexts(world)) for world in (aligned, uniform)), atol=1e-12)


# Long windows


@pytest.mark.parametrize("world", LONG, ids=label)
def test_float32_keeps_its_digits_over_long_windows(world):
    tokens_L, _ = world.sample(world.tables(), key=jax.random.key(3), length=512)
    single = np.asarray(world.log_predictive(world.tables(), tokens_L))
    double = predicted(world, np.asarray(tokens_L)[None])[0]
    possible = double > -80
    np.testing.assert_allclose(single[possible], double[possible], atol=1e-5)


@pytest.mark.parametrize("world", LONG[:3], ids=label)
def test_frequencies_at_late_positions_are_those_of_the_pair_law(world):
    keys = jax.random.split(jax.random.key(5), 4000)
    tokens = np.asarray(jax.vmap(lambda key: world.sample(world.tables(), key=key, length=300)[0])(keys))
    for lag in (1, 5):
        same = tokens[:, 290] == tokens[:, 290 + lag]
        expected = np.trace(world.pair_law(lag))
        assert abs(same.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / len(keys))


# Monte Carlo and intervals


@pytest.mark.parametrize("world", [*HIDDEN, CHAIN], ids=label)
def test_monte_carlo_agrees_with_enumeration(world):
    exact, rough = exact_truth(world), world.truth(5, budget=Budget(contexts=1, tokens=2**15, seed=5))
    assert rough.curve[-1].method == "Monte Carlo"
    for known, guess in zip((*exact.curve, exact.epsilon), (*rough.curve, rough.epsilon), strict=True):
        assert abs(known.value - guess.value) <= 4 * guess.error + 1e-10
    assert rough.rate.low <= exact.rate.high + 2 * rough.rate.error
    assert exact.rate.low <= rough.rate.high + 2 * rough.rate.error


@pytest.mark.parametrize("world", HIDDEN, ids=label)
def test_standard_error_is_honest_though_a_control_is_fitted(world):
    budgets = [Budget(contexts=1, tokens=2**11, seed=seed) for seed in range(60)]
    guesses = [_dirichlet_truth._curve_of(world, 5, budget).mean(np.full(5, 0.2)) for budget in budgets]
    spread = np.std([guess.value for guess in guesses], ddof=1)
    stated = np.mean([guess.error for guess in guesses])
    assert 0.65 < spread / stated < 1.4  # chi-square on 59 degrees of freedom: beyond both ends 1e-4
    assert abs(np.mean([guess.value for guess in guesses]) - exact_truth(world).epsilon.value) < 4 * spread / 60**0.5


def test_a_control_with_its_mean_takes_spread_away():
    control = np.random.default_rng(0).normal(size=(1000, 1))
    noise = np.random.default_rng(1).normal(size=(1000, 1))
    corrected, slope = _dirichlet.corrected(3 * control + 0.1 * noise, control, np.zeros(1))
    assert slope == pytest.approx(3, rel=0.01)
    assert corrected.std() == pytest.approx(0.1, rel=0.1) and abs(corrected.mean()) < 4 * 0.1 / 1000**0.5
    few = control[:31]
    np.testing.assert_array_equal(_dirichlet.corrected(few, few, np.zeros(1))[0], few)


def test_rates_of_geometric_blocks_are_nested_intervals():
    world = DirichletBlocks(**TINY, lengths="geometric")
    rates = [world.truth(2, budget=Budget(contexts=contexts, tokens=2, width=1.0)).rate for contexts in (4, 32, 256)]
    for wide, narrow in itertools.pairwise(rates):
        assert wide.low < narrow.low < narrow.high < wide.high and narrow.method == "certified interval"
    assert rates[-1].high - rates[-1].low < 1e-2


def test_sampled_rate_of_geometric_blocks_meets_the_certified_one():
    world = DirichletBlocks(vocabulary=2, block_length=5, lengths="geometric", concentration=0.3)
    sampled = world.truth(2, budget=Budget(contexts=16, tokens=2**16)).rate
    certified = world.truth(2, budget=Budget(contexts=2**11, width=1.0)).rate
    assert sampled.method == "Monte Carlo" and certified.method == "certified interval"
    assert sampled.low <= certified.high and certified.low <= sampled.high


def test_ages_that_are_not_summed_leave_an_interval(monkeypatch):
    world = DirichletBlocks(vocabulary=3, lengths="geometric", boundaries="announced")
    summed = world.truth(1).rate
    monkeypatch.setattr(_dirichlet, "MOST_DRAWS", 48)
    bounded = world.truth(1).rate
    assert summed.method == "enumeration" and bounded.method == "certified interval"
    assert bounded.low < summed.value < bounded.high and bounded.error < 1e-2


def test_rates_out_of_reach_are_absent_with_a_reason():
    for world in (InContextMarkov(vocabulary=32, order=2), InContextMarkov(vocabulary=3, concentration=0.01)):
        truth = world.truth(2)
        assert isinstance(truth.rate, Absent) and truth.rate.reason and truth.oracle == truth.rate
        assert isinstance(world.pair_law(1), Absent)


@pytest.mark.parametrize("world", [*HIDDEN[:1], CHAIN], ids=label)
def test_a_width_that_sampling_cannot_meet_is_refused(world):
    with pytest.raises(
        ValueError, match=r"width=1e-09.*(tokens=.*kept|apart, which longer windows|contexts would).*ask for"
    ):
        world.truth(5, budget=Budget(contexts=64, tokens=2**12, width=1e-9))


def test_the_price_of_a_width_is_what_it_takes():
    """Twice the quoted tokens leave room for what the margins of so few samples are off."""
    world, few = DirichletBlocks(vocabulary=2, block_length=5, lengths="geometric", concentration=0.3), 2**14
    rough = world.truth(2, budget=Budget(contexts=16, tokens=few)).rate
    width = rough.gap + (rough.width - rough.gap) / 3
    with pytest.raises(ValueError, match=r"Monte Carlo.*summing left .* contexts would be needed; sampling") as refusal:
        world.truth(2, budget=Budget(contexts=16, tokens=few, width=width))
    quoted = float(re.search(r"tokens=([0-9.e+]+)", str(refusal.value)).group(1))
    assert quoted == pytest.approx(9 * few, rel=0.02)
    assert world.truth(2, budget=Budget(contexts=16, tokens=int(2 * quoted), width=width)).rate.width <= width


# Liars


def test_laws_reject_an_urn_with_a_wrong_weight():
    world = Polya(vocabulary=3, weights=(2.0, 1.0, 0.5))
    wrong = Polya(vocabulary=3, weights=(2.0, 1.0, 0.6))
    with pytest.raises(AssertionError):
        check_window(world, np.asarray(samples(world, wrong.tables())[0]), 1)
    with pytest.raises(AssertionError):
        check_prediction(world, predicted(wrong, contexts(wrong)))
    with pytest.raises(AssertionError):
        check_curve(world, wrong.truth(5))


def test_laws_reject_an_urn_that_forgets():
    world = InContextMarkov(vocabulary=3, concentration=0.5)
    forgets = np.log(np.full((3**5, 5, 3), 1 / 3))
    with pytest.raises(AssertionError):
        check_prediction(world, forgets)
    with pytest.raises(AssertionError):
        check_window(world, np.asarray(samples(Polya(vocabulary=3, concentration=1e9))[0]), 1)


def test_laws_reject_boundaries_in_another_place():
    aligned, world = (
        DirichletBlocks(vocabulary=2, block_length=3, concentration=0.2, phase=phase)
        for phase in ("aligned", "uniform")
    )
    with pytest.raises(AssertionError):
        check_window(world, np.asarray(samples(aligned)[0]), 1)
    with pytest.raises(AssertionError):
        check_prediction(world, predicted(aligned, contexts(aligned)))
    with pytest.raises(AssertionError):
        check_rate(HIDDEN[0], exact_truth(HIDDEN[0]).oracle)
