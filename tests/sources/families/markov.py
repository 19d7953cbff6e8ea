"""Markov chains, by multiplying rows along every string."""

import itertools

import numpy as np

from testbed.sources import Markov
from tests.sources.enumeration import growth

GOLDEN = ((0.5, 0.5), (1.0, 0.0))
EXAMPLES = [
    Markov(vocabulary=2, rows=((0.8, 0.2), (0.3, 0.7))),
    Markov(vocabulary=2, rows=GOLDEN),
    Markov(vocabulary=3, order=2, concentration=0.5, smoothing=0.1, seed=1),
]


def joint(source, length):
    return markov_joint(source.transitions(), source.order, length)


def rate_bounds(source):
    """The growth of the entropy of strings, once they are longer than the order."""
    rate = growth(joint(source, source.order + 1))[-1]
    return rate, rate


def stationary_vector(chain):
    """The left eigenvector of eigenvalue 1, by an eigenvalue solver."""
    values, vectors = np.linalg.eig(chain.T)
    vector = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    return vector / vector.sum()


def markov_joint(rows, order, length):
    """P(x_1..x_length) of the stationary chain, as an array with one axis per token."""
    symbols = rows.shape[1]
    strings = list(itertools.product(range(symbols), repeat=order))
    chain = np.array(
        [
            [rows[i, after[-1]] if after[:-1] == before[1:] else 0.0 for after in strings]
            for i, before in enumerate(strings)
        ]
    )
    start = stationary_vector(chain).reshape((symbols,) * order)
    if length <= order:
        return start.sum(axis=tuple(range(length, order)))
    joint = np.zeros((symbols,) * length)
    for string in itertools.product(range(symbols), repeat=length):
        probability = start[string[:order]]
        for t in range(order, length):
            probability *= rows[strings.index(string[t - order : t]), string[t]]
        joint[string] = probability
    return joint
