"""Sums over lags: closed forms, fundamental matrices, enumeration, simulated chains and blocks, with liars."""

import itertools

import numpy as np
import pytest
from scipy.special import zeta

from testbed.laws.record import Absent, Mixing
from testbed.sources.iid import Iid
from testbed.theory import lags
from testbed.theory.regimes import blocks_covariance
from tests.theory import tokens
from tests.theory.worlds import Blocks, chain, stationary, two_states

SIGN = np.array([[1.0], [-1.0]])
ROWS = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.5, 0.25, 0.25]])


def fundamental(rows_VV, features_VM):
    """The long-run covariance from the inverse of I − P + 1π, without any lag."""
    law_V = stationary(rows_VV)
    centred_VM = features_VM - law_V @ features_VM
    solved_VM = np.linalg.solve(np.eye(len(law_V)) - rows_VV + law_V[None], centred_VM)
    ahead_MM = (law_V[:, None] * centred_VM).T @ solved_VM
    return ahead_MM + ahead_MM.T - (law_V[:, None] * centred_VM).T @ centred_VM


def variance_by_enumeration(rows_VV, features_VM, length):
    law_V, total, square = stationary(rows_VV), 0.0, 0.0
    for word in itertools.product(range(len(law_V)), repeat=length):
        chance = law_V[word[0]] * np.prod([rows_VV[pair] for pair in itertools.pairwise(word)])
        mean_M = features_VM[list(word)].mean(0)
        total, square = total + chance * mean_M, square + chance * np.outer(mean_M, mean_M)
    return length * (square - np.outer(total, total))


def scripted(correlations, claimed):
    """Signs whose correlations at the lags 1, 2, … are given, with whatever mixing they claim."""
    return Blocks(prior=np.full(2, 0.5), laws=np.eye(2), together=(1.0, *correlations), claimed=claimed)


@pytest.mark.parametrize("eigenvalue", [-0.5, 0.0, 0.5, 0.8, 0.95])
def test_two_states_have_the_closed_form(eigenvalue):
    found = lags.long_run(two_states(eigenvalue), SIGN, tolerance=1e-6)
    truth = (1 + eigenvalue) / (1 - eigenvalue)
    assert abs(found.covariance_MM.item() - truth) <= found.error + 1e-12
    assert found.error <= 1e-6


@pytest.mark.parametrize("eigenvalue", [0.5, 0.95])
def test_the_error_bounds_what_was_left_out_of_a_short_sum(eigenvalue):
    for most in (0, 1, 3, 10, 20):
        found = lags.long_run(two_states(eigenvalue), SIGN, most=most)
        assert found.lags == most
        missing = abs(found.covariance_MM.item() - (1 + eigenvalue) / (1 - eigenvalue))
        assert 0 < missing <= found.error * (1 + 1e-9) < 3 * missing


def test_forgetting_the_lags_is_caught():
    found = lags.long_run(two_states(0.5), SIGN, most=0)
    assert abs(found.covariance_MM.item() - 3) > 1 and found.error > 1


@pytest.mark.parametrize("seed", range(4))
def test_chains_agree_with_the_fundamental_matrix(seed):
    rng = np.random.default_rng(seed)
    rows_VV, features_VM = rng.dirichlet(np.full(5, 0.4), size=5), rng.standard_normal((5, 3)) + 10
    found = lags.long_run(chain(rows_VV), features_VM)
    np.testing.assert_allclose(found.covariance_MM, fundamental(rows_VV, features_VM), atol=found.error + 1e-10)


def test_windows_agree_with_enumeration():
    features_VM = np.array([[1.0, 0.0], [-2.0, 1.0], [0.5, 3.0]])
    lengths = (7, 1, 2, 3)
    for length, found in zip(lengths, lags.windows(chain(ROWS), features_VM, lengths), strict=True):
        truth = variance_by_enumeration(ROWS, features_VM, length)
        np.testing.assert_allclose(found.covariance_MM, truth, atol=1e-12)
        assert found.error == 0.0


def test_long_windows_stop_early_and_tend_to_the_long_run():
    features_VM = np.array([[1.0], [-2.0], [0.5]])
    (window,) = lags.windows(chain(ROWS), features_VM, [10**7])
    whole = lags.long_run(chain(ROWS), features_VM)
    assert window.lags < 200 and 0 < window.error < 1e-9
    np.testing.assert_allclose(window.covariance_MM, whole.covariance_MM, rtol=1e-6)


def test_a_simulated_chain_agrees_at_finite_length():
    rng = np.random.default_rng(0)
    rows_VV, length = np.array([[0.9, 0.1], [0.1, 0.9]]), 64
    drawn_RL = tokens.markov(rng, rows_VV, np.full(2, 0.5), (6000, length))
    measured = tokens.spread(SIGN[drawn_RL].mean(1), length)
    (window,) = lags.windows(two_states(0.8), SIGN, [length])
    assert tokens.agrees(window.covariance_MM.item(), measured)
    assert not tokens.agrees(1.0, measured)  # the liar: lag 0 alone
    assert not tokens.agrees(9.0, measured)  # and the limit, which 64 tokens have not reached


PRIOR = np.array([0.5, 0.3, 0.2])
LAWS = np.array([[0.7, 0.1, 0.1, 0.1], [0.05, 0.15, 0.2, 0.6], [0.1, 0.6, 0.25, 0.05]])


def hidden_blocks():
    together = tuple((1 - np.arange(6) / 6).tolist())
    return Blocks(prior=PRIOR, laws=LAWS, together=together, claimed=Mixing(decay="finite", value=5.0))


