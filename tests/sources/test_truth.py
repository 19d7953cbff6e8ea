"""Laws of the truth: against enumeration by other code, against each other, and against liars."""

import itertools

import msgspec
import numpy as np
import pytest

from testbed.sources import Absent, BlockStationary, Budget, Noisy
from testbed.sources.noisy import entropies as noise_entropies
from tests.laws.enumeration import block_entropy
from tests.sources.families.block_stationary import TINY, joint_by_first_regime
from tests.sources.worlds import (
    SHORT,
    WORLDS,
    every_world,
    exact_truth,
    label,
    oracle_bounds,
    rate_bounds,
    reference_curve,
    samples,
)

ROUGH = Budget(contexts=1, tokens=2**15, seed=5)
ALL_BLOCKS = [
    BlockStationary(**TINY, lengths=lengths, phase=phase, boundaries=boundaries)
    for lengths, phase, boundaries in itertools.product(
        ("fixed", "geometric"), ("aligned", "uniform"), ("hidden", "announced")
    )
]


def check_curve(world, truth):
    values = np.array([quantity.value for quantity in truth.curve])
    reference = reference_curve(world, truth.length)
    errors = np.array([quantity.error for quantity in truth.curve])
    assert (errors < 1e-10).all() and all(quantity.method != "Monte Carlo" for quantity in truth.curve)
    np.testing.assert_allclose(values, reference, atol=1e-10)
    np.testing.assert_allclose(truth.epsilon.value, reference.mean(), atol=1e-10)


def check_order(world, truth):
    if isinstance(truth.rate, Absent):
        return
    if not isinstance(truth.oracle, Absent):
        assert truth.oracle.low <= truth.rate.high
    if world.stationary:
        assert all(truth.rate.low <= quantity.high for quantity in truth.curve)
        pairs = itertools.pairwise(truth.curve)
        assert all(later.low <= earlier.high for earlier, later in pairs), "h_t of a stationary source cannot rise"


@every_world
def test_curve_and_epsilon_equal_the_enumeration(world):
    check_curve(world, exact_truth(world))


@every_world
def test_oracle_below_rate_below_curve(world):
    check_order(world, exact_truth(world))


@every_world
def test_intervals_hold_their_values(world):
    truth = exact_truth(world)
    for quantity in (*truth.curve, truth.epsilon, truth.rate, truth.oracle):
        if isinstance(quantity, Absent):
            assert quantity.reason
            continue
        assert quantity.low <= quantity.value <= quantity.high and quantity.error >= 0


def check_between(quantity, bounds):
    """A quantity against two numbers that it lies between, None where it is not offered."""
    assert isinstance(quantity, Absent) == (bounds is None)
    if bounds is not None:
        low, high = bounds
        assert quantity.low <= quantity.value <= quantity.high
        assert low - 1e-10 <= quantity.high and quantity.low <= high + 1e-10


def check_rate(world, rate):
    check_between(rate, rate_bounds(world))


def check_oracle(world, oracle):
    check_between(oracle, oracle_bounds(world))


@every_world
def test_rate_agrees_with_enumeration(world):
    check_rate(world, exact_truth(world).rate)


@every_world
def test_oracle_is_what_the_latents_leave_uncertain(world):
    check_oracle(world, exact_truth(world).oracle)


def test_oracle_of_noise_on_aligned_blocks_is_that_of_the_long_run():
    world = Noisy(base=BlockStationary(**TINY), sigma=0.3)
    check_oracle(world, noise_entropies._oracle(world))


@pytest.mark.parametrize("base", [each for each in WORLDS if not isinstance(each.machine(), Absent)], ids=label)
def test_oracle_without_noise_is_that_of_the_base(base):
    clean, known = Noisy(base=base, sigma=0.0).informed(), exact_truth(base).oracle
    if isinstance(known, Absent):
        assert clean == known
        return
    found = block_entropy(clean.weight_S[:, None] * clean.rows_SV) - block_entropy(clean.weight_S)
    assert found == pytest.approx(known.value, abs=1e-12)


def test_certified_interval_lies_within_the_enumerated_one():
    world = BlockStationary(**TINY, lengths="geometric", phase="uniform")
    rate = exact_truth(world).rate
    with_regime = joint_by_first_regime(world, SHORT + 1)
    low = block_entropy(with_regime) - block_entropy(with_regime.sum(-1))
    assert rate.method == "certified interval"
    assert low - 1e-10 <= rate.low <= rate.high <= reference_curve(world, SHORT)[-1] + 1e-10
    assert rate.high - rate.low < 1e-4


@pytest.mark.parametrize("world", ALL_BLOCKS, ids=label)
def test_oracle_is_the_surprise_of_one_who_knows_the_latents(world):
    tokens_BL, latents = samples(msgspec.structs.replace(world, phase="uniform"))
    tokens_BL, regime_BL, age_BL = (np.asarray(each) for each in (tokens_BL, latents.regime_L, latents.age_L))
    laws, start = world.components(), world.stationary_laws()
    token, previous, regime = tokens_BL[:, 1:], tokens_BL[:, :-1], regime_BL[:, 1:]
    announcer, fresh = token >= 2, (previous >= 2) | (age_BL[:, 1:] == 0)
    own = np.minimum(token, 1)
    probability = np.where(fresh, start[regime, own], laws[regime, np.minimum(previous, 1), own])
    surprise_B = -np.log(np.where(announcer, 1, probability)).mean(1)
    margin = 4 * surprise_B.std() / np.sqrt(len(surprise_B))
    assert abs(surprise_B.mean() - exact_truth(world).oracle.value) < margin


@pytest.mark.parametrize("world", ALL_BLOCKS, ids=label)
def test_monte_carlo_agrees_with_enumeration(world):
    exact, rough = exact_truth(world), world.truth(SHORT, budget=ROUGH)
    for known, guess in zip((*exact.curve, exact.epsilon), (*rough.curve, rough.epsilon), strict=True):
        assert abs(known.value - guess.value) <= 4 * guess.error + 1e-10
    margin = 2 * rough.rate.error
    assert rough.rate.low - margin <= exact.rate.high and exact.rate.low <= rough.rate.high + margin


def test_standard_error_of_epsilon_is_honest():
    world = BlockStationary(**TINY, phase="uniform", boundaries="announced")
    guesses = [world.truth(SHORT, budget=Budget(contexts=1, tokens=2**11, seed=seed)).epsilon for seed in range(60)]
    spread = np.std([guess.value for guess in guesses], ddof=1)
    stated = np.mean([guess.error for guess in guesses])
    assert 0.65 < spread / stated < 1.4  # chi-square on 59 degrees of freedom: beyond both ends 1e-4


def test_default_world_meets_its_budget():
    truth = BlockStationary().truth(64, budget=Budget(tokens=2**18))
    assert truth.epsilon.error <= 5e-4 * np.sqrt(8)  # the default budget is eight times this one
    check_order(BlockStationary(), truth)
    assert [quantity.method for quantity in truth.curve[:4]] == ["enumeration"] * 4
    # A change here means that the world of the main experiment is no longer the same, or its entropy is wrong.
    assert truth.curve[0].value == pytest.approx(3.4390, abs=5e-5)
    assert truth.oracle.value == pytest.approx(2.2011407850, abs=5e-11)
    assert truth.epsilon.value == pytest.approx(2.28780, abs=5 * truth.epsilon.error)
