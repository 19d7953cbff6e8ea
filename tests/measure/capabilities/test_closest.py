"""Law: the closest mixture is closest, and of equally close ones its weights are nearest to the prior."""

import numpy as np
import pytest
from scipy.optimize import nnls

from testbed.measure.capabilities._closest import weights

RNG = np.random.default_rng(0)
SHAPES = [(2, 2), (3, 8), (5, 5), (8, 3), (32, 16)]


def drawn(regimes, symbols, count=20, concentration=0.5):
    given_UKV = RNG.dirichlet(np.full(symbols, concentration), (count, regimes))
    return given_UKV, np.arange(count), RNG.dirichlet(np.full(regimes, 5.0))


def divergence(law_QV, weight_QK, given_QKV):
    mixed_QV = np.einsum("qk,qkv->qv", weight_QK, given_QKV)
    terms_QV = np.where(law_QV > 0, law_QV * np.log(np.where(law_QV > 0, law_QV, 1) / mixed_QV), 0)
    return terms_QV.sum(1)


def by_em(law_QV, given_QKV, prior_K, steps=20000):
    """The same optimum by a slow road: expectation and maximisation, one step after the other."""
    weight_QK = np.tile(prior_K, (len(law_QV), 1))
    for _ in range(steps):
        mixed_QV = np.einsum("qk,qkv->qv", weight_QK, given_QKV)
        weight_QK = weight_QK * np.einsum("qkv,qv->qk", given_QKV, law_QV / mixed_QV)
    return weight_QK


@pytest.mark.parametrize(("regimes", "symbols"), SHAPES)
def test_no_mixture_is_closer(regimes, symbols):
    given_UKV, context_Q, prior_K = drawn(regimes, symbols)
    law_QV = RNG.dirichlet(np.full(symbols, 0.7), len(context_Q))
    found_QK = weights(law_QV, given_UKV, context_Q, prior_K)
    assert (found_QK >= 0).all()
    np.testing.assert_allclose(found_QK.sum(1), 1, atol=1e-12)
    ratio_QV = law_QV / np.einsum("qk,qkv->qv", found_QK, given_UKV)
    slope_QK = np.einsum("qkv,qv->qk", given_UKV, ratio_QV)
    assert (slope_QK <= 1 + 1e-6).all(), "moving weight to no given law brings the mixture closer"
    assert (found_QK * (1 - slope_QK) < 1e-6).all(), "nor moving it away"


def test_it_is_what_a_slow_road_finds():
    given_UKV, context_Q, prior_K = drawn(3, 6)
    law_QV = RNG.dirichlet(np.full(6, 0.7), len(context_Q))
    found_QK = weights(law_QV, given_UKV, context_Q, prior_K)
    np.testing.assert_allclose(found_QK, by_em(law_QV, given_UKV, prior_K), atol=2e-4)


@pytest.mark.parametrize(("regimes", "symbols"), SHAPES)
def test_mixtures_are_taken_apart(regimes, symbols):
    given_UKV, context_Q, prior_K = drawn(regimes, symbols)
    planted_QK = RNG.dirichlet(np.full(regimes, 0.5), len(context_Q))
    law_QV = np.einsum("qk,qkv->qv", planted_QK, given_UKV)
    found_QK = weights(law_QV, given_UKV, context_Q, prior_K)
    assert divergence(law_QV, found_QK, given_UKV).max() < 1e-7
    if regimes <= symbols:
        assert np.abs(found_QK - planted_QK).max() < 1e-2, "some five laws are nearly dependent"
        assert np.median(np.abs(found_QK - planted_QK).max(1)) < 1e-4
    else:
        assert (np.log(found_QK) @ prior_K >= np.log(planted_QK) @ prior_K).all(), "the nearest to the prior"


def test_of_equally_close_mixtures_the_centre_is_taken():
    """At the centre, prior/weights is a combination of the given laws' probabilities; the liar is another mixture."""
    given_UKV, context_Q, prior_K = drawn(6, 3)
    law_QV = np.einsum("k,qkv->qv", RNG.dirichlet(np.ones(6)), given_UKV)
    found_QK = weights(law_QV, given_UKV, context_Q, prior_K)

    def off(weight_QK):
        pairs = zip(given_UKV, prior_K / weight_QK, strict=True)
        return [np.abs(g_KV @ np.linalg.lstsq(g_KV, r_K)[0] / r_K - 1).max() for g_KV, r_K in pairs]

    assert max(off(found_QK)) < 1e-4
    other_QK = np.stack([nnls(g_KV.T, law_V)[0] + 1e-9 for g_KV, law_V in zip(given_UKV, law_QV, strict=True)])
    assert min(off(other_QK)) > 0.1


