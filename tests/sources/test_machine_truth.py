"""The truth of finite machines: against other code, against closed forms, and against liars."""

import jax
import msgspec
import numpy as np
import pytest
from scipy.special import betaln, entr, gammaln

from testbed.sources import (
    Absent,
    Budget,
    HiddenMarkov,
    Iid,
    Machine,
    Noisy,
    Quantity,
    Source,
    _curve,
    _edges,
    _machine,
    _machine_truth,
    _mixed_states,
    _noise_truth,
    _truth,
)
from testbed.sources._mixed_states import Walk
from tests.sources.enumeration import growth
from tests.sources.families.hidden_markov import EXAMPLES, TRANSIENT, rate_bounds, with_first_state
from tests.sources.worlds import label

every_chain = pytest.mark.parametrize("world", EXAMPLES, ids=label)


class Started(Source, frozen=True, kw_only=True, tag="started"):
    """A hidden Markov chain that starts from any law, its stationary law given."""

    transitions: tuple[tuple[tuple[float, ...], ...], ...]
    start: tuple[float, ...]
    long_run: tuple[float, ...]

    @classmethod
    def exhibit(cls):
        return LATE

    alphabet = property(lambda self: len(self.transitions))
    stationary = property(lambda self: self.start == self.long_run)

    def machine(self):
        start, long_run = np.array(self.start), np.array(self.long_run)
        return _machine.from_matrices(np.array(self.transitions), start, long_run)

    def tables(self, dtype=np.float32):
        return _edges.tables_of(self.machine(), dtype)

    @staticmethod
    def sample(tables, *, key, length):
        tokens_L, _ = _edges.sampled(tables, key=key, length=length)
        return tokens_L, ()

    @staticmethod
    def log_predictive(tables, tokens_L):
        return _edges.predicted(tables, tokens_L)

    def truth(self, length, *, budget=Budget()):  # noqa: B008
        return _machine_truth.truth(self, length, budget)


def coins(*biases, weights):
    """One coin for ever, unknown which."""
    states = np.eye(len(biases))
    matrices = tuple(tuple(map(tuple, (states * bias).tolist())) for bias in (1 - np.array(biases), np.array(biases)))
    return Started(transitions=matrices, start=weights, long_run=weights)


MESS3 = HiddenMarkov(process="mess3")
LEAKY = HiddenMarkov(process="leaky_rrxor")
LATE = Started(
    transitions=tuple(tuple(map(tuple, rows)) for rows in MESS3.matrices().tolist()),
    start=(1.0, 0.0, 0.0),
    long_run=(1 / 3, 1 / 3, 1 / 3),
)


# --------------------------------------------------------------------------------------------------- the kernels


def random_machine(seed, states=5, symbols=3, sparse=0.5):
    draw = np.random.default_rng(seed)
    matrices = draw.random((symbols, states, states)) * (draw.random((symbols, states, states)) > sparse)
    matrices[0] += 0.01 * np.roll(np.eye(states), 1, axis=1)
    matrices /= matrices.sum((0, 2))[None, :, None]
    return _machine.from_matrices(matrices, *[draw.dirichlet(np.ones(states))] * 2), matrices


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
    monkeypatch.setattr(_edges, "LARGEST_DENSE", largest)
    for seed in range(4):
        machine, matrices = random_machine(seed, sparse=0.8)
        with jax.enable_x64(True):
            tables = _edges.tables_of(machine, np.float64)
            assert (tables.dense is None) == (largest == 0)
            tokens_L = np.random.default_rng(seed).integers(0, 3, 40).astype(np.int32)  # some cannot come
            found_LV = np.exp(np.asarray(_edges.predicted(tables, tokens_L, flip)))
        np.testing.assert_allclose(found_LV, plain_filter(matrices, machine.initial_S, tokens_L, flip), atol=1e-12)


