"""Intervals of means of bounded samples: against exact quantiles, on skewed laws, and against liars."""

import msgspec
import numpy as np
import pytest
from scipy.stats import binom

from testbed.laws import record
from testbed.laws.entropies import bounded, monte_carlo
from testbed.laws.entropies.monte_carlo import FEWEST, Span
from testbed.laws.machines import mixed_states
from testbed.sources import Absent, Budget, HiddenMarkov, InContextMarkov, Mixture, Noisy, Quantity
from testbed.sources._wrapped import Wrapper
from testbed.sources.iid import Iid
from testbed.sources.noisy import entropies
from tests.sources.worlds import SHORT, WORLDS, exact_truth, label

UNIT = Span(0.0, 1.0)
COLUMNS, SEEDS = 2000, 30
SKEWED = {
    "rare": (lambda draw, size: (draw.random(size) < 0.02) * 1.0, 0.02),
    "rarely not": (lambda draw, size: (draw.random(size) > 0.03) * 1.0, 0.97),
    "near both ends": (lambda draw, size: draw.beta(0.05, 0.45, size), 0.1),
    "a long tail": (lambda draw, size: draw.random(size) ** 30, 1 / 31),
    "a bell": (lambda draw, size: draw.beta(20, 30, size), 0.4),
}


def normal(samples_BL, span):
    """A liar: the normal interval from two rows."""
    mean_L, error_L = samples_BL[:2].mean(0), samples_BL[:2].std(0, ddof=1) / 2**0.5
    ends = zip(mean_L.tolist(), (1.96 * error_L).tolist(), strict=True)
    return tuple(Quantity(value=m, low=m - w, high=m + w, method="Monte Carlo", error=w / 2) for m, w in ends)


def student(samples_BL, span):
    """A liar where samples are skewed: Student's interval alone."""
    mean_L, error_L = samples_BL.mean(0), samples_BL.std(0, ddof=1) / len(samples_BL) ** 0.5
    ends = zip(mean_L.tolist(), (2.045 * error_L).tolist(), strict=True)
    return tuple(Quantity(value=m, low=m - w, high=m + w, method="Monte Carlo", error=w / 2) for m, w in ends)


def check_coverage(misses, trials):
    """At most as many misses as 5 % give, but for one case in ten thousand."""
    assert misses <= binom.ppf(1 - 1e-4, trials, 0.05)


# ------------------------------------------------------------------------------------------------- planted samples


@pytest.mark.parametrize("name", SKEWED)
def test_intervals_cover_at_the_least_number_of_rows(name):
    draw, mean = SKEWED[name]
    samples_BL = draw(np.random.default_rng(0), (FEWEST, COLUMNS))
    found = monte_carlo.means(samples_BL, UNIT)
    check_coverage(sum(not each.low <= mean <= each.high for each in found), COLUMNS)
    assert all(0 <= each.low <= each.value <= each.high <= 1 for each in found)
    with pytest.raises(AssertionError):
        check_coverage(sum(not each.low <= mean <= each.high for each in normal(samples_BL, UNIT)), COLUMNS)


@pytest.mark.parametrize("name", ["rare", "near both ends", "a long tail"])
def test_student_alone_does_not_cover_skewed_samples(name):
    draw, mean = SKEWED[name]
    samples_BL = draw(np.random.default_rng(0), (FEWEST, COLUMNS))
    with pytest.raises(AssertionError):
        check_coverage(sum(not each.low <= mean <= each.high for each in student(samples_BL, UNIT)), COLUMNS)


def test_what_never_varied_may_still_vary():
    """With B equal samples the weight of the end has the law Beta(1, B)."""
    for rows in (FEWEST, 1000):
        found = monte_carlo.mean(np.full(rows, 0.25), UNIT)
        share = 1 - 0.025 ** (1 / rows)
        assert found.high == pytest.approx(0.25 + 0.75 * share, rel=2e-3)
        assert found.low == pytest.approx(0.25 - 0.25 * share, rel=2e-3) and found.error == 0


