"""Hidden states of several trainings show their signal once they are aligned, and on contexts of their own only."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from testbed.stats.signal.aligned import aligned, rotations
from testbed.stats.signal.trainings import across_trainings, products

LEVEL = 0.95


def off(values, truth):
    return abs(np.mean(values) - truth) / (np.std(values) / np.sqrt(len(values)))


def states(rng, trainings, contexts, snr, width=12):
    """Hidden states of one signal, with noise of its own in each training and context, and a turn of its own."""
    signal_NM = np.sqrt(snr / width) * rng.standard_normal((contexts, width))
    h_RNM = signal_NM + rng.standard_normal((trainings, contexts, width)) / np.sqrt(width)
    turns = ortho_group.rvs(width, size=trainings, random_state=rng)
    return h_RNM @ turns + rng.standard_normal((trainings, 1, width))


def snr_of(h_RNM):
    h_BRLM = h_RNM.reshape(len(h_RNM), -1, 10, h_RNM.shape[2]).swapaxes(0, 1)
    return across_trainings(np.stack([products(f_RLM) for f_RLM in h_BRLM]), [range(len(h_RNM))], level=LEVEL).snr


def test_turned_states_show_their_signal_once_aligned_on_other_contexts():
    rng = np.random.default_rng(4)
    made = [states(rng, 4, 1200, 2.0) for _ in range(60)]
    found = [snr_of(aligned(h[:, :1000], h[:, 1000:])) for h in made]
    assert np.mean([each.low <= 2.0 <= each.high for each in found]) >= 0.88
    assert np.mean([each.value for each in found]) == pytest.approx(2.0, rel=0.05)
    assert np.mean([snr_of(h[:, 1000:] - h[:, 1000:].mean(1, keepdims=True)).value for h in made]) < 0.3


def test_alignment_read_where_it_was_fitted_is_a_liar():
    rng = np.random.default_rng(5)
    apart, same = [], []
    for _ in range(60):
        h_RNM = states(rng, 4, 80, 0.0)
        apart.append(snr_of(aligned(h_RNM[:, :40], h_RNM[:, 40:])).value)
        same.append(snr_of(aligned(h_RNM[:, 40:], h_RNM[:, 40:])).value)
    assert off(apart, 0.0) < 3 and off(same, 0.0) > 10 and np.mean(same) > 0.2


def test_rotations_are_orthogonal_and_find_planted_turns():
    rng = np.random.default_rng(6)
    h_RNM = rng.standard_normal((50, 5)) @ ortho_group.rvs(5, size=3, random_state=rng)
    turn_RMM = rotations(h_RNM)
    np.testing.assert_allclose(turn_RMM @ turn_RMM.swapaxes(1, 2), np.tile(np.eye(5), (3, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(h_RNM @ turn_RMM, np.tile(h_RNM[0] @ turn_RMM[0], (3, 1, 1)), atol=1e-9)