def test_the_lag_sum_of_hidden_blocks_is_their_closed_form():
    features_VM = np.random.default_rng(1).standard_normal((4, 2))
    found = lags.long_run(hidden_blocks(), features_VM)
    truth = blocks_covariance(features_VM, PRIOR, LAWS, block_length=6)
    np.testing.assert_allclose(found.covariance_MM, truth, atol=1e-12)
    assert found.error == 0.0 and found.lags == 5
    oracle = blocks_covariance(features_VM, PRIOR, LAWS, block_length=0)  # the liar: regimes taken as known
    assert np.trace(truth) > 1.5 * np.trace(oracle)


@pytest.mark.parametrize("length", [24, 27])
def test_simulated_blocks_agree_with_both_phases(length):
    rng, features_VM = np.random.default_rng(length), np.array([[1.0], [0.0], [-1.0], [2.0]])
    start_R = rng.integers(0, 6, size=20000)
    aligned_RL = np.zeros((20000, 1), dtype=int) + np.arange(length) // 6
    met_RL = (np.arange(length)[None] + start_R[:, None]) // 6
    (met,) = lags.windows(hidden_blocks(), features_VM, [length])
    aligned = blocks_covariance(features_VM, PRIOR, LAWS, block_length=6, length=length)
    oracle = blocks_covariance(features_VM, PRIOR, LAWS, block_length=0).item()
    for block_RL, truth in ((aligned_RL, aligned), (met_RL, met.covariance_MM)):
        measured = tokens.spread(features_VM[tokens.regimes(rng, PRIOR, LAWS, block_RL)].mean(1), length)
        assert tokens.agrees(truth.item(), measured)
        assert not tokens.agrees(oracle, measured)


def lasting(lag_T, tail, scale):
    """P(two tokens lie in one block), for blocks with P(length > s) = (1 + s/c)^−α."""
    return zeta(tail, scale + lag_T) / zeta(tail, scale)


def test_power_law_blocks_fall_with_the_tail_index():
    tail, scale, lengths = 1.5, 4.0, tuple(2**power for power in range(8, 13))
    mixing = Mixing(decay="power law", value=tail - 1)
    source = scripted(lasting(np.arange(1, lengths[-1]), tail, scale).tolist(), mixing)
    found = lags.windows(source, SIGN, lengths)
    spread_N = np.array([each.covariance_MM.item() / n for n, each in zip(lengths, found, strict=True)])
    slope_N = np.diff(np.log(spread_N)) / np.log(2)
    # What is left after the leading term falls as n^−½, so that two slopes tell the limit.
    limit = (2**0.5 * slope_N[-1] - slope_N[-2]) / (2**0.5 - 1)
    assert abs(limit + 0.5) < 0.002 and (np.diff(slope_N) < 0).all()
    assert lags.long_run(source, SIGN, most=100).error == np.inf


def test_simulated_power_law_blocks_agree_with_the_window():
    rng, tail, scale, length = np.random.default_rng(3), 1.5, 4.0, 128
    survival_S = (1 + np.arange(200_000) / scale) ** -tail
    met_S = np.cumsum(survival_S) / (zeta(tail, scale) * scale**tail)  # law of the tokens before in the first block
    age_R = np.searchsorted(met_S, rng.random(10_000))
    mean_R1 = np.empty((len(age_R), 1))
    for replicate, age in enumerate(age_R):
        # Given its age, a block lasts beyond s with the ratio of the survivals; the others are drawn afresh.
        ends = [np.ceil((scale + age) * rng.random() ** (-1 / tail)) - scale - age]
        while ends[-1] < length:
            ends.append(ends[-1] + np.ceil(scale * (rng.random() ** (-1 / tail) - 1)))
        sizes = np.diff(np.minimum(ends, length), prepend=0)
        mean_R1[replicate] = rng.choice([-1.0, 1.0], size=len(sizes)) @ sizes / length
    source = scripted(lasting(np.arange(1, length), tail, scale).tolist(), Mixing(decay="power law", value=0.5))
    (window,) = lags.windows(source, SIGN, [length])
    assert tokens.agrees(window.covariance_MM.item(), tokens.spread(mean_R1, length))


def test_summable_power_laws_are_bounded():
    exponent = 2.5
    correlations = (0.5 * np.arange(1.0, 20_000) ** -exponent).tolist()
    source = scripted(correlations, Mixing(decay="power law", value=exponent))
    for most in (10, 100, 1000):
        found = lags.long_run(source, SIGN, most=most)
        missing = 1 + zeta(exponent) - found.covariance_MM.item()
        assert 0 < missing < found.error < 3 * missing


def test_nothing_is_left_out_unless_mixing_allows():
    late = [0.0] * 30 + [0.4]
    for claimed in (None, Mixing(decay="finite", value=31.0), Mixing(decay="never", value=1.0)):
        source = scripted(late, claimed)
        (window,) = lags.windows(source, SIGN, [100])
        np.testing.assert_allclose(window.covariance_MM.item(), 1 + 0.8 * (1 - 0.31), rtol=1e-12)
    assert lags.long_run(scripted(late, None), SIGN, most=5).error == np.inf
    assert lags.long_run(scripted(late, Mixing(decay="geometric", value=0.9)), SIGN).covariance_MM.item() > 1.79


def test_requests_without_sense_are_refused():
    with pytest.raises(ValueError, match="give positive lengths"):
        lags.windows(two_states(0.5), SIGN, [0])
    with pytest.raises(ValueError, match="give positive lengths"):
        lags.windows(two_states(0.5), SIGN, [])

    class Silent(Iid, tag="silent", frozen=True, kw_only=True):
        def pair_law(self, lag):
            return Absent("too large")

    with pytest.raises(ValueError, match="too large"):
        lags.marginal(Silent(vocabulary=2))
