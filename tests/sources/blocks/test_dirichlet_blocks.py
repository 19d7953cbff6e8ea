"""Blocks of resampled laws: boundaries, rates, and what is sampled."""

import itertools
import re

import jax
import numpy as np
import pytest

from testbed.laws import dirichlet_law
from testbed.sources import Absent, Budget, DirichletBlocks, InContextMarkov, Polya
from testbed.sources.dirichlet_blocks import entropies as block_entropies
from tests.sources.blocks.test_dirichlet import CHAIN
from tests.sources.families.block_stationary import POWER_LAW
from tests.sources.families.dirichlet_blocks import TINY
from tests.sources.test_predictive import check_prediction, contexts, predicted
from tests.sources.test_sampler import check_window
from tests.sources.test_truth import check_curve, check_rate
from tests.sources.worlds import COUNT, exact_truth, label, samples

HIDDEN = [
    DirichletBlocks(**TINY, lengths="geometric"),
    DirichletBlocks(**TINY, phase="uniform"),
    DirichletBlocks(**TINY, **POWER_LAW, longest=8),
]
LONG = [
    Polya(vocabulary=32, concentration=0.1),
    DirichletBlocks(vocabulary=32, lengths="geometric", concentration=0.1),
    DirichletBlocks(vocabulary=32, phase="uniform", concentration=0.1),
    DirichletBlocks(vocabulary=8, block_length=200, lengths="geometric", boundaries="announced"),
    InContextMarkov(vocabulary=16, concentration=0.1),
]


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
    guesses = [block_entropies._curve_of(world, 5, budget).mean(np.full(5, 0.2)) for budget in budgets]
    spread = np.std([guess.value for guess in guesses], ddof=1)
    stated = np.mean([guess.error for guess in guesses])
    assert 0.65 < spread / stated < 1.4  # chi-square on 59 degrees of freedom: beyond both ends 1e-4
    assert abs(np.mean([guess.value for guess in guesses]) - exact_truth(world).epsilon.value) < 4 * spread / 60**0.5


def test_a_control_with_its_mean_takes_spread_away():
    control = np.random.default_rng(0).normal(size=(1000, 1))
    noise = np.random.default_rng(1).normal(size=(1000, 1))
    corrected, slope = dirichlet_law.corrected(3 * control + 0.1 * noise, control, np.zeros(1))
    assert slope == pytest.approx(3, rel=0.01)
    assert corrected.std() == pytest.approx(0.1, rel=0.1) and abs(corrected.mean()) < 4 * 0.1 / 1000**0.5
    few = control[:31]
    np.testing.assert_array_equal(dirichlet_law.corrected(few, few, np.zeros(1))[0], few)


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
    monkeypatch.setattr(dirichlet_law, "MOST_DRAWS", 48)
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
    assert quoted == pytest.approx(9 * 1.1**2 * few, rel=0.02)
    assert world.truth(2, budget=Budget(contexts=16, tokens=int(2 * quoted), width=width)).rate.width <= width


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