def test_ends_are_quantiles_of_weighted_means():
    draw = np.random.default_rng(1)
    weights_NB = draw.dirichlet(np.ones(FEWEST + 1), 200_000)
    for samples_B in (draw.random(FEWEST), draw.beta(0.1, 0.9, FEWEST), (draw.random(FEWEST) < 0.1) * 1.0):
        exact = float(np.quantile(weights_NB @ np.append(samples_B, 1.0), 0.975))
        found = monte_carlo._upper(samples_B[:, None], np.ones(1))[0]
        assert found - samples_B.mean() == pytest.approx(exact - samples_B.mean(), rel=0.02)


def test_of_many_samples_the_interval_is_the_normal_one():
    samples_B = np.random.default_rng(2).beta(2, 3, 200_000)
    found = monte_carlo.mean(samples_B, UNIT)
    assert found.error == pytest.approx(samples_B.std() / 200_000**0.5, rel=1e-4)
    assert 1 <= found.width / (2 * 1.96 * found.error) < 1.02
    assert monte_carlo.expected(float(samples_B.std()), 200_000, UNIT) == pytest.approx(found.width, rel=0.02)


def test_columns_have_ends_of_their_own():
    samples_BL = np.random.default_rng(3).random((FEWEST, 2)) * [1.0, 5.0]
    both = monte_carlo.means(samples_BL, Span(np.array([0.0, -1.0]), np.array([1.0, 6.0])))
    for column, span in enumerate((Span(0.0, 1.0), Span(-1.0, 6.0))):
        alone = monte_carlo.mean(samples_BL[:, column], span)
        assert both[column].low == pytest.approx(alone.low) and both[column].high == pytest.approx(alone.high)


def test_too_few_samples_have_no_interval():
    with pytest.raises(ValueError, match=r"29 samples: an interval takes at least 30; draw more"):
        monte_carlo.mean(np.zeros(29), UNIT)
    assert monte_carlo.count(10**6, 2**20) == FEWEST and monte_carlo.count(2**21, 2**6) == 2**15


# ----------------------------------------------------------------------------------------------------- real worlds


def sampled(truth):
    return [each for each in (*truth.curve, truth.epsilon, truth.rate) if getattr(each, "method", "") == "Monte Carlo"]


def first_that_samples():
    """One example of each family whose truth is sampled where no context may be visited, wrappers of one left out."""
    found = {}
    for world in WORLDS:
        if (
            type(world) not in found
            and not isinstance(world, Wrapper)
            and sampled(world.truth(SHORT, budget=Budget(contexts=1, tokens=1)))
        ):
            found[type(world)] = world
    return list(found.values())


def pairs(exact, rough):
    """What is known and what was sampled of epsilon, the last position and the rate."""
    for known, guess in ((getattr(exact, name), getattr(rough, name)) for name in ("epsilon", "rate")):
        if isinstance(known, Quantity) and guess.method == "Monte Carlo":
            yield known, guess
    yield exact.curve[-1], rough.curve[-1]


def misses_of(world, exact):
    """How often epsilon, the last position or the rate is missed, and how often that was possible."""
    missed = trials = 0
    for seed in range(SEEDS):
        rough = world.truth(SHORT, budget=Budget(contexts=1, tokens=1, seed=seed))
        for known, guess in pairs(exact, rough):
            assert guess.low <= guess.value <= guess.high
            trials += 1
            missed += guess.high < known.low or known.high < guess.low
    return missed, trials


def test_intervals_of_every_family_that_samples_cover(monkeypatch):
    worlds = first_that_samples()
    names = {type(world).__name__ for world in worlds}
    known = "BlockStationary CopySpans DirichletBlocks Grammar InContextMarkov Mixture OneRegime"
    assert names == set(known.split())
    for world in worlds:
        check_coverage(*misses_of(world, exact_truth(world)))
    monkeypatch.setattr(monte_carlo, "means", normal)
    monkeypatch.setattr(bounded, "within", lambda found, low, high: found)
    lied = [misses_of(world, exact_truth(world)) for world in worlds if isinstance(world, InContextMarkov | Mixture)]
    for missed in lied:
        with pytest.raises(AssertionError):
            check_coverage(*missed)


