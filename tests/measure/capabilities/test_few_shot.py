"""Law: what is learned in context is measured between who counts symbols and who counts transitions."""

import itertools

import jax
import numpy as np
import pytest

from testbed.measure.capabilities import asked
from testbed.predictors import Counting
from testbed.sources import InContextMarkov
from tests.measure.capabilities.worlds import CHAINS, means, questions, same, scored, windows

SECOND = InContextMarkov(vocabulary=2, order=2, concentration=0.7)


def counting(world, order):
    """The predictor of the shelf that counts with the world's pseudo-count, at every position of the windows."""
    learner = Counting(order=order, pseudo_count=world.concentration)
    with jax.enable_x64(True):
        predict = jax.vmap(lambda tokens_L: learner.log_predictive(tokens_L, world.alphabet))
        return np.asarray(predict(windows(world).tokens_BL))


@pytest.mark.parametrize("world", [CHAINS, SECOND], ids=["order 1", "order 2"])
def test_who_counts_symbols_is_at_chance_and_who_counts_transitions_is_bayes(world):
    exam = questions("few_shot", world)
    plain, bayes = exam.scores(counting(world, 0)), exam.scores(windows(world).logp_BLV)
    assert same(plain, exam.chance(), atol=1e-9)
    np.testing.assert_allclose(plain.smooth_BC, 0, atol=1e-9)
    assert same(exam.scores(counting(world, world.order)), bayes, atol=1e-9)
    np.testing.assert_allclose(means(bayes)[0], 1)
    np.testing.assert_allclose(means(bayes)[1], 1)
    liar = exam.scores(counting(world, 3 - world.order))
    assert (means(liar)[1] < 0.9).all(), "counts of another order close less"


def test_scores_are_those_of_slow_counting():
    exam, shared = questions("few_shot", CHAINS), windows(CHAINS)
    predicted_BLV = counting(CHAINS, 1) * 0.5 + counting(CHAINS, 2) * 0.5
    predicted_BLV = predicted_BLV - np.logaddexp.reduce(predicted_BLV, axis=2, keepdims=True)

    def laws(row, column):
        tokens_L = shared.tokens_BL[row, :column].tolist()
        pairs = [after for before, after in itertools.pairwise(tokens_L) if before == tokens_L[-1]]
        own_V, all_V = (np.bincount(seen, minlength=3) + 0.4 for seen in (pairs, tokens_L))
        return own_V / own_V.sum(), all_V / all_V.sum(), np.exp(predicted_BLV[row, column])

    def gained(row, column, bayes=False):
        bayes_V, plain_V, predicted_V = laws(row, column)
        return float((bayes_V * np.log((bayes_V if bayes else predicted_V) / plain_V)).sum())

    places = list(zip(*exam.questions[:3], strict=True))
    gap_C = [np.mean([gained(r, c, bayes=True) for r, c, of in places if of == at]) for at in range(5)]
    condition_of = {(r, c): of for r, c, of in places}

    def smooth(row, column):
        return gained(row, column) / gap_C[condition_of[row, column]]

    def sharp(row, column):
        bayes_V, _, predicted_V = laws(row, column)
        top_V = predicted_V > predicted_V.max() - 1e-9
        return (top_V & (bayes_V > bayes_V.max() - 1e-9)).sum() / top_V.sum()

    assert same(exam.scores(predicted_BLV), scored(exam, sharp, smooth), atol=1e-9)


def test_conditions_are_the_transitions_seen():
    exam, shared = questions("few_shot", CHAINS), windows(CHAINS)
    assert exam.conditions == ("1", "2-3", "4-7", "8-15", "16")
    expected = set()
    for row, tokens_L in enumerate(shared.tokens_BL.tolist()):
        for place in range(1, len(tokens_L)):
            seen = tokens_L[: place - 1].count(tokens_L[place - 1])
            expected |= {(row, place, seen.bit_length() - 1)} if seen else set()
    assert expected == set(zip(*(each.tolist() for each in exam.questions[:3]), strict=True))


def test_half_of_the_gap_is_half_of_the_score():
    """Where a prediction is Bayes' on half of the windows and the plain reader's on the others."""
    exam, shared = questions("few_shot", CHAINS), windows(CHAINS)
    mixed_BLV = counting(CHAINS, 0).copy()
    mixed_BLV[::2] = shared.logp_BLV[::2]
    bayes, found = exam.scores(shared.logp_BLV), exam.scores(mixed_BLV)
    np.testing.assert_allclose(found.smooth_BC[::2], bayes.smooth_BC[::2])
    np.testing.assert_allclose(found.smooth_BC[1::2], 0, atol=1e-9)


def test_nothing_scores_more_than_bayes_not_even_who_has_peeked():
    """Here the truth is the Bayes law itself: one who knows the next token is as wrong as one who does not."""
    exam, shared = questions("few_shot", CHAINS), windows(CHAINS)
    peeked_BLV = np.logaddexp(shared.logp_BLV, np.log(np.eye(3)[shared.tokens_BL] + 1e-300)) - np.log(2)
    bayes, peeked = exam.scores(shared.logp_BLV), exam.scores(peeked_BLV)
    assert (peeked.smooth_BC <= bayes.smooth_BC + 1e-12).all()
    assert (means(peeked)[1] < 0.5).all()


def test_a_prediction_that_excludes_a_symbol_is_endlessly_far():
    exam, shared = questions("few_shot", CHAINS), windows(CHAINS)
    with np.errstate(divide="ignore"):
        sure_BLV = np.broadcast_to(np.log([1.0, 0.0, 0.0]), shared.logp_BLV.shape)
    assert (exam.scores(sure_BLV).smooth_BC[:, 1] <= 0).all()
    assert np.isneginf(exam.scores(sure_BLV).smooth_BC).any()


def test_a_window_of_two_tokens_asks_nothing():
    shared = windows(CHAINS, length=2, sequences=3)
    found = asked("few_shot", CHAINS, shared)
    assert found.conditions == ()
    assert found.scores(shared.logp_BLV).count_BC.shape == found.chance().smooth_BC.shape == (3, 0)
