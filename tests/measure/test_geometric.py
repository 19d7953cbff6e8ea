"""The exact split: against sums in long hand, with all that a row may hold, and the arithmetic mean as liar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import log_softmax, rel_entr

from testbed.measure.geometric import contexts, decompose, divergence, normalised

CLOSES = 1e-12


def random_logs(rng, replicates=4, length=6, symbols=5, scale=2.0):
    star = log_softmax(scale * rng.standard_normal((length, symbols)), axis=-1)
    return star, log_softmax(scale * rng.standard_normal((replicates, length, symbols)), axis=-1)


def long_hand(log_star, log_p, mean):
    """The two parts about a mean of the replicates, by scipy's own divergence."""
    star, p = np.exp(log_star), np.exp(log_p)
    bar = mean(p)
    bar /= bar.sum(-1, keepdims=True)
    center = rel_entr(star, bar).sum(-1)
    spread = np.mean([rel_entr(bar, q).sum(-1) for q in p], axis=0)
    whole = np.mean([rel_entr(star, q).sum(-1) for q in p], axis=0)
    return whole, center, spread


@given(hnp.arrays(np.float64, (3, 4, 5), elements=st.floats(-30, 30)), st.integers(0, 2**31))
def test_the_identity_closes_in_every_context(logits, seed):
    star, _ = random_logs(np.random.default_rng(seed), length=4)
    assert contexts(star, log_softmax(logits, axis=-1)).closure_L.max() < CLOSES


def test_against_long_hand_and_the_arithmetic_mean_does_not_close():
    star, p = random_logs(np.random.default_rng(0))
    whole, center, spread = long_hand(star, p, lambda p: np.exp(np.log(p).mean(0)))
    found = contexts(star, p)
    assert np.allclose(found.center_L, center) and np.allclose(found.spread_L, spread)
    assert np.abs(whole - center - spread).max() < CLOSES
    whole, center, spread = long_hand(star, p, lambda p: p.mean(0))
    assert np.abs(whole - center - spread).min() > 1e-3


def test_impossible_symbols_count_as_nothing():
    star, p = random_logs(np.random.default_rng(1))
    star[:, 0] = -np.inf
    found = contexts(normalise(star), p)
    assert np.isfinite(found.center_L).all() and found.closure_L.max() < CLOSES


def normalise(log):
    return log - np.log(np.exp(log).sum(-1, keepdims=True))


def test_single_precision_is_closed_by_normalising_in_double():
    rng = np.random.default_rng(2)
    pairs = [random_logs(rng, scale=5.0) for _ in range(3)]
    found = decompose((star.astype(np.float32), p.astype(np.float32)) for star, p in pairs)
    assert found.closure < CLOSES
    assert abs(found.mean_kl - found.center - found.spread) < CLOSES


def test_logits_are_refused():
    with pytest.raises(ValueError, match="log_softmax"):
        normalised(np.ones((2, 3)))


def test_a_replicate_without_full_support_is_refused():
    star, p = random_logs(np.random.default_rng(6))
    p[0, 0, 0] = -np.inf
    with pytest.raises(ValueError, match="smooth"):
        contexts(star, normalise(p))


def test_averages_are_over_all_contexts_and_do_not_depend_on_the_cut():
    star, p = random_logs(np.random.default_rng(3), length=6)
    whole = decompose([(star, p)])
    halves = decompose([(star[:4], p[:, :4]), (star[4:], p[:, 4:])])
    assert np.isclose(whole.center, halves.center) and np.isclose(whole.center_se, halves.center_se)
    assert np.isclose(whole.spread_jackknife, halves.spread_jackknife)


def test_one_replicate_has_no_spread_and_no_error():
    star, p = random_logs(np.random.default_rng(4), replicates=1)
    found = decompose([(star, p)])
    assert (
        found.center == pytest.approx(found.mean_kl) and found.spread == pytest.approx(0) and found.center_se == np.inf
    )


def test_no_sequences_are_refused():
    with pytest.raises(ValueError, match="one pair"):
        decompose([])


def test_the_jackknife_removes_the_bias_of_few_replicates():
    rng = np.random.default_rng(5)
    logits = np.array([[0.5, 0.0, -0.5, 0.2]])
    star = np.log(np.full((1, 4), 0.25))
    truth = float(divergence(np.exp(star), star, log_softmax(logits, axis=-1))[0])
    drawn = [
        decompose([(star, log_softmax(logits + 0.5 * rng.standard_normal((4, 1, 4)), axis=-1))]) for _ in range(800)
    ]
    plain = np.array([found.center for found in drawn])
    freed = np.array([found.center_jackknife for found in drawn])
    error = freed.std() / np.sqrt(len(freed))
    assert abs(freed.mean() - truth) < 4 * error < abs(plain.mean() - truth)
    assert np.mean([found.center_se**2 for found in drawn]) == pytest.approx(freed.var(), rel=0.25)


def test_divergence_of_a_certain_law():
    assert divergence(np.array([[1.0, 0.0]]), np.array([[0.0, -np.inf]]), np.log([[0.25, 0.75]]))[0] == pytest.approx(
        np.log(4)
    )