def test_intervals_of_machines_and_of_noise_cover(monkeypatch):
    """The chain is known exactly; made to be sampled, by limits on what is summed, it is covered."""
    chain, noisy = HiddenMarkov(process="leaky_rrxor"), Noisy(base=HiddenMarkov(process="mess3"), sigma=0.2)
    exact = {world: world.truth(SHORT) for world in (chain, noisy)}
    monkeypatch.setattr(entropies, "SMALL_EDGES", 0)
    monkeypatch.setattr(mixed_states, "LARGEST_NUMBERS", 8)
    check_coverage(*misses_of(noisy, exact[noisy]))
    missed = 0
    for seed in range(SEEDS):
        rate = chain.truth(SHORT, budget=Budget(contexts=1, tokens=2**12, seed=seed)).rate
        assert rate.method == "Monte Carlo"
        missed += rate.high < exact[chain].rate.low or exact[chain].rate.high < rate.low
    check_coverage(missed, SEEDS)


# ----------------------------------------------------------------------------------------------- what is certain


@pytest.mark.parametrize("world", [each for each in WORLDS if each.stationary][::6], ids=label)
def test_sampled_entropies_of_stationary_worlds_keep_to_what_is_certain(world):
    truth = world.truth(SHORT, budget=Budget(contexts=1, tokens=1))
    floor, ceiling = bounded.least(truth.rate, truth.oracle), np.log(world.alphabet)
    for each in truth.curve:
        if each.method != "Monte Carlo":
            ceiling = min(ceiling, each.high)
            continue
        assert floor <= each.low <= each.value <= each.high <= ceiling + 1e-12
    if truth.epsilon.method == "Monte Carlo":
        assert floor <= truth.epsilon.low <= truth.epsilon.value <= truth.epsilon.high <= np.log(world.alphabet)


def test_long_windows_are_sampled_from_thirty_rows_and_stay_above_the_rate():
    """Two rows of such a window once gave an interval that ended below the rate, and below 0."""
    world = InContextMarkov(vocabulary=2, concentration=0.3)
    truth = world.truth(2**10, budget=Budget(contexts=2**8, tokens=2**11))
    assert truth.rate.low <= truth.epsilon.low <= truth.epsilon.value <= truth.epsilon.high <= truth.curve[0].high


def test_samples_that_contradict_what_is_certain_are_overruled():
    rough = Quantity(value=0.1, low=0.0, high=0.2, method="Monte Carlo", error=0.05)
    assert bounded.within(rough, 0.0, 1.0) is rough
    cut = bounded.within(rough, 0.15, 1.0)
    assert (cut.value, cut.low, cut.high, cut.error) == (0.15, 0.15, 0.2, 0.05)
    outside = bounded.within(rough, 0.5, 0.6)
    assert (outside.value, outside.low, outside.high) == (0.5, 0.5, 0.6)
    exact = record.rounded(0.1, 1)
    assert bounded.within(exact, 0.5, 0.6) is exact
    assert bounded.least(Absent("none"), rough, exact) == exact.low


def test_a_rate_is_within_its_bracket_and_above_what_is_certain():
    low, high = (Quantity(value=v, low=v - 0.1, high=v + 0.1, method="Monte Carlo", error=0.05) for v in (0.4, 0.5))
    found = record.between(low, high, least=0.35)
    assert (found.low, found.high) == (0.35, 0.6) and found.error == pytest.approx(0.125)
    moved = record.moved(low, 1.0, times=0.5)
    assert (moved.value, moved.low, moved.error) == pytest.approx((1.2, 1.15, 0.025))


def test_a_seed_chooses_the_samples():
    world = Mixture(parts=(Iid(vocabulary=2, weights=(0.9, 0.1)), Iid(vocabulary=2)))
    budgets = [Budget(contexts=1, tokens=1, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (world.truth(SHORT, budget=budget).epsilon for budget in budgets)
    assert first == again and first.value != other.value
    for seed in (-1, 2**32):
        with pytest.raises(ValueError, match=rf"seed={seed}: it must lie between 0 and 2\^32 - 1"):
            msgspec.structs.replace(Budget(), seed=seed)
