"""Work that can change nothing ends, work that is much is refused first, and work that takes long is told."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.laws import effort, simplex
from testbed.laws.entropies import conditional, of_machine
from testbed.laws.machines import finite, mixed_states, rate_equations
from testbed.laws.machines.mixed_states import Walk
from testbed.sources import Absent, BlockStationary, Budget, HiddenMarkov, Iid, InContextMarkov, Machine, Markov, Noisy
from tests.sources.families.hidden_markov import EXAMPLES
from tests.sources.worlds import WORLDS, label

FORGETFUL = HiddenMarkov(
    transitions=(
        ((0.0, 0.3, 0.3, 0.0), (0.0, 0.0, 0.0, 0.5), (0.0, 0.0, 0.0, 1.0), (0.2, 0.0, 0.0, 0.0)),
        ((0.0, 0.4, 0.0, 0.0), (0.0, 0.0, 0.0, 0.5), (0.0, 0.0, 0.0, 0.0), (0.8, 0.0, 0.0, 0.0)),
    )
)
"""Not unifilar, yet four beliefs follow a known state for ever; one who never knew it learns ever more slowly."""


# ------------------------------------------------------------------------------------- work that can change nothing


def test_a_walk_that_has_stopped_moving_stops(monkeypatch):
    """It once went on for 250,000 tokens; here no walk is taken further than the window and a few tokens."""
    longest = []
    reach = Walk.reach
    monkeypatch.setattr(
        Walk, "reach", lambda walk, length, *limits: longest.append(length) or reach(walk, length, *limits)
    )
    truth = FORGETFUL.truth(16)
    assert max(longest) <= 200
    assert truth.rate.method == "enumeration" and truth.rate.width < 1e-12
    monkeypatch.setattr(rate_equations, "ceiling", lambda machine: None)
    longest.clear()
    assert FORGETFUL.truth(16).rate.method != "enumeration" and max(longest) <= 200


def test_finitely_many_beliefs_give_the_rate_by_hand():
    """State 0 leads to 1, or to 1 and 2 in equal parts; from either to 3; from 3 back to 0. Times 1/3 in each of three.

    The token of the second step is fair after the first symbol 1, and shows 0 with (1/2 + 1)/2 after 0.
    """
    binary = lambda p: -p * np.log(p) - (1 - p) * np.log(1 - p)  # noqa: E731
    expected = (binary(0.6) + 0.4 * binary(0.5) + 0.6 * binary(0.75) + binary(0.2)) / 3
    assert FORGETFUL.truth(3).rate.value == pytest.approx(expected, abs=1e-13)
    assert rate_equations.ceiling(FORGETFUL.machine()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("world", [*EXAMPLES, *WORLDS[::9]], ids=label)
def test_the_ceiling_is_no_less_than_the_rate(world):
    machine = world.machine()
    if isinstance(machine, Absent):
        return
    ceiling, lower = rate_equations.ceiling(machine), Walk(machine, mixed_states.known(machine.stationary_S))
    lower.reach(8, 2**12)
    if ceiling is not None:
        assert ceiling >= lower.positions[-1].low
    if of_machine.unifilar(machine) and ceiling is not None:
        assert ceiling == pytest.approx(of_machine._given_state(machine).value, abs=1e-11)


def test_beliefs_without_end_have_no_ceiling():
    assert rate_equations.ceiling(HiddenMarkov(process="mess3").machine()) is None


def test_a_narrow_curve_is_summed_and_one_out_of_reach_is_foreseen(monkeypatch):
    found = FORGETFUL.truth(40, budget=Budget(width=1e-8, contexts=2**8))
    assert all(each.method == "enumeration" and each.width <= 1e-8 for each in (*found.curve, found.epsilon))
    works = []
    ready = Walk._ready
    monkeypatch.setattr(Walk, "_ready", lambda walk, *limits: works.append(walk.work) or ready(walk, *limits))
    with pytest.raises(ValueError, match=r"width=1e-08: the interval of h_4000 is .*contexts would be needed"):
        FORGETFUL.truth(4000, budget=Budget(width=1e-8))
    assert max(works) < 2**24  # of 2^35 that a width may cost


def long_run_by_steps(chain, start):
    law, total = start.copy(), np.zeros_like(start)
    for _ in range(4000):
        total += law
        law = law @ chain
    return total / 4000


def test_time_averages_of_chains_that_are_left_for_several_classes():
    chain = np.array([[0.5, 0.3, 0.2, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0.1, 0, 0, 0.1, 0.8], [0, 0, 0, 0, 1]])
    start = np.array([0.25, 0.0, 0.0, 0.75, 0.0])
    np.testing.assert_allclose(rate_equations.long_run(chain, start), long_run_by_steps(chain, start), atol=1e-3)


# --------------------------------------------------------------------------------------------------- large chains


def test_large_chains_are_reduced_by_blocks_as_exactly_as_small_ones(monkeypatch):
    chain = np.random.default_rng(0).random((150, 150)) ** 12
    chain /= chain.sum(1, keepdims=True)
    alone = simplex.stationary("the chain", chain)
    monkeypatch.setattr(simplex, "SMALL_CHAIN", 10)
    np.testing.assert_allclose(simplex.stationary("the chain", chain), alone, rtol=1e-13)
    slow = np.array([[1 - 1e-14, 1e-14], [1e-20, 1 - 1e-20]])
    monkeypatch.setattr(simplex, "SMALL_CHAIN", 1)
    assert simplex.stationary("the chain", slow)[0] == pytest.approx(1e-6, rel=1e-12)


@pytest.mark.parametrize("filled", [0, 10**9])
def test_pairs_over_large_chains_are_those_over_small_ones(monkeypatch, filled):
    world = Markov(vocabulary=3, order=2, concentration=0.3)
    lags = (0, 1, 3, 2, 7, 1000)
    known = [finite.pair_law(world.machine(), lag) for lag in lags]
    monkeypatch.setattr(finite, "LARGEST_POWER", 1)
    monkeypatch.setattr(finite, "FILLED", filled or 1e-9)
    passage = finite.Passage(world.machine())
    for lag, law in zip(lags, known, strict=True):
        np.testing.assert_allclose(passage.pair_law(lag), law, atol=1e-14)


def test_far_pairs_take_few_steps():
    steps = []
    with effort.told_to(lambda what, done, total: steps.append(what)):
        Markov(vocabulary=300).pair_law(2**20)
    assert len([what for what in steps if "pairs" in what]) < 8


def test_large_machines_are_sampled_less():
    edges = np.arange(2**12)
    machine = Machine(2, edges, edges, edges, edges, edges, edges)
    assert of_machine._affordable(machine, Budget(tokens=2**20)) == 2**14
    assert of_machine._affordable(HiddenMarkov(process="mess3").machine(), Budget(tokens=2**20)) == 2**20


# ----------------------------------------------------------------------------------------------- told and refused


def test_operations_are_counted():
    matrix = np.ones((20, 30))
    assert effort.operations(lambda x: x + 1, np.ones(1000)) == 1000 + effort.STEP
    assert effort.operations(lambda x: x @ x.T, matrix) >= 20 * 30 * 20
    once, often = (
        effort.operations(lambda x, n=n: jax.lax.scan(rolled, x, None, length=n)[0], matrix) for n in (1, 50)
    )
    assert often == 50 * once
    assert effort.operations(jnp.sort, np.ones(100)) >= 100 * effort.SCATTERED


def rolled(carry, _):
    return carry * 2, None


REFUSED = [
    (InContextMarkov(vocabulary=8), 2**16, Budget(contexts=1, patience=0.5), "shorten the window"),
    (BlockStationary(), 64, Budget(contexts=1, patience=0.5), "lower tokens"),
    (BlockStationary(), 64, Budget(contexts=10**8, patience=1), "lower contexts"),
    (Noisy(base=Markov(vocabulary=256), sigma=0.1), 64, Budget(contexts=1, patience=1), "lower tokens"),
]


@pytest.mark.parametrize(("world", "length", "budget", "remedy"), REFUSED, ids=lambda each: str(each)[:24])
def test_more_than_the_patience_is_refused_before_it_is_done(world, length, budget, remedy, monkeypatch):
    monkeypatch.setattr(conditional, "_batch", _unasked(conditional._batch))
    if budget.contexts > 1:
        monkeypatch.setattr(conditional, "_visit", _unasked(conditional._visit))
    rule = rf"patience={budget.patience:g}: .* would take about .*; allow it by patience=\d+, or {remedy}"
    with pytest.raises(ValueError, match=rule):
        world.truth(length, budget=budget)


def _unasked(function):
    """A function that may be counted, and may not be run."""

    def counted(*arguments):
        assert any(isinstance(each, jax.core.Tracer) for each in jax.tree.leaves(arguments)), "it was done"
        return function(*arguments)

    return counted


def test_what_is_returned_does_not_depend_on_patience():
    world = InContextMarkov(vocabulary=3)
    assert world.truth(20, budget=Budget(tokens=2**10)) == world.truth(20, budget=Budget(tokens=2**10, patience=60))


def test_patience_is_a_positive_number():
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=r"patience=.*positive number; give for example 60"):
            Budget(patience=wrong)


def test_steps_are_told_to_who_listens_and_to_nobody_else():
    heard = []
    with effort.told_to(lambda *step: heard.append(step)):
        InContextMarkov(vocabulary=3).truth(20, budget=Budget(contexts=1, tokens=2**10))
    assert ("sampling 51 windows of 20 tokens", 0.0, 1.0) in heard
    count = len(heard)
    effort.step("anything", 1, 2)
    assert len(heard) == count and Iid(vocabulary=2).truth(2).length == 2


def test_times_are_told_in_words():
    words = [effort.told(seconds) for seconds in (0.5, 20.4, 200.0, 8e3, 1e6, 1e15)]
    assert words == ["0.5 s", "20 s", "3.3 minutes", "2.2 hours", "12 days", "10^8 years"]
