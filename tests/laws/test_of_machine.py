"""The truth of finite machines: against other code, against closed forms, and against liars."""

import jax
import numpy as np
import pytest
from scipy.special import entr

from testbed.laws.machines import edge_filter, finite, mixed_states
from testbed.laws.machines.mixed_states import Walk
from testbed.sources import HiddenMarkov, Machine
from tests.laws.enumeration import growth
from tests.sources.families.hidden_markov import EXAMPLES, with_first_state
from tests.sources.worlds import label

every_chain = pytest.mark.parametrize("world", EXAMPLES, ids=label)
MESS3 = HiddenMarkov(process="mess3")


def random_machine(seed, states=5, symbols=3, sparse=0.5):
    draw = np.random.default_rng(seed)
    matrices = draw.random((symbols, states, states)) * (draw.random((symbols, states, states)) > sparse)
    matrices[0] += 0.01 * np.roll(np.eye(states), 1, axis=1)
    matrices /= matrices.sum((0, 2))[None, :, None]
    return finite.from_matrices(matrices, *[draw.dirichlet(np.ones(states))] * 2), matrices


def plain_filter(matrices, start, tokens, flip):
    """Row by row, from the definition."""
    symbols = len(matrices)
    noisy = (1 - flip) * matrices + flip / symbols * matrices.sum(0)
    belief, rows = start, []
    for token in tokens:
        rows.append(noisy.sum(2) @ belief)
        after = belief @ noisy[token]
        after = after if after.sum() > 0 else belief @ matrices.sum(0)
        belief = after / after.sum()
    return np.array(rows)


@pytest.mark.parametrize("largest", [0, 2**20], ids=["edges", "matrices"])
@pytest.mark.parametrize("flip", [0.0, 0.2, 1.0])
def test_both_filters_are_that_of_the_definition(monkeypatch, largest, flip):
    monkeypatch.setattr(edge_filter, "LARGEST_DENSE", largest)
    for seed in range(4):
        machine, matrices = random_machine(seed, sparse=0.8)
        with jax.enable_x64(True):
            tables = edge_filter.tables_of(machine, np.float64)
            assert (tables.dense is None) == (largest == 0)
            tokens_L = np.random.default_rng(seed).integers(0, 3, 40).astype(np.int32)  # some cannot come
            found_LV = np.exp(np.asarray(edge_filter.predicted(tables, tokens_L, flip)))
        np.testing.assert_allclose(found_LV, plain_filter(matrices, machine.initial_S, tokens_L, flip), atol=1e-12)


def test_flip_may_be_traced():
    tables = edge_filter.tables_of(random_machine(0)[0])
    tokens_L = np.array([0, 1, 2, 0], np.int32)
    traced = jax.jit(lambda flip: edge_filter.predicted(tables, tokens_L, flip))
    np.testing.assert_allclose(traced(np.float32(0.3)), edge_filter.predicted(tables, tokens_L, 0.3), atol=1e-6)


def test_states_and_tokens_follow_the_machine():
    machine, matrices = random_machine(1)
    tables, count = edge_filter.tables_of(machine), 100_000
    keys = jax.random.split(jax.random.key(3), count)
    drawn = jax.jit(jax.vmap(lambda key: edge_filter.sampled(tables, key=key, length=3)))(keys)
    tokens_BL, states_BL = map(np.asarray, drawn)
    law_S = machine.initial_S
    for t in range(3):
        expected_SV = law_S[:, None] * matrices.sum(2).T
        found_SV = np.zeros_like(expected_SV)
        np.add.at(found_SV, (states_BL[:, t], tokens_BL[:, t]), 1 / count)
        assert np.abs(found_SV - expected_SV).max() < 4.5 * np.sqrt(0.25 / count)
        law_S = law_S @ matrices.sum(0)


def test_rare_edges_of_many_states_are_drawn_in_float32():
    """The rare edge of the last of 2^12 states keeps its digits, which one law over all edges would lose."""
    states, rare = 2**12, 1e-3
    origin_E = np.repeat(np.arange(states), 2)
    symbol_E, target_E = np.tile([0, 1], states), np.repeat(np.arange(states), 2)
    law_S = np.eye(states)[-1]
    machine = Machine(2, law_S, law_S, origin_E, symbol_E, target_E, np.tile([1 - rare, rare], states))
    tokens_L, states_L = edge_filter.sampled(edge_filter.tables_of(machine), key=jax.random.key(0), length=200_000)
    assert (np.asarray(states_L) == states - 1).all()
    assert abs(float(np.asarray(tokens_L).mean()) - rare) < 5 * np.sqrt(rare / 200_000)


def walked(machine, start, length):
    walk = Walk(machine, start)
    assert walk.reach(length, 2**20)
    return walk.positions


@every_chain
def test_walks_from_a_law_and_from_the_state_equal_enumeration(world):
    machine, length = world.machine(), 6
    informed = with_first_state(world, length)
    for start, reference in (
        (mixed_states.unknown(machine.stationary_S), growth(informed.sum(0))),
        (mixed_states.known(machine.stationary_S), growth_given(informed)),
    ):
        found = walked(machine, start, length)
        for position, value in zip(found, reference, strict=True):
            assert position.low - 1e-13 <= value <= position.high + 1e-13
        assert found[-1].error < 1e-12


def growth_given(informed):
    """H(X_t | X_<t, first state)."""
    totals = [entr(informed.sum(axis=tuple(range(t + 1, informed.ndim)))).sum() for t in range(informed.ndim)]
    return np.diff(totals)


def test_contexts_that_say_the_same_count_once():
    length = 40
    for process, most in (("golden_mean", 3), ("even", length + 1), ("zero_one_random", 6), ("sns", length + 1)):
        world = HiddenMarkov(process=process, parameters=(0.3, 0.6) if process == "sns" else (0.4,))
        found = walked(world.machine(), mixed_states.unknown(world.machine().stationary_S), length)
        assert max(position.contexts for position in found) <= most


@pytest.mark.parametrize("close", [1e-3, 1e-2, 0.1])
def test_the_bound_holds_when_unlike_contexts_are_put_together(monkeypatch, close):
    """A liar that merges far too much must be given away by its own error."""
    machine = MESS3.machine()
    exact = walked(machine, mixed_states.unknown(machine.stationary_S), 9)
    monkeypatch.setattr(mixed_states, "CLOSE", close)
    rough = walked(machine, mixed_states.unknown(machine.stationary_S), 9)
    assert rough[-1].contexts < exact[-1].contexts and rough[-1].error > close / 10
    assert any(abs(each.entropy - true.entropy) > 1e-12 for each, true in zip(rough, exact, strict=True))
    assert all(each.low <= true.entropy <= each.high for each, true in zip(rough, exact, strict=True))


def test_walk_stops_at_its_limits_and_goes_on_when_they_are_lifted():
    machine = MESS3.machine()
    walk = Walk(machine, mixed_states.unknown(machine.stationary_S))
    assert not walk.reach(8, 100) and len(walk.positions) == 5
    assert not walk.reach(8, 2**20, work=1) and len(walk.positions) == 6  # of which the contexts were known
    assert walk.reach(8, 2**20) and len(walk.positions) == 8
    assert walk.positions[-1] == walked(machine, mixed_states.unknown(machine.stationary_S), 8)[-1]
