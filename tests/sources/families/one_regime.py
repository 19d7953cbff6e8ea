"""One regime for ever: a mixture of chains."""

import numpy as np

from testbed.sources import OneRegime
from tests.laws.enumeration import growth
from tests.sources.families.block_stationary import TINY_LAWS
from tests.sources.families.markov import GOLDEN, markov_joint

TINY = {"vocabulary": 2, "regimes": 2, "laws": TINY_LAWS, "prior": (0.3, 0.7)}
COINS = {"vocabulary": 2, "regimes": 2, "order": 0}
EXAMPLES = [
    OneRegime(**TINY),
    OneRegime(vocabulary=2, regimes=2, laws=(GOLDEN, TINY_LAWS[0])),
    OneRegime(**COINS, laws=(((0.9, 0.1),), ((0.4, 0.6),))),
    OneRegime(**COINS, laws=(((1.0, 0.0),), ((0.4, 0.6),)), prior=(0.2, 0.8)),
    OneRegime(vocabulary=3, regimes=3, concentration=0.5, smoothing=0.1, seed=4),
]
REFUSED = [
    ({"order": 0, "concentration": 1e-8, "smoothing": 0.0}, "concentration=1e-08", "raise it"),
    ({"vocabulary": 1}, "vocabulary=1", "no information"),
    ({"regimes": 0}, "regimes=0", "a law to draw from"),
    ({"order": 2}, "order=2", "choose one"),
    ({**TINY, "prior": (0.5, 0.4)}, "0.9", "divide the row by its sum"),
]


def parts(source):
    """The probability of each regime, and its rows with one per previous symbol."""
    rows = source.components().repeat(source.vocabulary if source.order == 0 else 1, axis=1)
    return zip(source.regime_prior(), rows, strict=True)


def joint(source, length):
    return sum(probability * markov_joint(rows, 1, length) for probability, rows in parts(source))


def rate_bounds(source):
    """The mean of the rates of the chains, each the growth of the entropy of its strings."""
    rate = sum(probability * growth(markov_joint(rows, 1, 2))[-1] for probability, rows in parts(source))
    return rate, rate


def told(source):
    """The next token beside the regime and the last token."""
    return np.concatenate([probability * markov_joint(rows, 1, 2) for probability, rows in parts(source)])
