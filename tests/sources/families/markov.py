"""Markov chains, by multiplying rows along every string."""

import itertools

import numpy as np

from testbed.sources import Markov
from tests.laws.enumeration import growth

GOLDEN = ((0.5, 0.5), (1.0, 0.0))
CHAIN, BACK = Markov(vocabulary=2, rows=((0.8, 0.2), (0.3, 0.7))), Markov(vocabulary=2, rows=((0.3, 0.7), (0.8, 0.2)))
GOLDEN_MEAN = Markov(vocabulary=2, rows=GOLDEN)
EXAMPLES = [
    CHAIN,
    GOLDEN_MEAN,
    Markov(vocabulary=3, order=2, concentration=0.5, smoothing=0.1, seed=1),
    Markov(vocabulary=3, order=2, support=2, seed=2),
    Markov(vocabulary=4, zipf=1.5, seed=3),
]
REFUSED = [
    ({"vocabulary": 4, "concentration": 1e-12}, "concentration=1e-12", "raise it"),
    ({"vocabulary": 4, "support": 2, "concentration": 1e-6}, "concentration=1e-06", "raise it"),
    ({"vocabulary": 4, "support": 1}, "support=1", "fixed cycle"),
    ({"vocabulary": 4, "support": 5}, "support=5", "give at most that"),
    ({"vocabulary": 4, "support": 2, "smoothing": 0.1}, "support=2", "leave one out"),
    ({"vocabulary": 4, "zipf": -1.0}, "zipf=-1.0", "from frequent to rare"),
    ({"vocabulary": 4, "zipf": 1.0, "order": 2}, "zipf=1.0", "leave it or order out"),
    ({"vocabulary": 4, "zipf": 1.0, "support": 2}, "support and zipf are both given", "leave only one"),
    ({"vocabulary": 2, "rows": GOLDEN, "support": 2}, "rows and support are both given", "leave only one"),
    ({"vocabulary": 8, "zipf": 2.0, "concentration": 0.03, "seed": 3}, "off by 1", "raise the smoothing"),
    ({"vocabulary": 8, "zipf": 3.0, "concentration": 0.001, "seed": 1}, "too uneven", "raise the smoothing"),
]


def joint(source, length):
    return markov_joint(source.transitions(), source.order, length)


def rate_bounds(source):
    """The growth of the entropy of strings, once they are longer than the order."""
    rate = growth(joint(source, source.order + 1))[-1]
    return rate, rate


def told(source):
    """The next token beside the last k ones."""
    return joint(source, source.order + 1).reshape(-1, source.vocabulary)


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