@pytest.mark.parametrize(("regimes", "symbols"), SHAPES)
def test_the_mean_has_the_prior_and_a_given_law_itself(regimes, symbols):
    given_UKV, context_Q, prior_K = drawn(regimes, symbols)
    found_QK = weights(prior_K @ given_UKV, given_UKV, context_Q, prior_K)
    np.testing.assert_allclose(found_QK, np.tile(prior_K, (len(context_Q), 1)), atol=1e-12)
    sharp_UKV = np.where(np.eye(regimes, symbols)[None] > 0, 0.9, 0.1 / (symbols - 1)) * np.ones_like(given_UKV)
    if regimes <= symbols:
        found_QK = weights(sharp_UKV[:, 0], sharp_UKV, context_Q, prior_K)
        np.testing.assert_allclose(found_QK[:, 0], 1, atol=1e-3)


def test_what_all_laws_exclude_is_left_out():
    given_UKV = np.array([[[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]])
    prior_K, one_Q = np.array([0.25, 0.75]), np.array([0])
    law_QV = np.array([[0.3, 0.2, 0.5]])
    found_QK = weights(law_QV, given_UKV, one_Q, prior_K)
    without_QK = weights(np.array([[0.6, 0.4]]), given_UKV[:, :, :2], one_Q, prior_K)
    np.testing.assert_allclose(found_QK, without_QK, atol=1e-12)
    np.testing.assert_allclose(weights(np.array([[0.0, 0.0, 1.0]]), given_UKV, one_Q, prior_K)[0], prior_K)


def test_laws_that_exclude_what_others_allow_are_weighed():
    given_UKV, prior_K = np.array([[[1.0, 0.0], [0.0, 1.0]]]), np.array([0.5, 0.5])
    law_QV = np.array([[0.3, 0.7], [1.0, 0.0]])
    found_QK = weights(law_QV, given_UKV, np.array([0, 0]), prior_K)
    np.testing.assert_allclose(found_QK, law_QV, atol=1e-6)


def test_laws_that_are_the_same_share_by_the_prior():
    given_UKV = np.array([[[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]]])
    found_QK = weights(np.array([[0.9, 0.1]]), given_UKV, np.array([0]), np.array([0.2, 0.4, 0.4]))
    np.testing.assert_allclose(found_QK[0], [1 / 3, 2 / 3, 0], atol=1e-3)


def test_one_by_one_they_are_as_all_at_once():
    given_UKV, context_Q, prior_K = drawn(32, 16, count=300)
    law_QV = RNG.dirichlet(np.full(16, 0.7), 300)
    found_QK = weights(law_QV, given_UKV, context_Q, prior_K)
    alone_QK = [weights(law_QV[q : q + 1], given_UKV, context_Q[q : q + 1], prior_K)[0] for q in (0, 255, 256, 299)]
    np.testing.assert_allclose(found_QK[[0, 255, 256, 299]], alone_QK, atol=1e-9)
    assert weights(law_QV[:0], given_UKV, context_Q[:0], prior_K).shape == (0, 32)


@pytest.mark.parametrize("trial", range(40))
def test_nothing_upsets_it(trial):
    """Laws and predictions with all but vanishing and vanishing entries, laws twice, priors as uneven as can be."""
    rng = np.random.default_rng(trial)
    regimes, symbols = rng.integers(1, 40), rng.integers(2, 40)
    given_UKV = rng.dirichlet(np.full(symbols, 10 ** rng.uniform(-2, 1)), (5, regimes))
    if trial % 3 == 0:
        given_UKV = np.where(given_UKV < 1e-3, 0, given_UKV)
        given_UKV /= given_UKV.sum(-1, keepdims=True)
    given_UKV[:, -1] = given_UKV[:, 0]
    prior_K = rng.dirichlet(np.full(regimes, 10 ** rng.uniform(-1, 1)))
    context_Q = rng.integers(5, size=30)
    law_QV = rng.dirichlet(np.full(symbols, 10 ** rng.uniform(-2, 1)), 30)
    law_QV[:10] = given_UKV[context_Q[:10], 0]
    law_QV[10] = np.eye(symbols)[0]
    found_QK = weights(law_QV, given_UKV, context_Q, prior_K)
    possible_QV = np.where(given_UKV.any(1)[context_Q], law_QV, 0)
    told_Q = possible_QV.any(1)
    possible_QV = possible_QV[told_Q] / possible_QV[told_Q].sum(1, keepdims=True)
    mixed_QV = np.einsum("qk,qkv->qv", found_QK, given_UKV[context_Q])[told_Q]
    ratio_QV = np.divide(possible_QV, mixed_QV, out=np.zeros_like(possible_QV), where=possible_QV > 0)
    slope_QK = np.einsum("qkv,qv->qk", given_UKV[context_Q][told_Q], ratio_QV)
    assert (found_QK >= 0).all()
    assert (slope_QK < 1 + 1e-6).all()
    assert (found_QK[told_Q] * (1 - slope_QK) < 1e-6).all()
