"""Crossed designs: closed forms, coverage with both kinds of noise, and the liar that forgets one of them."""

import numpy as np
import pytest

from testbed.stats.mean import difference, mean
from testbed.stats.moments import Block, contrast, joined, known, moments, smoothed, spread
from tests.stats.laws import covers

LEVEL = 0.9


def block(values_RB, factors=None):
    return Block(values_RB[..., None], factors or (tuple(range(len(values_RB))),))


def test_without_sequence_noise_a_block_is_students_mean_and_a_contrast_welch():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal(4), 2 * rng.standard_normal(5)
    flat = [block(np.repeat(values[:, None], 8, axis=1)) for values in (first, second)]
    one = contrast(moments(flat[:1]), np.ones(1), level=LEVEL)
    exact = mean(first, level=LEVEL)
    assert np.allclose((one.value, one.low, one.high), (exact.value, exact.low, exact.high))
    two = contrast(moments(flat), np.array([1.0, -1.0]), level=LEVEL)
    welch = difference(first, second, level=LEVEL)
    assert np.allclose((two.value, two.low, two.high), (welch.value, welch.low, welch.high))


def test_noise_shared_by_sequences_cancels_in_a_difference():
    rng = np.random.default_rng(1)
    shared_B = rng.standard_normal(50)
    seen = moments([block(shared_B + rng.standard_normal((3, 1)) * 1e-3) for _ in range(2)])
    assert spread(seen, np.array([1.0, 0.0]))[0] > 0.05
    assert spread(seen, np.array([1.0, -1.0]))[0] < 2e-3


def crossed(rng, forget=None):
    values_RB = rng.standard_normal((4, 1)) + 3 * rng.standard_normal((1, 32)) + rng.standard_normal((4, 32))
    found = moments([block(values_RB)])
    if forget is not None:
        keep = (found.block_F >= 0) != (forget == "replicates")
        found = found._replace(covariance_FQQ=found.covariance_FQQ[keep], freedom_F=found.freedom_F[keep])
    return contrast(found, np.ones(1), level=LEVEL), 0.0


def test_crossed_noise_is_covered_and_forgetting_either_kind_is_not():
    assert covers(crossed, level=LEVEL)
    for forgotten in ("replicates", "sequences"):
        assert not covers(lambda rng, which=forgotten: crossed(rng, which), level=LEVEL)


def seeds(rng, treat_as_independent):
    """Two draws crossed with three initialisations, each seed with an effect of its own."""
    draw, initialisation = np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)
    effects = rng.standard_normal(3)[draw] + rng.standard_normal(3)[initialisation] + 0.1 * rng.standard_normal(9)
    factors = (tuple(range(9)),) if treat_as_independent else (tuple(draw.tolist()), tuple(initialisation.tolist()))
    return contrast(moments([block(effects[:, None], factors)]), np.ones(1), level=LEVEL), 0.0


def test_crossed_seeds_are_covered_and_counting_them_as_independent_is_not():
    assert covers(lambda rng: seeds(rng, False), level=LEVEL)
    assert not covers(lambda rng: seeds(rng, True), level=LEVEL)


def test_one_replicate_has_unknown_noise_not_none():
    seen = moments([block(np.ones((1, 8))), block(np.arange(16.0).reshape(2, 8))])
    assert contrast(seen, np.array([1.0, 0.0]), level=LEVEL).high == np.inf
    assert contrast(seen, np.array([0.0, 1.0]), level=LEVEL).high < np.inf
    assert contrast(seen.transform(np.array([[1.0, -1.0]])), np.ones(1), level=LEVEL).low == -np.inf


def test_transform_and_join_keep_first_and_second_moments():
    seen = known(np.array([1.0, 2.0]), np.array([0.3, 0.4]), np.array([3.0, 5.0]))
    moved = seen.transform(np.array([[1.0, -1.0]]))
    assert np.allclose(moved.mean_Q, -1) and np.allclose(moved.covariance(), 0.25)
    both = joined(seen, moved)
    assert np.allclose(both.covariance(), np.diag([0.09, 0.16, 0.25])) and len(both.mean_Q) == 3


def test_smoothing_keeps_the_shared_noise_and_the_pooled_variation():
    rng = np.random.default_rng(2)
    scale = np.array([1.0, 10.0, 100.0])
    seen = moments([block(size * (1 + 0.1 * rng.standard_normal((400, 1))) * np.ones((1, 4))) for size in scale])
    assert np.allclose(np.sqrt(smoothed(seen).covariance().diagonal()), 0.1 * scale / 20, rtol=0.1)


def test_satterthwaite_lies_between_the_smallest_and_the_summed_freedom():
    _, freedom = spread(known(np.zeros(2), np.ones(2), np.array([3.0, 7.0])), np.ones(2))
    assert freedom == pytest.approx(4 / (1 / 3 + 1 / 7))
