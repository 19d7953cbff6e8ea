"""Counting against the Dirichlet-multinomial law in closed form, its redundancy, and numbers from elsewhere."""

import numpy as np
import pytest
from scipy.special import betaln, gammaln

from testbed.predictors import Counting
from tests.predictors.shelf import counting_loss, predicted, strings, surprise


def log_dirichlet_multinomial(counts_V, pseudo_count):
    """The log-probability of one string with these counts."""
    counts_V, whole = np.asarray(counts_V), pseudo_count * len(counts_V)
    each_V = gammaln(counts_V + pseudo_count) - gammaln(pseudo_count)
    return float(gammaln(whole) - gammaln(counts_V.sum() + whole) + each_V.sum())


def following(tokens, order, alphabet):
    """The counts of what followed each context of ``order`` tokens."""
    found = {}
    for t in range(order, len(tokens)):
        found.setdefault(tuple(tokens[t - order : t]), [0] * alphabet)[tokens[t]] += 1
    return found


def check_closed_form(predict, order, pseudo_count, alphabet):
    for tokens_L in np.random.default_rng(0).integers(0, alphabet, (3, 200)).tolist():
        laws = following(tokens_L, order, alphabet).values()
        wanted = order * np.log(alphabet) - sum(log_dirichlet_multinomial(counts, pseudo_count) for counts in laws)
        assert surprise(predict, tokens_L, alphabet) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("order", "pseudo_count"), [(0, 0.5), (0, 0.01), (1, 0.5), (2, 1.0), (5, 0.5)])
@pytest.mark.parametrize("alphabet", [2, 26])
def test_a_sequence_has_the_dirichlet_multinomial_law_of_each_context(order, pseudo_count, alphabet):
    check_closed_form(Counting(order=order, pseudo_count=pseudo_count), order, pseudo_count, alphabet)


def test_another_pseudo_count_or_order_is_noticed():
    for liar in (Counting(order=1, pseudo_count=0.505), Counting(order=2)):
        with pytest.raises(AssertionError):
            check_closed_form(liar, 1, 0.5, 3)


def test_the_laplace_rule():
    logq_LV = predicted(Counting(pseudo_count=1.0), [[0, 0, 1, 0]], 2)[0]
    np.testing.assert_allclose(np.exp(logq_LV[:, 0]), [1 / 2, 2 / 3, 3 / 4, 3 / 5], rtol=1e-14)


def test_contexts_longer_than_the_window_are_predicted_uniformly():
    logq_BLV = predicted(Counting(order=7), strings(2, 4), 2)
    np.testing.assert_allclose(logq_BLV, -np.log(2), atol=1e-15)


def bayes_loss(length):
    """−Σ P(x) log q(x) of KT under a uniform draw from Beta(½, ½), by the sum over the number of ones."""
    ones_B = np.arange(length + 1)
    sorted_BL = (np.arange(length) < ones_B[:, None]).astype(np.int32)
    logq_BLV = predicted(Counting(), sorted_BL, 2)
    logq_B = np.take_along_axis(logq_BLV, sorted_BL[..., None], 2).sum((1, 2))
    choices_B = gammaln(length + 1) - gammaln(ones_B + 1) - gammaln(length - ones_B + 1)
    weight_B = np.exp(choices_B + betaln(ones_B + 0.5, length - ones_B + 0.5) - betaln(0.5, 0.5))
    return float(-weight_B @ logq_B)


@pytest.mark.parametrize(("length", "wanted"), [(64, 1.872204), (256, 2.531298), (1024, 3.207834)])
def test_the_bayes_redundancy_of_kt(length, wanted):
    """The oracle's loss is E h(θ) = 2 ln 2 − 1 per token."""
    assert bayes_loss(length) - length * (2 * np.log(2) - 1) == pytest.approx(wanted, abs=6e-7)


@pytest.mark.parametrize(("length", "wanted"), [(16, 0.464414), (32, 0.434875)])
def test_the_bayes_loss_of_blocks_that_are_announced(length, wanted):
    assert bayes_loss(length) / length == pytest.approx(wanted, abs=6e-7)


def hindsight(counts_V):
    """The loss of the best law in hindsight."""
    counts_V = np.asarray(counts_V, float)
    return -sum(n * np.log(n / counts_V.sum()) for n in counts_V if n)


def redundancy_holds(predict, tokens, order, alphabet):
    laws = following(tokens, order, alphabet).values()
    best = sum(hindsight(counts) for counts in laws)
    price = sum((alphabet - 1) / 2 * np.log(sum(counts)) + np.log(alphabet) for counts in laws)
    return surprise(predict, tokens, alphabet) <= best + price + order * np.log(alphabet) + 1e-9


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("alphabet", [2, 3, 7])
def test_the_redundancy_is_within_its_bound(alphabet, order):
    rng = np.random.default_rng(2)
    for concentration in (0.01, 0.3, 3.0):
        for tokens_L in rng.choice(alphabet, (4, 128), p=rng.dirichlet([concentration] * alphabet)).tolist():
            assert redundancy_holds(Counting(order=order), tokens_L, order, alphabet)


def test_the_bound_is_met_by_every_composition_and_broken_by_laplace():
    """Order 0: the loss depends on the counts alone, so that all counts of n ≤ 8 over three symbols are all strings."""
    for n in range(1, 9):
        for first in range(n + 1):
            for second in range(n - first + 1):
                counts = (first, second, n - first - second)
                price = np.log(n) + np.log(3)
                assert -log_dirichlet_multinomial(counts, 0.5) <= hindsight(counts) + price + 1e-12
    assert not redundancy_holds(Counting(pseudo_count=1.0), [0] * 4096, 0, 3)


def test_counting_step_by_step():
    tokens_L = np.random.default_rng(3).integers(0, 4, 60).tolist()
    contexts = [tuple(tokens_L[t - 2 : t]) if t >= 2 else ("beginning", t) for t in range(60)]
    wanted = counting_loss(contexts, tokens_L, 4)
    assert surprise(Counting(order=2), tokens_L, 4) == pytest.approx(wanted, rel=1e-13)
