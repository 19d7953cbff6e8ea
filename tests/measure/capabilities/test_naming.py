"""Law: of the Bayes prediction the closest mixture is the posterior, so that it names all that can be named."""

import numpy as np
import pytest

from testbed.measure.capabilities import asked
from testbed.sources import BlockStationary, Noisy
from tests.measure.capabilities.worlds import (
    BLOCKS,
    FLAT,
    FOREVER,
    GEOMETRIC,
    NOISY_FLAT,
    TOLD,
    means,
    questions,
    same,
    scored,
    windows,
)


def posterior(world, tokens_L, order):
    """The regimes after all tokens of a block, by Bayes' rule token by token."""
    log_K = np.log(world.regime_prior())
    for place, token in enumerate(tokens_L):
        later = order and place > 0
        log_K = log_K + np.log(world.components()[:, tokens_L[place - 1], token] if later else _alone(world, token))
    weight_K = np.exp(log_K - log_K.max())
    return weight_K / weight_K.sum()


def _alone(world, token):
    return world.stationary_laws()[:, token]


def oracle(world, exam, base=None):
    """Scores of the posteriors at each question, from the tokens of the block alone."""
    base = base or world
    shared = windows(world)
    latents = shared.latents.base if isinstance(world, Noisy) else shared.latents

    def weight_K(row, column):
        seen = int(exam.conditions[condition_of[row, column]])
        tokens_L = shared.tokens_BL[row, column - seen : column]
        return posterior(base, tokens_L, base.order)

    def right(row, column):
        return latents.regime[row] if world is FOREVER else latents.regime_L[row, column]

    condition_of = {(r, c): k for r, c, k in zip(*exam.questions[:3], strict=True)}
    sharp = lambda row, column: float(weight_K(row, column).argmax() == right(row, column))  # noqa: E731
    return scored(exam, sharp, lambda row, column: weight_K(row, column)[right(row, column)])


@pytest.mark.parametrize("world", [BLOCKS, FLAT, FOREVER], ids=["markov", "iid", "for ever"])
def test_bayes_scores_what_the_posterior_does(world):
    exam = questions("naming_regime", world)
    found, true = exam.scores(windows(world).logp_BLV), oracle(world, exam)
    assert same(found, true, atol=2e-3)
    for total, other in zip(found[1:], true[1:], strict=True):
        np.testing.assert_allclose(total.sum(0), other.sum(0), atol=0.01)


def test_the_nearest_single_law_is_the_liar():
    """It names fewer regimes than the posterior after few tokens: naming by it must be told from naming by weights."""
    world = BlockStationary()
    shared = windows(world, length=32, sequences=512)
    exam = asked("naming_regime", world, shared)
    rows_UKV, logp_QV = exam.questions.key.rows_UKV, shared.logp_BLV[exam.questions.row_Q, exam.questions.column_Q]
    given_QKV = rows_UKV[exam.questions.key.context_Q]
    nearest_Q = np.einsum("qv,qkv->qk", np.exp(logp_QV), np.log(given_QKV)).argmax(1)
    first_Q = exam.questions.condition_Q == 0
    hit_Q = (nearest_Q == exam.questions.key.right_Q)[first_Q]
    found = means(exam.scores(shared.logp_BLV))[0][0]
    assert found - hit_Q.mean() > 0.02
    share = (world.regime_prior()[:, None] * world.stationary_laws()).max(0).sum()
    assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / hit_Q.size), "what one token can name"


def test_an_announced_regime_is_named_at_once():
    for score_C in means(questions("naming_regime", TOLD).scores(windows(TOLD).logp_BLV)):
        np.testing.assert_allclose(score_C, 1, atol=1e-3)


def hidden_chain(world, tokens_L, t):
    """The law of the regime of token t, where blocks may end at each token, by the forward recursion."""
    prior_K, ends = world.regime_prior(), 1 / world.block_length
    state_K = prior_K
    for token in tokens_L[:t]:
        state_K = state_K * world.stationary_laws()[:, token]
        state_K = (1 - ends) * state_K / state_K.sum() + ends * prior_K
    return state_K


