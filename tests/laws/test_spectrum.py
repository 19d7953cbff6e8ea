"""Mixing where numbers alone would mislead: stiff, nilpotent, defective, periodic and divided chains."""

import numpy as np
import pytest

from testbed.laws.machines import finite
from testbed.sources import Markov, Mixing, OneRegime
from tests.sources.families.markov import stationary_vector
from tests.sources.worlds import decay_of


def machine(matrices, stationary=None):
    matrices = np.asarray(matrices, dtype=float)
    law = stationary_vector(matrices.sum(0)) if stationary is None else np.asarray(stationary)
    return finite.from_matrices(matrices, law, law)


def emitting(chain, rows):
    """The chain whose state emits by its row and then moves."""
    return np.einsum("sx,st->xst", rows, chain)


def cycle(length):
    return np.roll(np.eye(length), 1, axis=1)


def side_by_side(first, second):
    """The two chains as classes that never meet."""
    joint = np.zeros((len(first), *np.add(first.shape[1:], second.shape[1:])))
    joint[:, : first.shape[1], : first.shape[1]] = first
    joint[:, first.shape[1] :, first.shape[1] :] = second
    return joint


STICKY = np.array([[0.9, 0.1], [0.2, 0.8]])
LOADED, FAIR = np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.5, 0.5], [0.5, 0.5]])


def test_a_regime_that_lasts_long_does_not_last_for_ever():
    leave, enter = 1e-12, 3e-12
    found = Markov(vocabulary=2, rows=((1 - leave, leave), (enter, 1 - enter))).mixing()
    assert found.decay == "geometric" and 1 - found.value == pytest.approx(4e-12, rel=1e-3)


def test_two_classes_that_look_different_never_mix():
    divided = side_by_side(emitting(STICKY, LOADED), emitting(np.ones((1, 1)), np.array([[0.2, 0.8]])))
    law = np.array([2 / 3, 1 / 3, 1.0]) / 2
    assert decay_of(finite.mixing(machine(divided, law))) == ("never", 1.0)


def test_two_classes_that_look_alike_are_as_one():
    alike = side_by_side(emitting(STICKY, LOADED), emitting(STICKY[::-1, ::-1], LOADED[::-1]))
    law = np.array([2 / 3, 1 / 3, 1 / 3, 2 / 3]) / 2
    found = finite.mixing(machine(alike, law))
    assert found.decay == "geometric" and found.value == pytest.approx(0.7, abs=1e-9)


def test_a_memory_that_no_pair_of_tokens_shows_does_not_count():
    assert decay_of(finite.mixing(machine(emitting(STICKY, FAIR)))) == ("independent", 0.0)
    assert finite.mixing(machine(emitting(cycle(4), np.full((4, 2), 0.5)))).decay == "independent"


@pytest.mark.parametrize(("ones", "period"), [((0,), 6), ((0, 2, 4), 2), ((0, 3), 3), ((0, 1, 3, 4), 3)])
def test_period_is_that_of_the_tokens(ones, period):
    rows = np.array([[0.0, 1.0] if state in ones else [0.7, 0.3] for state in range(6)])
    assert decay_of(finite.mixing(machine(emitting(cycle(6), rows)))) == ("periodic", float(period))


def copied(delay):
    """Fair bits, of which one now and then is kept for `delay` tokens and then repeated."""
    matrices = np.zeros((2, 1 + 2 * delay, 1 + 2 * delay))  # nothing kept, then (symbol, age)
    matrices[:, 0, 0] = 0.25
    for symbol in range(2):
        kept = 1 + symbol * delay
        matrices[symbol, 0, kept] = 0.25
        for age in range(delay - 1):
            matrices[:, kept + age, kept + age + 1] = 0.5
        matrices[symbol, kept + delay - 1, 0] = 1.0
    return matrices


@pytest.mark.parametrize("delay", [1, 3, 12, 40])
def test_a_token_repeated_once_correlates_up_to_its_delay(delay):
    assert decay_of(finite.mixing(machine(copied(delay)))) == ("finite", float(delay))


@pytest.mark.parametrize("second", [0.005, -0.3, 0.9])
def test_an_eigenvalue_beside_a_long_nilpotent_part_keeps_its_digits(second):
    """A bit that is copied twelve tokens later, beside a two-state chain whose eigenvalue is all that lasts."""
    chain = np.array([[1 - 0.4 * (1 - second), 0.4 * (1 - second)], [0.6 * (1 - second), 1 - 0.6 * (1 - second)]])
    pair = np.einsum("xst,yuv->xysutv", copied(12), emitting(chain, np.eye(2))).reshape(4, 50, 50)
    found = finite.mixing(machine(pair))
    assert found.decay == "geometric" and found.value == pytest.approx(second, rel=2e-3)


