"""Law: rates of machines lie in their intervals, are as narrow as asked, or name what that would cost."""

import numpy as np
import pytest
from scipy.special import betaln, entr, gammaln

from testbed.laws import record
from testbed.laws.entropies import of_machine
from testbed.laws.machines import edge_filter, finite
from testbed.sources import Absent, Budget, HiddenMarkov, Quantity, Source
from tests.laws.test_of_machine import MESS3, every_chain
from tests.sources.families.hidden_markov import rate_bounds


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
        return finite.from_matrices(np.array(self.transitions), start, long_run)

    def tables(self, dtype=np.float32):
        return edge_filter.tables_of(self.machine(), dtype)

    @staticmethod
    def sample(tables, *, key, length):
        tokens_L, _ = edge_filter.sampled(tables, key=key, length=length)
        return tokens_L, ()

    @staticmethod
    def log_predictive(tables, tokens_L):
        return edge_filter.predicted(tables, tokens_L)

    def truth(self, length, *, budget=Budget()):  # noqa: B008
        return of_machine.truth(self, length, budget)


def coins(*biases, weights):
    """One coin for ever, unknown which."""
    states = np.eye(len(biases))
    matrices = tuple(tuple(map(tuple, (states * bias).tolist())) for bias in (1 - np.array(biases), np.array(biases)))
    return Started(transitions=matrices, start=weights, long_run=weights)


LEAKY = HiddenMarkov(process="leaky_rrxor")
LATE = Started(
    transitions=tuple(tuple(map(tuple, rows)) for rows in MESS3.matrices().tolist()),
    start=(1.0, 0.0, 0.0),
    long_run=(1 / 3, 1 / 3, 1 / 3),
)


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
    assert of_machine.truth(MESS3, 2, Budget()).oracle.value == MESS3.truth(2).oracle.value
    for given in (Absent("none of interest"), record.rounded(0.25, 1)):
        assert of_machine.truth(MESS3, 2, Budget(), oracle=given).oracle == given


def test_a_source_without_machine_is_refused(monkeypatch):
    monkeypatch.setattr(HiddenMarkov, "machine", lambda self: Absent("it is endless"))
    with pytest.raises(TypeError, match=r"no finite machine \(it is endless\)"):
        of_machine.truth(MESS3, 2, Budget())


def guess(value, margin):
    return Quantity(value=value, low=value - margin, high=value + margin, method="Monte Carlo", error=margin / 2)
