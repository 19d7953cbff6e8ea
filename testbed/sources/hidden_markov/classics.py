"""Hidden Markov chains with a name: T[x, s, s'] = P(X = x, next state = s' | state = s)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Matrices = Float[np.ndarray, "V S S"]
Edge = tuple[int, int, int, float]


class Classic(NamedTuple):
    """How to build a classic, its parameters with their usual values, and the largest values they may take."""

    build: Callable[..., Matrices]
    defaults: dict[str, float]
    largest: dict[str, float]


def golden_mean(p: float) -> Matrices:
    """Return the process without two 1s in a row: after a 0 comes a 1 with probability p.

    Source: Crutchfield and Feldman (2003), "Regularities unseen, randomness observed", cond-mat/0102181.
    """
    return _of_edges((0, 0, 0, 1 - p), (1, 0, 1, p), (0, 1, 0, 1.0))


def even(p: float) -> Matrices:
    """Return the process whose 1s come in runs of even length, a run being begun or prolonged with probability p.

    Source: Crutchfield and Feldman (2003), cond-mat/0102181.
    """
    return _of_edges((0, 0, 0, 1 - p), (1, 0, 1, p), (1, 1, 0, 1.0))


def zero_one_random(p: float) -> Matrices:
    """Return the repetition of a 0, a 1 and a random bit, which is 1 with probability p, in unknown phase.

    Source: Shai et al. (2024), "Transformers represent belief state geometry in their residual stream", 2405.15943.
    """
    return _of_edges((0, 0, 1, 1.0), (1, 1, 2, 1.0), (0, 2, 0, 1 - p), (1, 2, 0, p))


def random_insertion(p: float, q: float) -> Matrices:
    """Return a random bit (0 with probability p), after a 0 another one (0 with probability q), then a 1, repeated.

    Source: Crutchfield, Ellison and Mahoney (2009), "Time's barbed arrow", 0902.1209.
    """
    return _of_edges((0, 0, 1, p), (1, 0, 2, 1 - p), (0, 1, 2, q), (1, 1, 2, 1 - q), (1, 2, 0, 1.0))


def nemo(p: float, q: float) -> Matrices:
    """Return 1s that go on with probability p, then two 0s and a bit that is 1 with probability q, repeated.

    Source: Mahoney, Ellison and Crutchfield (2009), "Information accessibility and cryptic processes", 0905.4787.
    """
    return _of_edges((1, 0, 0, p), (0, 0, 1, 1 - p), (0, 1, 2, 1.0), (1, 2, 0, q), (0, 2, 0, 1 - q))


def rrxor(p: float, q: float) -> Matrices:
    """Return two random bits, 0 with probabilities p and q, then their exclusive or, repeated in unknown phase.

    The states: before the first bit, after a 0, after a 1, before a 0 (the bits agree), before a 1 (they differ).
    Source: Crutchfield and Feldman (2003), cond-mat/0102181.
    """
    second = (0, 1, 3, q), (1, 1, 4, 1 - q), (0, 2, 4, q), (1, 2, 3, 1 - q)
    return _of_edges((0, 0, 1, p), (1, 0, 2, 1 - p), *second, (0, 3, 0, 1.0), (1, 4, 0, 1.0))


def leaky_rrxor(p: float, q: float, leak: float) -> Matrices:
    """Return RRXOR that with probability `leak` emits a uniform bit and jumps to a uniform state instead.

    Source: the leak is this definition; for RRXOR itself, Crutchfield and Feldman (2003), cond-mat/0102181.
    """
    return np.asarray((1 - leak) * rrxor(p, q) + leak / 10)


def sns(p: float, q: float) -> Matrices:
    """Return the simple non-unifilar source: 0s, during which state 0 becomes 1 unseen (p) and 1 ends with a 1 (q).

    No finite set of states tells what a context says: the beliefs are countably many.
    Source: Marzen and Crutchfield (2017), "Nearly maximally predictive features and their dimensions", 1702.08565.
    """
    return _of_edges((0, 0, 0, 1 - p), (0, 0, 1, p), (0, 1, 1, 1 - q), (1, 1, 0, q))


def mess3(x: float, a: float) -> Matrices:
    """Return a chain of three states that moves to each other one with probability x; a token names the new state.

    It does so rightly with probability a, and names either other state otherwise. The beliefs form a fractal.
    Source: Marzen and Crutchfield (2017), 1702.08565.
    """
    chain_SS = np.where(np.eye(3) > 0, 1 - 2 * x, x)
    named_VS = np.where(np.eye(3) > 0, a, (1 - a) / 2)
    return np.asarray(named_VS[:, None, :] * chain_SS[None, :, :])


def _of_edges(*edges: Edge) -> Matrices:
    """Return the matrices of (symbol, state, next state, probability); probabilities of one place add up."""
    symbols, states = 1 + max(edge[0] for edge in edges), 1 + max(edge[1] for edge in edges)
    matrices = np.zeros((symbols, states, states))
    for symbol, state, following, probability in edges:
        matrices[symbol, state, following] += probability
    return matrices


def known_name(name: str) -> str:
    """Return the name under which a process is filed, as far as it has another one in the literature.

    >>> known_name("Z1R"), known_name("Golden-Mean"), known_name("unheard of")
    ('zero_one_random', 'golden_mean', 'unheard of')
    """
    spelt = name.lower().replace("-", "_")
    return SYNONYMS.get(spelt, spelt)


SYNONYMS = {"z1r": "zero_one_random", "even_process": "even", "golden_mean_process": "golden_mean"}

CLASSICS = {
    "golden_mean": Classic(golden_mean, {"p": 0.5}, {}),
    "even": Classic(even, {"p": 0.5}, {}),
    "zero_one_random": Classic(zero_one_random, {"p": 0.5}, {}),
    "random_insertion": Classic(random_insertion, {"p": 0.5, "q": 0.5}, {}),
    "nemo": Classic(nemo, {"p": 0.5, "q": 0.5}, {}),
    "rrxor": Classic(rrxor, {"p": 0.5, "q": 0.5}, {}),
    "leaky_rrxor": Classic(leaky_rrxor, {"p": 0.5, "q": 0.5, "leak": 0.05}, {}),
    "sns": Classic(sns, {"p": 0.5, "q": 0.5}, {}),
    "mess3": Classic(mess3, {"x": 0.15, "a": 0.6}, {"x": 0.5}),
}
