"""Signal over noise across trainings: unbiased, covered from three trainings on, and split by factor."""

import numpy as np
import pytest

from testbed.stats.crossed import crossed
from testbed.stats.identified import NoInformation
from testbed.stats.signal.split import split
from testbed.stats.signal.trainings import across_trainings
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


def by_sequences(f_BRM):
    """The liar: log SNR and its error over sequences alone, as if the trainings were all that there are."""
    made, apart = gram(f_BRM), ~np.eye(f_BRM.shape[1], dtype=bool)
    signal_B = made[:, apart].mean(1)
    noise_B = np.trace(made, axis1=1, axis2=2) / f_BRM.shape[1] - signal_B
    signal, noise = signal_B.mean(), noise_B.mean()
    return np.log(signal / noise), (signal_B / signal - noise_B / noise).std(ddof=1) / np.sqrt(len(made))


def test_intervals_over_sequences_alone_are_a_liar():
    rng = np.random.default_rng(7)
    found = [by_sequences(functions(rng, 4, snr=10.0, directions=8, sequences=200)) for _ in range(200)]
    assert np.mean([abs(log - np.log(10.0)) <= 1.96 * error for log, error in found]) < LEVEL - 0.2


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
        return split(
            gram(effects(rng, draws, starts, parts, snr=1.0, directions=directions)), draws, starts, level=LEVEL
        )

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