def test_where_a_block_may_end_the_weights_count_that_in():
    exam, shared = questions("naming_regime", GEOMETRIC), windows(GEOMETRIC)
    regime_BL = shared.latents.regime_L
    weight_K = lambda row, column: hidden_chain(GEOMETRIC, shared.tokens_BL[row], column)  # noqa: E731
    true = scored(
        exam,
        lambda row, column: float(weight_K(row, column).argmax() == regime_BL[row, column]),
        lambda row, column: weight_K(row, column)[regime_BL[row, column]],
    )
    assert same(exam.scores(shared.logp_BLV), true, atol=5e-3)


def test_questions_are_where_a_power_of_two_of_tokens_precede():
    exam, latents = questions("naming_regime", GEOMETRIC), windows(GEOMETRIC).latents
    assert exam.conditions == ("1", "2", "4", "8", "16")
    expected = set()
    for row, age_L in enumerate(latents.age_L):
        begin = 0
        for place, age in enumerate(age_L):
            begin = place if age == 0 else begin
            if place - begin in (1, 2, 4, 8, 16):
                expected.add((row, place, (place - begin).bit_length() - 1))
    assert expected == set(zip(*(each.tolist() for each in exam.questions[:3]), strict=True))


def test_under_noise_the_posterior_is_that_of_noisy_tokens():
    """For independent tokens noise makes other laws of the regimes; the clean ones are the liar."""
    sigma, shared = NOISY_FLAT.sigma, windows(NOISY_FLAT)
    laws_KV = (1 - sigma) * FLAT.stationary_laws() + sigma / 6
    blurred = BlockStationary(
        **{name: getattr(FLAT, name) for name in ("vocabulary", "regimes", "block_length", "order", "prior")},
        laws=tuple((tuple(law_V.tolist()),) for law_V in laws_KV),
    )
    exam = questions("naming_regime", NOISY_FLAT)
    found = exam.scores(shared.logp_BLV)
    assert same(found, oracle(NOISY_FLAT, exam, blurred), atol=5e-3)
    clean = exam.questions.key.rows_UKV
    liar = exam._replace(
        questions=exam.questions._replace(key=exam.questions.key._replace(rows_UKV=(clean - sigma / 6) / (1 - sigma)))
    )
    assert not same(liar.scores(shared.logp_BLV), found, atol=0.05)


@pytest.mark.parametrize("announced", [False, True])
def test_the_laws_after_a_noisy_token_are_those_of_the_joint_law(announced):
    """P(next noisy token | regime, last noisy token) by summing over both clean ones."""
    boundaries = "announced" if announced else "hidden"
    base = BlockStationary(vocabulary=3, regimes=2, block_length=4, boundaries=boundaries)
    world = Noisy(base=base, sigma=0.3)
    rows_UKV = questions("naming_regime", world).questions.key.rows_UKV
    size = base.alphabet
    noise_VV = 0.7 * np.eye(size) + 0.3 / size
    for regime in range(2):
        clean_VV = np.zeros((size, size))
        clean_VV[:3, :3] = base.stationary_laws()[regime][:, None] * base.components()[regime]
        joint_VV = noise_VV.T @ clean_VV @ noise_VV
        np.testing.assert_allclose(rows_UKV[:-1, regime], joint_VV / joint_VV.sum(1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(rows_UKV[-1] @ np.ones(size), 1)


def test_many_questions_are_spread_over_the_windows():
    world = BlockStationary(vocabulary=4, regimes=2, block_length=2, order=0)
    exam = asked("naming_regime", world, windows(world, length=16, sequences=400))
    row_Q = exam.questions.row_Q
    assert len(row_Q) == 1024
    assert np.ptp(np.bincount(row_Q, minlength=400)) <= 1


def test_a_regime_that_never_comes_is_no_answer():
    world = BlockStationary(vocabulary=4, regimes=3, block_length=4, prior=(0.5, 0.0, 0.5))
    exam = asked("naming_regime", world, windows(world, length=8))
    assert exam.questions.key.rows_UKV.shape[1] == 2
    assert set(exam.questions.key.right_Q.tolist()) == {0, 1}
    assert means(exam.chance())[1] == pytest.approx([0.5, 0.5])
