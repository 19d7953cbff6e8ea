"""Law: an interval is as narrow as was asked, or names what that would cost."""

import msgspec
import numpy as np
import pytest

from testbed.laws import record
from testbed.laws.entropies import conditional, of_machine
from testbed.laws.machines import mixed_states
from testbed.laws.machines.mixed_states import Walk
from testbed.sources import Budget, HiddenMarkov, Iid, Noisy
from testbed.sources.noisy import entropies
from tests.laws.test_of_machine import MESS3
from tests.laws.test_rates import LATE, guess
from tests.sources.families.hidden_markov import TRANSIENT


@pytest.mark.parametrize("width", [1e-3, 1e-6])
def test_every_interval_is_as_narrow_as_asked(width):
    for world in (MESS3, HiddenMarkov(transitions=TRANSIENT), HiddenMarkov(process="even")):
        truth = world.truth(24, budget=Budget(width=width, contexts=4))
        for quantity in (*truth.curve, truth.epsilon, truth.rate):
            assert quantity.high - quantity.low <= width and quantity.method != "Monte Carlo"
        assert truth.rate.low <= world.truth(7).rate.high and world.truth(7).rate.low <= truth.rate.high


def test_a_width_beyond_reach_names_its_cost(monkeypatch):
    monkeypatch.setattr(mixed_states, "LARGEST_NUMBERS", 2**12)
    message = r"width=1e-09: the interval of the rate is 2\.44e-05 wide .*2\.44e-05 after 6 tokens and 729 contexts"
    with pytest.raises(ValueError, match=message) as refusal:
        MESS3.truth(8, budget=Budget(width=1e-9))
    for words in ("it shrinks by 0.2", "13 tokens and about 1.6e+06 contexts", "at least tokens=", "ask for width="):
        assert words in str(refusal.value)


def test_a_cost_beyond_float64_is_a_power_of_ten(monkeypatch):
    """Contexts that say ever new things of the state, and hardly less uncertain ones."""
    monkeypatch.setattr(mixed_states, "LARGEST_NUMBERS", 2**12)
    slow = HiddenMarkov(transitions=(((0.499, 0.001), (0.001, 0.5)), ((0.5, 0.0), (0.0, 0.499))))
    for width in (1e-12, 1e-320):
        with pytest.raises(ValueError, match=r"shrinks by 0\.99\d+ per token.*about 10\^\d{3,} contexts") as refusal:
            slow.truth(8, budget=Budget(width=width))
    assert "at least tokens=10^" in str(refusal.value)


def test_a_width_that_only_samples_reach_is_sampled(monkeypatch):
    monkeypatch.setattr(mixed_states, "LARGEST_NUMBERS", 2**6)
    found = MESS3.truth(2, budget=Budget(width=4e-3, tokens=2**18)).rate
    assert found.method == "Monte Carlo" and found.width <= 4e-3 and found.gap < 1e-6


def test_a_lower_bound_that_does_not_fit_says_so(monkeypatch):
    monkeypatch.setattr(mixed_states, "LARGEST_NUMBERS", 8)
    with pytest.raises(ValueError, match=r"3 states, 9 numbers: at most 8 are held; sampling would take at least"):
        MESS3.truth(3, budget=Budget(width=1e-6))


def test_a_width_that_sampling_cannot_give_names_the_tokens(monkeypatch):
    monkeypatch.setattr(mixed_states, "LARGEST_NUMBERS", 2**12)
    message = r"Monte Carlo\).*tokens=\d\.\de\+\d+, not 65536: allow them; ask for"
    with pytest.raises(ValueError, match=message):
        LATE.truth(12, budget=Budget(width=1e-4, tokens=2**16))


def test_width_of_any_truth_can_be_checked():
    truth = MESS3.truth(3)
    record.check_width(truth, Budget())
    record.check_width(truth, Budget(width=1e-6))
    with pytest.raises(ValueError, match=r"width=1e-14: the interval of \w+ is .* wide \(\w+"):
        record.check_width(truth, Budget(width=1e-14))
    with pytest.raises(ValueError, match=r"h_\d+ is .*\(enumeration\); that is the rounding of float64"):
        record.check_width(msgspec.structs.replace(truth, rate=truth.epsilon), Budget(width=1e-300))
    sampled = msgspec.structs.replace(truth, epsilon=guess(1.0, 0.02))
    with pytest.raises(ValueError, match=r"epsilon is 0\.04 wide \(Monte Carlo\).*tokens=4\.1e\+09, not 2097152"):
        record.check_width(sampled, Budget(width=1e-3))


def test_tokens_narrow_a_bracket_down_to_the_distance_of_its_means():
    """Means 0.01 apart, margins of 0.02 in all: a width of 0.02 takes (1.1·0.02/0.01)² times the tokens, 0.01 none."""
    found = record.between(guess(0.49, 0.01), guess(0.5, 0.01))
    assert (found.gap, found.width) == (pytest.approx(0.01), pytest.approx(0.03))
    with pytest.raises(ValueError, match=r"about tokens=4\.8e\+06, not 1000000: allow them; ask for width=0\.033"):
        record.check("the rate", found, Budget(width=0.02, tokens=10**6))
    with pytest.raises(ValueError, match=r"two sampled bounds are 0\.01 apart, which longer windows narrow") as refusal:
        record.check("the rate", found, Budget(width=0.01, tokens=10**6))
    assert "tokens=" not in str(refusal.value)


@pytest.mark.parametrize("tokens", [2**17, 2**21, 2**28])
def test_four_times_the_tokens_are_four_times_the_windows(tokens, monkeypatch):
    """However large the budget: a price in tokens would be false if they were cut somewhere."""
    shapes = []

    def spied(one, kind, tables, shape, budget):
        shapes.append(shape)
        return np.zeros((30, 2))

    monkeypatch.setattr(conditional, "sampled", spied)
    machine, wide = MESS3.machine(), record.bracketed(0.0, 1.0, method="certified interval")
    upper = Walk(machine, mixed_states.unknown(machine.stationary_S))
    upper.reach(2, 2**10)
    for budget in (Budget(tokens=tokens), Budget(tokens=4 * tokens)):
        of_machine._narrowest(MESS3, machine, upper, wide, 4, budget)
        entropies._rate(Noisy(base=MESS3, sigma=0.1), 4, budget)
    few, many = shapes[:2], shapes[2:]
    assert [rows // 4 for rows, *_ in many] == [rows for rows, *_ in few]


def test_a_chain_too_large_for_the_informed_walk_has_a_bound(monkeypatch):
    monkeypatch.setattr(mixed_states, "LARGEST_NUMBERS", 8)
    truth = MESS3.truth(3, budget=Budget(tokens=4))
    assert truth.rate.low == pytest.approx(truth.oracle.value, abs=1e-12)
    assert truth.rate.high == pytest.approx(truth.curve[0].high, abs=1e-12)


def test_independent_tokens_are_a_machine_of_one_state():
    truth = of_machine.truth(Iid(vocabulary=4, zipf=1.0), 50, Budget())
    known = Iid(vocabulary=4, zipf=1.0).truth(50)
    assert truth.epsilon.value == pytest.approx(known.epsilon.value, abs=1e-12)
    assert truth.rate.value == pytest.approx(known.rate.value, abs=1e-14)
