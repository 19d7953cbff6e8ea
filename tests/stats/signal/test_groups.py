"""Signal over noise across contexts: unbiased and covered whatever hangs together within sequences; naively neither."""

import numpy as np
import pytest

from testbed.stats.combine import logarithm
from testbed.stats.identified import NoInformation
from testbed.stats.signal.groups import across_contexts, spread
from tests.stats.laws import repeated
from tests.stats.signal.planted import contexts

LEVEL = 0.95
SIMULATIONS = 400
WORLDS = {
    "few sequences": (24, {"groups": 2}),
    "unequal groups": (60, {"groups": 4}),
    "eight groups": (100, {"groups": 8, "shared": 0.9}),
    "independent positions": (100, {"groups": 4, "shared": 0.0}),
    "one group a sequence": (150, {"groups": 4, "block": 64}),
}


def seen(world, snr, simulations=SIMULATIONS):
    sequences, options = WORLDS[world]
    rng = np.random.default_rng(len(world))
    return repeated(
        lambda: across_contexts(*contexts(rng, sequences, snr=snr, **options), level=LEVEL).reading, simulations
    )


def off(values, truth):
    """By how many standard errors of the simulation a mean misses the truth."""
    return abs(np.mean(values) - truth) / (np.std(values) / np.sqrt(len(values)))


@pytest.mark.parametrize("snr", [0.01, 0.3, 100.0])
@pytest.mark.parametrize("world", WORLDS)
def test_signal_and_noise_are_unbiased_and_the_ratio_is_covered(world, snr):
    found = seen(world, snr)
    assert off([each.signal for each in found], snr) < 2.5 and off([each.noise for each in found], 1.0) < 2.5
    covered = np.mean([each.snr.low <= snr <= each.snr.high for each in found])
    assert abs(covered - LEVEL) <= 0.035, covered


def test_the_naive_ratio_is_a_liar():
    found = seen("eight groups", 0.01)
    assert np.mean([each.naive for each in found]) > 0.015
    assert off([each.naive for each in found], 0.01) > 20


def as_if_independent(count_BG, sum_BGM, square_BG):
    """The liar: noise of group means as that within groups over the number of positions, of independent positions."""
    total_G, mean_GM = count_BG.sum(0), sum_BGM.sum(0) / count_BG.sum(0)[:, None]
    within_G = square_BG.sum(0) / total_G - np.sum(mean_GM**2, axis=1)
    share_G = total_G / total_G.sum()
    error_GG = np.diag(within_G / total_G)
    pair_GG = np.outer(share_G, share_G)
    return float(spread(mean_GM @ mean_GM.T - error_GG, pair_GG))


def test_positions_taken_as_independent_are_a_liar():
    rng = np.random.default_rng(1)
    found = repeated(lambda: as_if_independent(*contexts(rng, 100, snr=0.01, groups=8, shared=0.9)), SIMULATIONS)
    assert off(found, 0.01) > 20


def test_intervals_that_reach_zero_leave_the_logarithm_open():
    found = seen("few sequences", 0.0, 100)
    assert np.mean([each.snr.low < 0 < each.snr.high for each in found]) > 0.9
    above = next(each for each in found if each.snr.value > 0 > each.snr.low)
    assert logarithm(above.snr).low == -np.inf and np.isfinite(above.log_error)
    below = next(each for each in found if each.snr.value < 0)
    assert below.log_error == np.inf


def test_neither_origin_nor_unit_nor_turning_changes_a_ratio():
    count, sums, squares = contexts(np.random.default_rng(2), 40, snr=1.0)
    one = across_contexts(count, sums, squares, level=LEVEL).reading
    away = np.array([3.0, -2.0, 7.0, 0.5])
    moved = squares + 2 * sums @ away + count * (away @ away)
    other = across_contexts(count, 4 * (sums + count[..., None] * away), 16 * moved, level=LEVEL).reading
    turned = across_contexts(count[:, ::-1], sums[:, ::-1, ::-1], squares[:, ::-1], level=LEVEL).reading
    for found in (other, turned):
        assert [found.snr.low, found.snr.value, found.snr.high] == pytest.approx(
            [one.snr.low, one.snr.value, one.snr.high], rel=1e-9
        )
    assert other.signal == pytest.approx(16 * one.signal)


def test_a_group_of_one_sequence_is_dropped_and_told():
    count, sums, squares = contexts(np.random.default_rng(3), 40, snr=1.0, groups=2)
    rare = np.zeros((40, 1))
    rare[5] = 4.0
    with_rare = (
        np.hstack([count, rare]),
        np.concatenate([sums, np.tile(9 * rare[..., None], 4)], 1),
        np.hstack([squares, 400 * rare]),
    )
    one = across_contexts(count, sums, squares, level=LEVEL)
    other = across_contexts(*with_rare, level=LEVEL)
    assert other.told_G.tolist() == [True, True, False] and other.reading == one.reading
    assert other.dropped_share == pytest.approx(4 / (40 * 64 + 4)) and one.dropped_share == 0


def test_given_weights_are_those_of_the_groups():
    rng = np.random.default_rng(4)
    weight_G, found = np.array([1.0, 1.0]), []
    for _ in range(300):
        found.append(across_contexts(*contexts(rng, 60, snr=1.0, groups=2), weight_G=weight_G, level=LEVEL).reading)
    truth = 0.25 / (2 / 9)  # both groups of weight ½, where shares are 2/3 and 1/3
    assert off([each.signal for each in found], truth) < 2.5
    assert abs(np.mean([each.snr.low <= truth <= each.snr.high for each in found]) - LEVEL) <= 0.035


@pytest.mark.parametrize(
    ("changed", "refusal", "words"),
    [
        (lambda c, s, q: (c[:2], s[:2], q[:2]), NoInformation, "more sequences"),
        (lambda c, s, q: (c[:, :1], s[:, :1], q[:, :1]), NoInformation, "two groups"),
        (lambda c, s, q: (c, c[..., None], c), NoInformation, "origin"),
        (lambda c, s, q: (c, s, q / 9), ValueError, "squared sum"),
        (lambda c, s, q: (-c, s, q), ValueError, "below 0"),
    ],
)
def test_what_tells_nothing_is_a_sentence(changed, refusal, words):
    sums = contexts(np.random.default_rng(5), 12, snr=1.0, groups=2)
    with pytest.raises(refusal, match=words):
        across_contexts(*changed(*sums), level=LEVEL)
