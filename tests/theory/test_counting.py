"""Exact bias and variance of learners that count: against enumeration, binomial sums, known limits, and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import binom

from testbed.measure.regret import regrets
from testbed.predictors import Counting
from testbed.sources import Absent, HiddenMarkov, Iid, Markov, Polya
from testbed.theory.counting import (
    Training,
    bias,
    conditional_entropy,
    count_law,
    expected_log,
    law,
    leading,
    parts,
    redundancy,
    words,
)

CHAIN = Markov(vocabulary=2, order=2, concentration=2.0, seed=1)
WORLDS = {
    "independent": Iid(vocabulary=3, weights=(0.5, 0.3, 0.2)),
    "chain": Markov(vocabulary=3, concentration=2.0, seed=2),
    "chain of order 2": CHAIN,
    "hidden": HiddenMarkov.exhibit(),
}


def strings(symbols, length):
    return list(itertools.product(range(symbols), repeat=length))


def chances(world, length):
    """P of each string of a chain, by its rows and a stationary law found by powers of the chain."""
    rows, symbols, order = world.transitions(), world.alphabet, world.order
    contexts = strings(symbols, order)
    start = np.full(len(contexts), 1 / len(contexts))
    step = np.zeros((len(contexts), len(contexts)))
    for at, context in enumerate(contexts):
        for symbol in range(symbols):
            step[at, contexts.index((*context, symbol)[1:])] = rows[at, symbol]
    start = start @ np.linalg.matrix_power(step, 500)
    found = {}
    for string in strings(symbols, length):
        chance = start[contexts.index(string[:order])]
        for place in range(order, length):
            chance *= rows[contexts.index(string[place - order : place]), string[place]]
        found[string] = chance
    return found


def test_words_and_rows_are_those_of_long_hand():
    exact = chances(CHAIN, 4)
    np.testing.assert_allclose(words(CHAIN, 4), list(exact.values()), atol=1e-13)
    np.testing.assert_allclose(law(CHAIN, 2), CHAIN.transitions(), atol=1e-12)
    short = law(CHAIN, 1)
    ones = sum(chance for string, chance in exact.items() if string[:2] == (1, 0))
    assert short[1, 0] == pytest.approx(ones / sum(chance for string, chance in exact.items() if string[0] == 1))


@pytest.mark.parametrize("order", [0, 1])
def test_bias_is_the_information_in_what_the_learner_does_not_see(order):
    """I(X_t; older | last k) as a sum over all strings of the ratio of joint and conditional laws."""
    length = 4
    exact = chances(CHAIN, length)
    for place in range(length):
        marginal = {}
        for string, chance in exact.items():
            head = string[: place + 1]
            for key in (
                (0, head),
                (1, head[:-1]),
                (2, head[max(place - order, 0) :]),
                (3, head[max(place - order, 0) : -1]),
            ):
                marginal[key] = marginal.get(key, 0.0) + chance
        information = sum(
            chance
            * math.log(
                chance
                * marginal[(3, head[max(place - order, 0) : -1])]
                / (marginal[(1, head[:-1])] * marginal[(2, head[max(place - order, 0) :])])
            )
            for (kind, head), chance in marginal.items()
            if kind == 0
        )
        assert bias(CHAIN, order, length)[place] == pytest.approx(information, abs=1e-12)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_bias_falls_with_the_order_to_nothing(world):
    length = 4
    levels = [bias(world, order, length).mean() for order in range(length)]
    assert all(one >= other - 1e-12 for one, other in itertools.pairwise(levels))
    assert levels[-1] == pytest.approx(0.0, abs=1e-12)
    assert conditional_entropy(world, 2) == pytest.approx(world.truth(3).curve[2].value, abs=1e-12)


@pytest.mark.parametrize(("order", "targets"), [(0, (1,)), (1, (2,)), (1, (0, 1)), (2, (5,)), (3, (6,))])
@pytest.mark.parametrize("windows", [1, 3])
def test_the_law_of_a_count_is_that_of_all_strings(order, targets, windows):
    length = 5
    once = np.zeros(length + 1)
    for string, chance in chances(CHAIN, length).items():
        found = [int("".join(map(str, string[at : at + order + 1])), 2) for at in range(length - order)]
        once[sum(word in targets for word in found)] += chance
    wanted = np.ones(1)
    for _ in range(windows):
        wanted = np.convolve(wanted, once)
    np.testing.assert_allclose(
        count_law(CHAIN, order, np.array(targets), Training(windows, length)), wanted, atol=1e-13
    )


def test_counts_of_independent_tokens_are_binomial():
    found = count_law(WORLDS["independent"], 0, np.array([1]), Training(windows=4, length=6))
    np.testing.assert_allclose(found, binom.pmf(np.arange(25), 24, 0.3), atol=1e-13)


def test_the_expected_logarithm_is_that_of_all_training_sets():
    trained, order, beta = Training(windows=2, length=4), 1, 0.3
    single = chances(CHAIN, trained.length)
    wanted = np.zeros((2, 2))
    for first, second in itertools.product(single, single):
        counts = np.full((2, 2), beta)
        for string in (first, second):
            for pair in itertools.pairwise(string):
                counts[pair] += 1
        wanted += single[first] * single[second] * np.log(counts / counts.sum(1, keepdims=True))
    np.testing.assert_allclose(expected_log(CHAIN, order, beta, trained), wanted, atol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_variance_tends_to_parameters_over_twice_the_tokens(order, beta):
    """Within 2 % at some thousand tokens per parameter; a tenth more or less is told apart."""
    world = Markov(vocabulary=2, order=max(order, 1), smoothing=0.5, concentration=3.0, seed=4)
    world = world if order else Iid(vocabulary=2, weights=(0.4, 0.6))
    trained = Training(windows=100, length=256)
    tokens = trained.windows * (trained.length - order)
    found = parts(world, order, beta, trained, order + 1).variance_L[order]
    assert found == pytest.approx(leading(2, order, tokens), rel=0.02)


@pytest.mark.parametrize("tokens", [1, 7, 40])
def test_redundancy_is_the_sum_of_what_each_token_costs(tokens):
    """Token by token, after t tokens: Σ_v p_v·(log p_v − E log((n_v + ½)/(t + V/2)))."""
    world = WORLDS["independent"]
    each = [parts(world, 0, 0.5, Training(1, max(t, 1)), 1).variance_L[0] for t in range(1, tokens)]
    first = float(xlogy(world.law(), world.law() * 3).sum())
    assert redundancy(world.law(), tokens) == pytest.approx(first + sum(each), abs=1e-10)


def test_redundancy_is_the_regret_of_the_predictor_on_all_windows():
    world = WORLDS["independent"]
    found = {each["predictor"]: each["regret"] for each in regrets(world, 6, predictors=[Counting(order=0)])}
    assert found["KT, order 0"] * 6 == pytest.approx(redundancy(world.law(), 6), abs=1e-10)


def test_redundancy_grows_with_half_a_logarithm_for_each_parameter():
    law_V = WORLDS["independent"].law()
    assert redundancy(law_V, 40_000) - redundancy(law_V, 10_000) == pytest.approx(math.log(4), rel=1e-3)


def test_what_has_no_expectation_is_refused():
    with pytest.raises(ValueError, match="unseen"):
        expected_log(CHAIN, 1, 0.0, Training(1, 8))
    with pytest.raises(ValueError, match="finite machine"):
        words(Polya.exhibit(), 2)
    assert isinstance(Polya.exhibit().machine(), Absent) or not Polya.exhibit().stationary
    with pytest.raises(ValueError, match="laid out"):
        words(CHAIN, 17)
