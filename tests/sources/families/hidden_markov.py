"""Hidden Markov chains, by summing over every path of states."""

import itertools

import numpy as np

from testbed.sources import HiddenMarkov
from tests.laws.enumeration import block_entropy, growth
from tests.sources.families.markov import stationary_vector

TRANSIENT = (
    ((0.1, 0.2, 0.3), (0.0, 0.6, 0.1), (0.0, 0.25, 0.0)),
    ((0.0, 0.0, 0.4), (0.0, 0.0, 0.3), (0.0, 0.5, 0.25)),
)
EXAMPLES = [
    HiddenMarkov(process="golden_mean"),
    HiddenMarkov(process="even", parameters=(0.3,)),
    HiddenMarkov(process="zero_one_random", parameters=(0.25,)),
    HiddenMarkov(process="random_insertion", parameters=(0.3, 0.6)),
    HiddenMarkov(process="nemo", parameters=(0.4, 0.7)),
    HiddenMarkov(process="rrxor"),
    HiddenMarkov(process="leaky_rrxor", parameters=(0.5, 0.4, 0.1)),
    HiddenMarkov(process="sns", parameters=(0.4, 0.7)),
    HiddenMarkov(process="mess3"),
    HiddenMarkov(process="mess3", parameters=(0.05, 0.85)),
    HiddenMarkov(transitions=TRANSIENT),
]
HALF = ((0.5, 0.0), (0.0, 0.5))
REFUSED = [
    ({}, "process=None", "give either"),
    ({"process": "even", "transitions": TRANSIENT}, "process='even'", "give either"),
    ({"process": "odd"}, "'odd'", "'golden_mean', 'even'"),
    ({"process": "mess3", "parameters": (0.1,)}, "mess3 has 2, namely x, a", "give all or none"),
    ({"process": "mess3", "parameters": (0.6, 0.5)}, "x=0.6", "between 0 and 0.5"),
    ({"process": "even", "parameters": (-0.1,)}, "p=-0.1", "the usual value is 0.5"),
    ({"process": "mess3", "parameters": (0.0, 0.5)}, "3 closed classes", "connect the classes"),
    ({"transitions": TRANSIENT, "parameters": (0.5,)}, "(0.5,)", "leave them out"),
    ({"transitions": (HALF, HALF)}, "2 closed classes", "connect the classes"),
    ({"transitions": (HALF, ((0.5, 0.0), (0.1, 0.5)))}, "1.1", "divide the row by its sum"),
    ({"transitions": (HALF, ((0.5, 0.0), (0.6, -0.1)))}, "-0.1", "correct that entry"),
    ({"transitions": (HALF, ((0.5, 0.0), (0.5,)))}, "ragged", "one square matrix"),
    ({"transitions": (((0.5, 0.5),), ((0.0, 0.0),))}, "(2, 1, 2)", "T[x][s][s']"),
    ({"transitions": ()}, "(0,)", "T[x][s][s']"),
    ({"transitions": np.full((2, 2, 2), 0.25)}, "of type ndarray", "give its .tolist()"),
    ({"transitions": (((1.0,),),)}, "number of symbols=1", "no information"),
]


def joint(source, length):
    return with_first_state(source, length).sum(0)


def with_first_state(source, length):
    """P(state before x_1, x_1..x_length)."""
    matrices = source.matrices()
    symbols, states, _ = matrices.shape
    joint = np.zeros((states, *(symbols,) * length))
    start = stationary_vector(matrices.sum(0))
    for string in itertools.product(range(symbols), repeat=length):
        onward = np.ones(states)
        for symbol in reversed(string):
            onward = matrices[symbol] @ onward
        joint[(slice(None), *string)] = start * onward
    return joint


def rate_bounds(source):
    """H(X_L | X_<L, state before X_1) and h_L; the former alone if the tokens and that state tell all later states."""
    informed = with_first_state(source, {2: 12, 3: 8}[source.alphabet])
    low = block_entropy(informed) - block_entropy(informed.sum(-1))
    unifilar = ((source.matrices() > 0).sum(2) <= 1).all()
    return low, low if unifilar else growth(informed.sum(0))[-1]


def told(source):
    """The next token beside the state."""
    return with_first_state(source, 1)