def test_flip_may_be_traced():
    tables = _edges.tables_of(random_machine(0)[0])
    tokens_L = np.array([0, 1, 2, 0], np.int32)
    traced = jax.jit(lambda flip: _edges.predicted(tables, tokens_L, flip))
    np.testing.assert_allclose(traced(np.float32(0.3)), _edges.predicted(tables, tokens_L, 0.3), atol=1e-6)


def test_states_and_tokens_follow_the_machine():
    machine, matrices = random_machine(1)
    tables, count = _edges.tables_of(machine), 100_000
    keys = jax.random.split(jax.random.key(3), count)
    drawn = jax.jit(jax.vmap(lambda key: _edges.sampled(tables, key=key, length=3)))(keys)
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
    tokens_L, states_L = _edges.sampled(_edges.tables_of(machine), key=jax.random.key(0), length=200_000)
    assert (np.asarray(states_L) == states - 1).all()
    assert abs(float(np.asarray(tokens_L).mean()) - rare) < 5 * np.sqrt(rare / 200_000)


# --------------------------------------------------------------------------------------------------- the walk


def walked(machine, start, length):
    walk = Walk(machine, start)
    assert walk.reach(length, 2**20)
    return walk.positions


@every_chain
def test_walks_from_a_law_and_from_the_state_equal_enumeration(world):
    machine, length = world.machine(), 6
    informed = with_first_state(world, length)
    for start, reference in (
        (_mixed_states.unknown(machine.stationary_S), growth(informed.sum(0))),
        (_mixed_states.known(machine.stationary_S), growth_given(informed)),
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
        found = walked(world.machine(), _mixed_states.unknown(world.machine().stationary_S), length)
        assert max(position.contexts for position in found) <= most


@pytest.mark.parametrize("close", [1e-3, 1e-2, 0.1])
def test_the_bound_holds_when_unlike_contexts_are_put_together(monkeypatch, close):
    """A liar that merges far too much must be given away by its own error."""
    machine = MESS3.machine()
    exact = walked(machine, _mixed_states.unknown(machine.stationary_S), 9)
    monkeypatch.setattr(_mixed_states, "CLOSE", close)
    rough = walked(machine, _mixed_states.unknown(machine.stationary_S), 9)
    assert rough[-1].contexts < exact[-1].contexts and rough[-1].error > close / 10
    assert any(abs(each.entropy - true.entropy) > 1e-12 for each, true in zip(rough, exact, strict=True))
    assert all(each.low <= true.entropy <= each.high for each, true in zip(rough, exact, strict=True))


def test_walk_stops_at_its_limits_and_goes_on_when_they_are_lifted():
    machine = MESS3.machine()
    walk = Walk(machine, _mixed_states.unknown(machine.stationary_S))
    assert not walk.reach(8, 100) and len(walk.positions) == 5
    assert not walk.reach(8, 2**20, work=1) and len(walk.positions) == 6  # of which the contexts were known
    assert walk.reach(8, 2**20) and len(walk.positions) == 8
    assert walk.positions[-1] == walked(machine, _mixed_states.unknown(machine.stationary_S), 8)[-1]


# --------------------------------------------------------------------------------------------------- the truth


def test_coins_for_ever_are_counted():
    """h_t of an exchangeable source, by sums over counts: exact far beyond enumeration."""
    weights, biases, length = np.array([0.3, 0.5, 0.2]), np.array([0.1, 0.5, 0.8]), 200
    truth = coins(*biases, weights=tuple(weights)).truth(length)
    totals = [0.0]
    for n in range(1, length + 1):
        ones = np.arange(n + 1)[:, None]
        string = (weights * biases**ones * (1 - biases) ** (n - ones)).sum(1)
        choose = np.exp(gammaln(n + 1) - gammaln(ones[:, 0] + 1) - gammaln(n - ones[:, 0] + 1))
        totals.append(float(-(choose * string * np.log(string)).sum()))
    assert all(quantity.method == "enumeration" for quantity in truth.curve)
    np.testing.assert_allclose([quantity.value for quantity in truth.curve], np.diff(totals), atol=1e-11)
    rate = weights @ (entr(biases) + entr(1 - biases))
    assert truth.rate.method == "closed form" and truth.rate.value == pytest.approx(rate, abs=1e-14)


def test_many_coins_have_the_redundancy_of_a_continuous_prior():
    """64 coins at the nodes of a Gauss-Chebyshev rule stand for Beta(½, ½)."""
    nodes = (np.arange(64) + 0.5) * np.pi / 128
    biases = np.sin(nodes) ** 2
    truth = coins(*biases, weights=(1 / 64,) * 64).truth(64)
    ones = np.arange(65)
    string = betaln(ones + 0.5, 64.5 - ones) - betaln(0.5, 0.5)
    choose = np.exp(gammaln(65) - gammaln(ones + 1) - gammaln(65 - ones))
    exact = -(choose * np.exp(string) * string).sum()
    assert 64 * truth.epsilon.value == pytest.approx(exact, abs=1e-9)


def test_two_classes_of_hidden_chains_have_the_mean_of_their_rates():
    first, second = HiddenMarkov(process="sns", parameters=(0.4, 0.7)), HiddenMarkov(process="sns")
    joint_chain = np.zeros((2, 4, 4))
    joint_chain[:, :2, :2], joint_chain[:, 2:, 2:] = first.matrices(), second.matrices()
    law = np.concatenate([0.25 * first.machine().stationary_S, 0.75 * second.machine().stationary_S])
    both = Started(
        transitions=tuple(tuple(map(tuple, rows)) for rows in joint_chain.tolist()),
        start=tuple(law.tolist()),
        long_run=tuple(law.tolist()),
    )
    rate = 0.25 * first.truth(2).rate.value + 0.75 * second.truth(2).rate.value
    found = both.truth(2).rate
    assert found.low <= rate <= found.high
    assert found.high - found.low < 0.05


@every_chain
def test_tight_budgets_bracket_what_large_ones_know(world):
    exact = world.truth(7, budget=Budget(contexts=2**16))
    rough = world.truth(7, budget=Budget(contexts=10, tokens=2**8))
    assert {quantity.method for quantity in rough.curve} <= {"enumeration", "certified interval", "Monte Carlo"}
    for known, guess in zip((*exact.curve, exact.epsilon), (*rough.curve, rough.epsilon), strict=True):
        if guess.method != "Monte Carlo":
            assert guess.low <= known.high and known.low <= guess.high
    low, high = rate_bounds(world)
    assert rough.rate.low <= high + 1e-12 and rough.rate.high >= low - 1e-12


def test_the_narrower_of_interval_and_sampling_is_given():
    few, many = (LEAKY.truth(12, budget=Budget(contexts=16, tokens=tokens)) for tokens in (2**8, 2**16))
    exact = LEAKY.truth(12)
    assert few.curve[-1].method == few.epsilon.method == few.rate.method == "certified interval"
    assert many.curve[-1].method == many.epsilon.method == many.rate.method == "Monte Carlo"
    assert exact.curve[-1].method == "enumeration"
    for known, guess in zip((*exact.curve, exact.epsilon), (*many.curve, many.epsilon), strict=True):
        assert abs(known.value - guess.value) <= 4.5 * guess.error + 1e-12
    margin = many.rate.error
    assert many.rate.low - margin <= exact.rate.high and exact.rate.low <= many.rate.high + margin
    assert many.rate.error < few.rate.error


def test_a_chain_that_starts_elsewhere_is_exact_and_then_sampled():
    exact, rough = LATE.truth(7), LATE.truth(7, budget=Budget(contexts=30, tokens=2**14))
    assert [quantity.method[:4] for quantity in rough.curve] == ["enum"] * 4 + ["Mont"] * 3
    for known, guess in zip((*exact.curve, exact.epsilon), (*rough.curve, rough.epsilon), strict=True):
        assert abs(known.value - guess.value) <= 4.5 * guess.error + 1e-12
    assert exact.curve[0].value < MESS3.truth(1).curve[0].value
    assert exact.rate.low <= MESS3.truth(7).rate.high and MESS3.truth(7).rate.low <= exact.rate.high


def test_oracle_may_be_given():
    assert _machine_truth.truth(MESS3, 2, Budget()).oracle.value == MESS3.truth(2).oracle.value
    for given in (Absent("none of interest"), _truth.rounded(0.25, 1)):
        assert _machine_truth.truth(MESS3, 2, Budget(), oracle=given).oracle == given


def test_a_source_without_machine_is_refused(monkeypatch):
    monkeypatch.setattr(HiddenMarkov, "machine", lambda self: Absent("it is endless"))
    with pytest.raises(TypeError, match=r"no finite machine \(it is endless\)"):
        _machine_truth.truth(MESS3, 2, Budget())


# --------------------------------------------------------------------------------------------------- the width


@pytest.mark.parametrize("width", [1e-3, 1e-6])
def test_every_interval_is_as_narrow_as_asked(width):
    for world in (MESS3, HiddenMarkov(transitions=TRANSIENT), HiddenMarkov(process="even")):
        truth = world.truth(24, budget=Budget(width=width, contexts=4))
        for quantity in (*truth.curve, truth.epsilon, truth.rate):
            assert quantity.high - quantity.low <= width and quantity.method != "Monte Carlo"
        assert truth.rate.low <= world.truth(7).rate.high and world.truth(7).rate.low <= truth.rate.high


def test_a_width_beyond_reach_names_its_cost(monkeypatch):
    monkeypatch.setattr(_mixed_states, "LARGEST_NUMBERS", 2**12)
    message = r"width=1e-09: the interval of the rate is 2\.44e-05 wide .*2\.44e-05 after 6 tokens and 729 contexts"
    with pytest.raises(ValueError, match=message) as refusal:
        MESS3.truth(8, budget=Budget(width=1e-9))
    for words in ("it shrinks by 0.2", "13 tokens and about 1.6e+06 contexts", "at least tokens=", "ask for width="):
        assert words in str(refusal.value)


def test_a_cost_beyond_float64_is_a_power_of_ten(monkeypatch):
    """Contexts that say ever new things of the state, and hardly less uncertain ones."""
    monkeypatch.setattr(_mixed_states, "LARGEST_NUMBERS", 2**12)
    slow = HiddenMarkov(transitions=(((0.499, 0.001), (0.001, 0.5)), ((0.5, 0.0), (0.0, 0.499))))
    for width in (1e-12, 1e-320):
        with pytest.raises(ValueError, match=r"shrinks by 0\.99\d+ per token.*about 10\^\d{3,} contexts") as refusal:
            slow.truth(8, budget=Budget(width=width))
    assert "at least tokens=10^" in str(refusal.value)


def test_a_width_that_only_samples_reach_is_sampled(monkeypatch):
    monkeypatch.setattr(_mixed_states, "LARGEST_NUMBERS", 2**6)
    found = MESS3.truth(2, budget=Budget(width=4e-3, tokens=2**18)).rate
    assert found.method == "Monte Carlo" and found.width <= 4e-3 and found.gap < 1e-6


def test_a_lower_bound_that_does_not_fit_says_so(monkeypatch):
    monkeypatch.setattr(_mixed_states, "LARGEST_NUMBERS", 8)
    with pytest.raises(ValueError, match=r"3 states, 9 numbers: at most 8 are held; sampling would take at least"):
        MESS3.truth(3, budget=Budget(width=1e-6))


def test_a_width_that_sampling_cannot_give_names_the_tokens(monkeypatch):
    monkeypatch.setattr(_mixed_states, "LARGEST_NUMBERS", 2**12)
    message = r"Monte Carlo\).*tokens=\d\.\de\+\d+, not 65536: allow them; ask for"
    with pytest.raises(ValueError, match=message):
        LATE.truth(12, budget=Budget(width=1e-4, tokens=2**16))


def guess(value, margin):
    return Quantity(value=value, low=value - margin, high=value + margin, method="Monte Carlo", error=margin / 2)


def test_width_of_any_truth_can_be_checked():
    truth = MESS3.truth(3)
    _truth.check_width(truth, Budget())
    _truth.check_width(truth, Budget(width=1e-6))
    with pytest.raises(ValueError, match=r"width=1e-14: the interval of \w+ is .* wide \(\w+"):
        _truth.check_width(truth, Budget(width=1e-14))
    with pytest.raises(ValueError, match=r"epsilon is .*\(enumeration\); that is the rounding of float64"):
        _truth.check_width(msgspec.structs.replace(truth, rate=truth.epsilon), Budget(width=1e-300))
    sampled = msgspec.structs.replace(truth, epsilon=guess(1.0, 0.02))
    with pytest.raises(ValueError, match=r"epsilon is 0\.04 wide \(Monte Carlo\).*tokens=3\.4e\+09, not 2097152"):
        _truth.check_width(sampled, Budget(width=1e-3))


def test_tokens_narrow_a_bracket_down_to_the_distance_of_its_means():
    """Means 0.01 apart, margins of 0.02 in all: a width of 0.02 takes (0.02/0.01)² as many tokens, 0.01 no number."""
    found = _truth.between(guess(0.49, 0.01), guess(0.5, 0.01))
    assert (found.gap, found.width) == (pytest.approx(0.01), pytest.approx(0.03))
    with pytest.raises(ValueError, match=r"about tokens=4\.0e\+06, not 1000000: allow them; ask for width=0\.03"):
        _truth.check("the rate", found, Budget(width=0.02, tokens=10**6))
    with pytest.raises(ValueError, match=r"two sampled bounds are 0\.01 apart, which longer windows narrow") as refusal:
        _truth.check("the rate", found, Budget(width=0.01, tokens=10**6))
    assert "tokens=" not in str(refusal.value)


@pytest.mark.parametrize("tokens", [2**17, 2**21, 2**28])
def test_four_times_the_tokens_are_four_times_the_windows(tokens, monkeypatch):
    """However large the budget: a price in tokens would be false if they were cut somewhere."""
    shapes = []

    def spied(one, kind, tables, shape, budget):
        shapes.append(shape)
        return np.zeros((30, 2))

    monkeypatch.setattr(_curve, "sampled", spied)
    machine, wide = MESS3.machine(), _truth.bracketed(0.0, 1.0, method="certified interval")
    upper = Walk(machine, _mixed_states.unknown(machine.stationary_S))
    upper.reach(2, 2**10)
    for budget in (Budget(tokens=tokens), Budget(tokens=4 * tokens)):
        _machine_truth._narrowest(MESS3, machine, upper, wide, 4, budget)
        _noise_truth._rate(Noisy(base=MESS3, sigma=0.1), 4, budget)
    few, many = shapes[:2], shapes[2:]
    assert [rows // 4 for rows, *_ in many] == [rows for rows, *_ in few]


def test_a_chain_too_large_for_the_informed_walk_has_a_bound(monkeypatch):
    monkeypatch.setattr(_mixed_states, "LARGEST_NUMBERS", 8)
    truth = MESS3.truth(3, budget=Budget(tokens=4))
    assert truth.rate.low == pytest.approx(truth.oracle.value, abs=1e-12)
    assert truth.rate.high == pytest.approx(truth.curve[0].high, abs=1e-12)


def test_independent_tokens_are_a_machine_of_one_state():
    truth = _machine_truth.truth(Iid(vocabulary=4, zipf=1.0), 50, Budget())
    known = Iid(vocabulary=4, zipf=1.0).truth(50)
    assert truth.epsilon.value == pytest.approx(known.epsilon.value, abs=1e-12)
    assert truth.rate.value == pytest.approx(known.rate.value, abs=1e-14)
