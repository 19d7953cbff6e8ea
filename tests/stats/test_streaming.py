"""Sums over a stream: the moments of all vectors at once, and errors that cover."""

import numpy as np
import pytest

from testbed.stats.decay import variance_error
from testbed.stats.streaming import Sums, sums, total, variance, variance_within


def vectors(seed, count=500, width=3, away=0.0):
    rng = np.random.default_rng(seed)
    return away + rng.standard_t(8, size=(count, width)) @ rng.standard_normal((width, width))


@pytest.mark.parametrize("away", [0.0, 100.0])
def test_a_stream_has_the_moments_of_its_vectors(away):
    x = vectors(0, away=away)
    found = sums(x, x[0])
    np.testing.assert_allclose(found.mean_M, x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance_MM(), np.cov(x, rowvar=False), rtol=1e-10)
    np.testing.assert_allclose(variance(found), variance_error(x), rtol=1e-9)


def test_streams_with_different_centres_add_up():
    x = vectors(1)
    parts = [sums(x[:100], x[3]), sums(x[100:130], np.zeros(3)), sums(x[130:], x[-1])]
    whole = total(parts)
    assert whole.vectors == len(x)
    np.testing.assert_allclose(variance(whole), variance_error(x), rtol=1e-9)
    liar = Sums(parts[0].centre_M, np.sum([part.second_WW for part in parts], axis=0))  # as if all had one centre
    assert abs(variance(liar)[0] / variance_error(x)[0] - 1) > 0.01


def test_a_change_of_centre_changes_nothing():
    x = vectors(2)
    one = sums(x, x.mean(0))
    np.testing.assert_allclose(one.about(x[0]).second_WW, sums(x, x[0]).second_WW, rtol=1e-9, atol=1e-7)


def test_the_spread_within_groups_is_their_mean_spread():
    rng = np.random.default_rng(3)
    group_S = rng.integers(0, 3, 600)
    x = vectors(3, 600) * (1 + group_S[:, None]) + 10 * group_S[:, None]
    groups = [sums(x[group_S == q], np.full(3, 10.0 * q)) for q in range(3)]
    direct = sum(np.mean(group_S == q) * np.trace(np.cov(x[group_S == q], rowvar=False)) for q in range(3))
    assert variance_within(groups)[0] == pytest.approx(direct, rel=1e-9)
    assert variance(total(groups))[0] > 2 * direct  # the groups' means are far apart


def within(rng, forget=False):
    """Spread within three groups of different sizes and spreads; the liar forgets that frequencies are drawn."""
    share, scale = np.array([0.6, 0.3, 0.1]), np.array([1.0, 2.0, 6.0])
    group_S = rng.choice(3, p=share, size=500)
    x = rng.standard_normal((500, 2)) * scale[group_S, None] + 5 * group_S[:, None]
    groups = [sums(x[group_S == q], np.full(2, 5.0 * q)) for q in range(3)]
    value, error = variance_within(groups)
    if forget:
        error = float(np.sqrt(sum((len(x[group_S == q]) / 500 * variance(groups[q])[1]) ** 2 for q in range(3))))
    return abs(value - 2 * share @ scale**2) < 1.96 * error


def test_the_error_within_groups_covers_and_forgetting_the_frequencies_does_not():
    rng = np.random.default_rng(4)
    honest = np.mean([within(rng) for _ in range(1500)])
    forgetful = np.mean([within(rng, forget=True) for _ in range(1500)])
    assert 0.92 < honest < 0.97 and forgetful < 0.86


def test_groups_too_small_to_have_a_spread_are_left_out_and_none_is_refused():
    x = vectors(5)
    lone = sums(x[:2], np.zeros(3))
    assert variance_within([sums(x, np.zeros(3)), lone])[0] == pytest.approx(variance_error(x)[0])
    with pytest.raises(ValueError, match="no group holds 3 vectors; observe more"):
        variance_within([lone])
    with pytest.raises(ValueError, match="2 vectors give no error"):
        variance(lone)
