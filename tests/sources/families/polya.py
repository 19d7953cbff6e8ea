"""Pólya's urn, by the moments of the Dirichlet law, which are ratios of gamma functions."""

import itertools
import math

import numpy as np
from scipy.integrate import quad

from testbed.sources import Polya

EXAMPLES = [
    Polya(vocabulary=2, concentration=0.5),
    Polya(vocabulary=2, weights=(0.2, 3.0)),
    Polya(vocabulary=4, concentration=0.1),
    Polya(vocabulary=3, weights=(2.0, 1.0, 0.5)),
]
REFUSED = [
    ({"vocabulary": 1}, "vocabulary=1", "no information"),
    ({"vocabulary": 2, "concentration": 0.0}, "concentration holds 0.0", "give for example 1.0"),
    ({"vocabulary": 2, "concentration": float("inf")}, "concentration holds inf", "give for example 1.0"),
    ({"vocabulary": 2, "concentration": 1e-40}, "concentration holds 1e-40", "between 1e-30 and 1e+30"),
    ({"vocabulary": 2, "weights": (1.0, float("nan"))}, "weights holds nan", "give for example 1.0"),
    ({"vocabulary": 2, "weights": (1.0, -2.0)}, "weights holds -2.0", "give for example 1.0"),
    ({"vocabulary": 3, "weights": (1.0, 2.0)}, "2 numbers for 3 symbols", "one number per symbol"),
]


def joint(source, length):
    weights = source.weights or (source.concentration,) * source.vocabulary
    joint = np.zeros((source.vocabulary,) * length)
    for string in itertools.product(range(source.vocabulary), repeat=length):
        joint[string] = moment(weights, [string.count(v) for v in range(source.vocabulary)])
    return joint


def rate_bounds(source):
    """Minus the mean of p·ln p over the law of each symbol's probability, Beta(w, A-w), by quadrature."""
    weights = source.weights or (source.concentration,) * source.vocabulary
    rate = sum(mean_surprise(weight, sum(weights) - weight) for weight in weights)
    return rate - 1e-9, rate + 1e-9


def moment(weights, counts):
    """E[Π_v p_v^counts_v] of a Dirichlet law."""
    log = math.lgamma(sum(weights)) - math.lgamma(sum(weights) + sum(counts))
    return math.exp(log + sum(math.lgamma(w + c) - math.lgamma(w) for w, c in zip(weights, counts, strict=True)))


def mean_surprise(a, b):
    """E[-p·ln p] of Beta(a, b), p = 1/(1 + e^-s) integrated over s."""
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)

    def integrand(s):
        log_p, log_q = -np.logaddexp(0, -s), -np.logaddexp(0, s)
        return -log_p * math.exp(scale + (a + 1) * log_p + b * log_q)

    reach = 45 / min(a + 1, b)
    return sum(quad(integrand, *ends, epsabs=1e-13, limit=200)[0] for ends in ((-reach, 0), (0, reach)))


def oracle_bounds(source):
    """Those of the rate: whoever has read for ever knows the law."""
    return rate_bounds(source)
