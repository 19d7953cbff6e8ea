"""Markov chains with a matrix per sequence, by the moments of the Dirichlet law of each row."""

import itertools
import math

import numpy as np
from scipy.integrate import quad
from scipy.special import hyp2f1

from testbed.sources import InContextMarkov, Polya
from tests.sources.families import polya

EXAMPLES = [
    InContextMarkov(vocabulary=2),
    InContextMarkov(vocabulary=2, concentration=0.4),
    InContextMarkov(vocabulary=3, concentration=0.5),
    InContextMarkov(vocabulary=2, order=2, concentration=2.0),
    InContextMarkov(vocabulary=4, order=3, concentration=0.01),
]
REFUSED = [
    ({"vocabulary": 1}, "vocabulary=1", "no information"),
    ({"vocabulary": 2, "order": 0}, "order=0", "use the source polya"),
    ({"vocabulary": 2, "concentration": 0.0}, "concentration holds 0.0", "give for example 1.0"),
    ({"vocabulary": 2048}, "2048^2 transitions", "lower the vocabulary"),
    ({"vocabulary": 2, "order": 10**9}, "2^1000000001 transitions", "lower the vocabulary"),
]


def joint(source, length):
    symbols, order = source.vocabulary, source.order
    joint = np.zeros((symbols,) * length)
    for string in itertools.product(range(symbols), repeat=length):
        followers = {}
        for t in range(order, length):
            followers.setdefault(string[t - order : t], []).append(string[t])
        rows = [
            polya.moment((source.concentration,) * symbols, [seen.count(v) for v in range(symbols)])
            for seen in followers.values()
        ]
        joint[string] = math.prod(rows) / symbols ** min(order, length)
    return joint


def rate_bounds(source):
    """For two states, one integral: E[b/(a+b)] over the other chance is a hypergeometric function of -1/a.

    Otherwise five standard errors about the mean over random matrices, each raised to a high power, less what the mean
    entropy of their rows explains of it, whose own mean is known.
    """
    c = source.concentration
    if (source.vocabulary, source.order) == (2, 1):
        beta = math.gamma(2 * c) / math.gamma(c) ** 2

        def integrand(a):
            entropy = -a * math.log(a) - (1 - a) * math.log1p(-a)
            return 2 * beta * (a * (1 - a)) ** (c - 1) * entropy * (1 - hyp2f1(1, c, 2 * c, -1 / a))

        rate = quad(integrand, 0, 1, epsabs=1e-12, limit=200)[0]
        return rate - 1e-8, rate + 1e-8
    if source.concentration < 0.02:
        return None
    rates, rows = sampled_rates(source, 40_000)
    rows -= np.mean(polya.rate_bounds(Polya(vocabulary=source.vocabulary, concentration=c)))
    spread = rows - rows.mean()
    rates -= spread @ rates / (spread @ spread) * rows
    margin = 5 * rates.std() / math.sqrt(len(rates))
    return rates.mean() - margin, rates.mean() + margin


def sampled_rates(source, count):
    """The entropy rates of random matrices, and the plain means of the entropies of their rows."""
    symbols, contexts = source.vocabulary, source.vocabulary**source.order
    rows = np.random.default_rng(1).gamma(source.concentration, size=(count, contexts, symbols))
    rows /= rows.sum(-1, keepdims=True)
    chains = np.zeros((count, contexts, contexts))
    for before, after in itertools.product(itertools.product(range(symbols), repeat=source.order), range(symbols)):
        here, there = (sum(v * symbols**i for i, v in enumerate(reversed(s))) for s in (before, (*before[1:], after)))
        chains[:, here, there] += rows[:, here, after]
    lazy = (chains + np.eye(contexts)) / 2
    for _ in range(20):
        lazy = lazy @ lazy
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = np.where(rows > 0, -rows * np.log(rows), 0.0)
    entropies = surprise.sum(-1)
    return (lazy[:, 0, :] * entropies).sum(-1), entropies.mean(-1)


def oracle_bounds(source):
    """Those of the rate: whoever has read for ever knows the matrix."""
    return rate_bounds(source)
