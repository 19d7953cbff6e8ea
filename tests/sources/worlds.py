"""The example worlds, and their law by enumeration of every hidden path: plain numpy, no kernel of the package."""

import functools
import itertools
import math

import jax
import msgspec
import numpy as np
import pytest

from testbed import catalog
from testbed.sources import BlockStationary, Budget, Iid, Markov

COUNT, LENGTH, SHORT = 20_000, 6, 5
GOLDEN = ((0.5, 0.5), (1.0, 0.0))
TINY_LAWS = (((0.9, 0.1), (0.3, 0.7)), ((0.2, 0.8), (0.95, 0.05)))
TINY = {"vocabulary": 2, "regimes": 2, "block_length": 3, "laws": TINY_LAWS, "prior": (0.3, 0.7)}

EXAMPLES = {
    "iid": [
        Iid(vocabulary=4),
        Iid(vocabulary=4, zipf=1.2),
        Iid(vocabulary=4, concentration=0.5, seed=3),
        Iid(vocabulary=4, weights=(0.5, 0.0, 0.3, 0.2)),
    ],
    "markov": [
        Markov(vocabulary=2, rows=((0.8, 0.2), (0.3, 0.7))),
        Markov(vocabulary=2, rows=GOLDEN),
        Markov(vocabulary=3, order=2, concentration=0.5, smoothing=0.1, seed=1),
    ],
    "block_stationary": [
        *(
            BlockStationary(**TINY, lengths=lengths, phase=phase, boundaries=boundaries)
            for lengths, phase, boundaries in itertools.product(
                ("fixed", "geometric"), ("aligned", "uniform"), ("hidden", "announced")
            )
        ),
        BlockStationary(vocabulary=4, regimes=2, block_length=3, order=0, smoothing=0.0, seed=2),
        BlockStationary(vocabulary=2, regimes=2, block_length=2, order=0, phase="uniform", boundaries="announced"),
        BlockStationary(vocabulary=2, regimes=2, block_length=1, lengths="geometric", laws=(GOLDEN, TINY_LAWS[0])),
    ],
}
WORLDS = [world for name in catalog.shelf("testbed.sources") for world in EXAMPLES.get(name, [])]


def label(world):
    fields = {name: value for name, value in msgspec.structs.asdict(world).items() if isinstance(value, str | int)}
    return "-".join([type(world).__name__, *map(str, fields.values())])


every_world = pytest.mark.parametrize("world", WORLDS, ids=label)


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


def segment_joint(source, regime, length, begins):
    """P(tokens) of a piece of one block, which does or does not begin within it."""
    law = source.components()[regime]
    announced = source.boundaries == "announced"
    own = length - (announced and begins)
    plain = markov_joint(np.repeat(law, source.vocabulary, 0) if len(law) == 1 else law, 1, own) if own else np.ones(())
    joint = np.pad(plain, [(0, source.alphabet - source.vocabulary)] * own) if own else plain
    if announced and begins:
        joint = np.multiply.outer(np.eye(source.alphabet)[source.vocabulary + regime], joint)
    return joint


def length_law(source):
    """P(length = s), P(length >= s) and Σ_{j > s} P(length >= j) of a block, as functions of s."""
    w = source.block_length
    if source.lengths == "fixed":
        return (lambda s: float(s == w)), (lambda s: float(s <= w)), (lambda s: float(max(w - s, 0)))
    stay = 1 - 1 / w
    return (lambda s: stay ** (s - 1) / w), (lambda s: stay ** (s - 1)), (lambda s: w * stay**s)


def segmentations(source, length):
    """All (pieces, does the first piece hold its block's beginning?, probability), by renewal theory."""
    exactly, at_least, beyond = length_law(source)
    for cuts in itertools.product((False, True), repeat=length - 1):
        ends = [*(t + 1 for t in range(length - 1) if cuts[t]), length]
        pieces = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        first, whole = pieces[0], len(pieces) == 1
        after = 1.0 if whole else math.prod(map(exactly, pieces[1:-1])) * at_least(pieces[-1])
        begins = at_least(first) if whole else exactly(first)
        begun = beyond(first) if whole else at_least(first + 1)
        if source.phase == "aligned":
            yield pieces, True, begins * after
        else:
            yield pieces, True, begins * after / source.block_length
            yield pieces, False, begun * after / source.block_length


@functools.lru_cache(maxsize=256)
def joint_by_first_regime(source, length):
    """P(first regime, x_1..x_length)."""
    if isinstance(source, Iid):
        return functools.reduce(np.multiply.outer, [source.law()] * length)[None]
    if isinstance(source, Markov):
        return markov_joint(source.transitions(), source.order, length)[None]
    prior = source.regime_prior()
    joint = np.zeros((source.regimes,) + (source.alphabet,) * length)
    for pieces, begins, probability in segmentations(source, length):
        if probability == 0:
            continue
        first = [prior[k] * segment_joint(source, k, pieces[0], begins) for k in range(source.regimes)]
        later = [
            sum(prior[k] * segment_joint(source, k, piece, True) for k in range(source.regimes)) for piece in pieces[1:]
        ]
        tail = functools.reduce(np.multiply.outer, later, np.ones(()))
        joint += probability * np.stack([np.multiply.outer(each, tail) for each in first])
    return joint


def joint_law(source, length):
    """P(x_1..x_length)."""
    return joint_by_first_regime(source, length).sum(0)


def block_entropy(probabilities):
    """Entropy in nats of an array of probabilities."""
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())


def reference_curve(source, length):
    """h_t as the growth of the entropy of ever longer strings."""
    joint = joint_law(source, length)
    totals = [block_entropy(joint.sum(axis=tuple(range(t, length)))) for t in range(length + 1)]
    return np.diff(totals)


@functools.lru_cache(maxsize=64)
def compiled(kernel):
    """A vectorised prediction, one program for all worlds whose tables have one shape."""
    return jax.jit(jax.vmap(kernel, in_axes=(None, 0)))


@functools.partial(jax.jit, static_argnums=0)
def sampled(kernel, tables, key):
    return jax.vmap(lambda each: kernel(tables, key=each, length=LENGTH))(jax.random.split(key, COUNT))


def samples(world, tables=None, seed=0):
    """COUNT sequences of LENGTH tokens and their latents, in float32."""
    return sampled(type(world).sample, tables or world.tables(), jax.random.key(seed))


@functools.lru_cache(maxsize=64)
def exact_truth(world):
    """The truth over windows of SHORT tokens, with a budget that enumerates all of it."""
    return world.truth(SHORT, budget=Budget(contexts=2**20))