def test_phases_that_all_last_alike():
    """Four phases in a ring, each with the same chance to end: the classical near-defective chain."""
    chain = 0.7 * np.eye(4) + 0.3 * cycle(4)
    found = finite.mixing(machine(emitting(chain, np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.1, 0.9]]))))
    assert found.decay == "geometric" and found.value == pytest.approx(abs(0.7 + 0.3j), abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_an_unseen_companion_changes_nothing(seed):
    draw = np.random.default_rng(seed)
    states = int(draw.integers(3, 30))
    matrices = draw.dirichlet(np.full(3 * states, 0.3), size=states).reshape(states, 3, states).transpose(1, 0, 2)
    companion = np.array([[0.999, 0.001], [0.002, 0.998]])
    order = draw.permutation(2 * states)
    both = np.einsum("xst,ab->xsatb", matrices, companion).reshape(3, 2 * states, 2 * states)[:, order][:, :, order]
    alone, together = finite.mixing(machine(matrices)), finite.mixing(machine(both))
    second = np.sort(np.abs(np.linalg.eigvals(matrices.sum(0))))[-2]
    assert alone.decay == together.decay == "geometric"
    assert abs(alone.value) == pytest.approx(second, rel=1e-3)
    assert together.value == pytest.approx(alone.value, abs=1e-6)


@pytest.mark.parametrize("states", [7, 60])
def test_long_lags_by_powers_and_by_steps(states, monkeypatch):
    world = Markov(vocabulary=states, concentration=0.1, smoothing=0.01, seed=1)
    by_powers = [world.pair_law(lag) for lag in (1, 2, 37)]
    monkeypatch.setattr(finite, "LARGEST_POWER", 0)
    np.testing.assert_allclose([world.pair_law(lag) for lag in (1, 2, 37)], by_powers, atol=1e-15)


FAINT = [10.0**-power for power in (3, 6, 9, 10, 12, 13, 15)]


@pytest.mark.parametrize("second", FAINT)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_faint_eigenvalue_of_two_symbols_is_told_exactly(second, sign):
    second *= sign
    rows = np.array([[0.5 + second / 2, 0.5 - second / 2], [0.5 - second / 2, 0.5 + second / 2]])
    found = Markov(vocabulary=2, rows=tuple(map(tuple, rows.tolist()))).mixing()
    assert (found.decay, found.method) == ("geometric", "closed form")
    assert abs(found.value - second) <= found.error < 1e-15


def faint(second, states=3):
    """A hidden chain whose only eigenvalue beside 1 is `second`, each state with a token of its own."""
    return machine(emitting((1 - second) / states + second * np.eye(states), np.eye(states)))


def check_faint(found, second, states=3):
    """Either the eigenvalue within its error, or the size of what may be left of correlations."""
    if found.decay == "geometric":
        assert abs(found.value - second) <= found.error < abs(second) / 2
    else:
        left = second ** (1 + found.value) / states * (1 - 1 / states)
        assert found.decay in ("independent", "finite") and left <= found.error < 1e-8


@pytest.mark.parametrize("second", FAINT)
def test_a_faint_eigenvalue_of_a_machine_is_told_or_bounded(second):
    found = finite.mixing(faint(second))
    check_faint(found, second)
    assert found.decay == "geometric" or second < 1e-10


def test_the_law_rejects_independence_without_a_resolution():
    with pytest.raises(AssertionError):
        check_faint(Mixing(decay="independent", value=0.0, method="eigenvalue"), 1e-12)


@pytest.mark.parametrize("apart", [1e-4, 1e-7, 1e-10])
def test_regimes_that_differ_little_never_mix(apart):
    laws = (((0.5 + apart, 0.5 - apart),), ((0.5 - apart, 0.5 + apart),))
    world = OneRegime(vocabulary=2, regimes=2, order=0, laws=laws)
    assert decay_of(world.mixing()) == decay_of(finite.mixing(world.machine())) == ("never", 1.0)


@pytest.mark.parametrize("apart", [1e-4, 1e-7, 1e-10])
def test_a_faint_period_lasts(apart):
    rows = np.array([[0.5 + apart, 0.5 - apart], [0.5 - apart, 0.5 + apart]])
    assert decay_of(finite.mixing(machine(emitting(cycle(2), rows)))) == ("periodic", 2.0)
