"""Signal over noise across trainings: unbiased, covered from three trainings on, split by factor, and only once aligned."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from testbed.stats.crossed import crossed
from testbed.stats.identified import NoInformation
from testbed.stats.signal.aligned import aligned, rotations
from testbed.stats.signal.split import split
from testbed.stats.signal.trainings import across_trainings, products
from tests.stats.laws import repeated
from tests.stats.signal.planted import effects, functions, gram

LEVEL = 0.95
SIMULATIONS = 400


def off(values, truth):
    return abs(np.mean(values) - truth) / (np.std(values) / np.sqrt(len(values)))


def seen(trainings, snr, directions, simulations=SIMULATIONS):
    rng = np.random.default_rng(trainings + directions)
    factors = [range(trainings)]

    def one():
        made = gram(functions(rng, trainings, snr=snr, directions=directions))
        return across_trainings(made, factors, level=LEVEL)

    return repeated(one, simulations)


@pytest.mark.parametrize("snr", [0.01, 0.3, 10.0, 100.0])
@pytest.mark.parametrize("directions", [1, 8, 300])
@pytest.mark.parametrize("trainings", [3, 4, 8, 16])
def test_signal_and_noise_are_unbiased_and_the_ratio_is_covered(trainings, directions, snr):
    found = seen(trainings, snr, directions)
    assert off([each.signal for each in found], snr) < 3 and off([each.noise for each in found], 1.0) < 3
    covered = np.mean([each.snr.low <= snr <= each.snr.high for each in found])
    assert covered >= LEVEL - 0.03, covered
    assert trainings < 8 or snr < 10 or covered <= LEVEL + 0.035, covered


def test_the_naive_ratio_is_a_liar():
    found = seen(4, 0.01, 300)
    assert np.mean([each.naive for each in found]) > 0.25 and off([each.signal for each in found], 0.01) < 3


def test_errors_without_students_t_are_a_liar():
    """Two standard errors either way, as if three trainings told their own scatter."""
    found = seen(3, 10.0, 300)
    half = np.array([1.96 * each.log_error for each in found])
    log = np.log([each.snr.value for each in found])
    assert np.mean(np.abs(log - np.log(10.0)) <= half) < LEVEL - 0.05


def labels(draws, starts):
    at = np.indices((draws, starts)).reshape(2, -1)
    return at.tolist()


@pytest.mark.parametrize("snr", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("parts", [(0.0, 0.0, 1.0), (0.3, 0.0, 0.7), (0.4, 0.4, 0.2)])
@pytest.mark.parametrize(("draws", "starts"), [(3, 3), (6, 4)])
def test_crossed_trainings_are_unbiased_and_covered(draws, starts, parts, snr):
    rng = np.random.default_rng(1)

    def one():
        made = gram(effects(rng, draws, starts, parts, snr=snr, directions=8))
        return across_trainings(made, labels(draws, starts), level=LEVEL)

    found = repeated(one, 200)
    assert off([each.signal for each in found], snr) < 3 and off([each.noise for each in found], 1.0) < 3
    assert np.mean([each.snr.low <= snr <= each.snr.high for each in found]) >= LEVEL - 0.03


def test_crossed_trainings_taken_as_independent_are_a_liar():
    """Trainings that share a draw share its noise, which then passes for signal."""
    rng = np.random.default_rng(2)

    def one():
        made = gram(effects(rng, 4, 4, (0.5, 0.5, 0.0), snr=0.01, directions=8))
        return across_trainings(made, [range(16)], level=LEVEL).signal

    assert off(repeated(one, 200), 0.01) > 10


@pytest.mark.parametrize("directions", [1, 4, 100])
@pytest.mark.parametrize("parts", [(0.0, 0.0, 1.0), (0.4, 0.4, 0.2)])
@pytest.mark.parametrize(("draws", "starts"), [(3, 3), (6, 4)])
def test_the_split_of_functions_is_unbiased_and_covered(draws, starts, parts, directions):
    rng = np.random.default_rng(directions)

    def one():
        return split(gram(effects(rng, draws, starts, parts, snr=1.0, directions=directions)), draws, starts, level=LEVEL)

    found = repeated(one, SIMULATIONS)
    for part, truth in enumerate(parts):
        assert off([each[part].value for each in found], truth) < 3
        covered = np.mean([each[part].low <= truth <= each[part].high for each in found])
        assert covered >= LEVEL - 0.03, covered
        assert directions > 1 or covered <= LEVEL + 0.03, covered


def test_the_split_of_one_number_is_that_of_numbers():
    y_AI = np.random.default_rng(3).standard_normal((4, 3))
    made = np.tile(np.outer(y_AI.ravel(), y_AI.ravel()), (5, 1, 1))
    numbers, functions_ = crossed(y_AI, level=LEVEL), split(made, 4, 3, level=LEVEL)
    for mine, its in zip(functions_, numbers[1:4], strict=True):
        assert mine.value == pytest.approx(its.value) and mine.low <= its.value <= mine.high


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


@pytest.mark.parametrize(
    ("made", "factors", "refusal", "words"),
    [
        (np.ones((4, 3, 3)), [range(3)], NoInformation, "copies"),
        (np.tile(np.eye(2), (4, 1, 1)), [range(2)], NoInformation, "3 or more"),
        (np.eye(4)[None], [range(4)], NoInformation, "1 sequences"),
        (np.tile(np.eye(4), (4, 1, 1)), [range(3)], ValueError, "as many"),
        (np.tile(np.eye(4), (4, 1, 1)), [], ValueError, "no factors"),
        (np.tile(np.triu(np.ones((4, 4))), (4, 1, 1)), [range(4)], ValueError, "symmetric"),
    ],
)
def test_what_tells_nothing_is_a_sentence(made, factors, refusal, words):
    with pytest.raises(refusal, match=words):
        across_trainings(made, factors, level=LEVEL)
