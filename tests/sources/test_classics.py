"""The classics as their definitions say, written out at unequal parameters, and their rates by renewal."""

import itertools

import numpy as np
import pytest

from testbed.sources import HiddenMarkov
from testbed.sources.hidden_markov.classics import CLASSICS, rrxor
from tests.laws.enumeration import block_entropy

P, Q = 0.3, 0.6
RRXOR = [
    [[0, P, 0, 0, 0], [0, 0, 0, Q, 0], [0, 0, 0, 0, Q], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
    [[0, 0, 1 - P, 0, 0], [0, 0, 0, 0, 1 - Q], [0, 0, 0, 1 - Q, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]],
]
WRITTEN = {
    "golden_mean": ((P,), [[[0.7, 0], [1, 0]], [[0, 0.3], [0, 0]]]),
    "even": ((P,), [[[0.7, 0], [0, 0]], [[0, 0.3], [1, 0]]]),
    "zero_one_random": ((P,), [[[0, 1, 0], [0, 0, 0], [0.7, 0, 0]], [[0, 0, 0], [0, 0, 1], [0.3, 0, 0]]]),
    "random_insertion": ((P, Q), [[[0, 0.3, 0], [0, 0, 0.6], [0, 0, 0]], [[0, 0, 0.7], [0, 0, 0.4], [1, 0, 0]]]),
    "nemo": ((P, Q), [[[0, 0.7, 0], [0, 0, 1], [0.4, 0, 0]], [[0.3, 0, 0], [0, 0, 0], [0.6, 0, 0]]]),
    "rrxor": ((P, Q), RRXOR),
    "leaky_rrxor": ((P, Q, 0.2), 0.8 * np.array(RRXOR) + 0.02),
    "sns": ((P, Q), [[[0.7, 0.3], [0, 0.4]], [[0, 0], [0.6, 0]]]),
    "mess3": (
        (0.1, 0.7),
        [
            [[0.56, 0.015, 0.015], [0.07, 0.12, 0.015], [0.07, 0.015, 0.12]],
            [[0.12, 0.07, 0.015], [0.015, 0.56, 0.015], [0.015, 0.07, 0.12]],
            [[0.12, 0.015, 0.07], [0.015, 0.12, 0.07], [0.015, 0.015, 0.56]],
        ],
    ),
}


def check_matrices(process, matrices):
    np.testing.assert_allclose(matrices, WRITTEN[process][1], atol=1e-15)


def test_every_classic_is_written_out():
    assert WRITTEN.keys() == CLASSICS.keys()


@pytest.mark.parametrize("process", CLASSICS)
def test_matrices_are_those_of_the_definition(process):
    check_matrices(process, HiddenMarkov(process=process, parameters=WRITTEN[process][0]).matrices())


@pytest.mark.parametrize("process", CLASSICS)
def test_law_rejects_parameters_that_are_turned_round_exchanged_or_ignored(process):
    given = WRITTEN[process][0]
    turned = [(*given[:place], 1 - given[place], *given[place + 1 :]) for place in range(len(given))]
    others = {*turned, *itertools.permutations(given), (given[0],) * len(given)} - {given}
    for parameters in others:
        with pytest.raises(AssertionError):
            check_matrices(process, CLASSICS[process].build(*parameters))


def test_law_rejects_a_leak_into_the_same_state():
    with pytest.raises(AssertionError):
        check_matrices("leaky_rrxor", 0.8 * rrxor(P, Q) + 0.2 * np.eye(5) / 2)


def coin(p):
    return block_entropy(np.array([p, 1 - p]))


def gaps(p, q, longest=400):
    """P(n tokens from one 1 to the next): the sum of two waiting times."""
    waits = [r * (1 - r) ** np.arange(longest) for r in (p, q)]
    return np.convolve(*waits)[:longest]


@pytest.mark.parametrize(
    ("process", "rate"),
    [
        ("golden_mean", coin(P) / (1 + P)),
        ("even", coin(P) / (1 + P)),
        ("zero_one_random", coin(P) / 3),
        ("random_insertion", (coin(P) + P * coin(Q)) / (2 + P)),
        ("nemo", (coin(P) / (1 - P) + coin(Q)) / (1 / (1 - P) + 2)),
        ("rrxor", (coin(P) + coin(Q)) / 3),
        ("sns", block_entropy(gaps(P, Q)) / (1 / P + 1 / Q)),
    ],
)
def test_rates_are_the_entropy_of_a_round_over_its_mean_length(process, rate):
    found = HiddenMarkov(process=process, parameters=WRITTEN[process][0]).truth(2).rate
    assert found.low - 1e-12 <= rate <= found.high + 1e-12 and found.error < 1e-3
