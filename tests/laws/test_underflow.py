"""No state of a world is ruled out because its probability became small: evidence may turn, however long it took.

Contexts speak for one hypothesis until the other one's probability is below the smallest float32, then below the
smallest float64, and against it afterwards. The oracles are sums over states in logs, in numpy.
"""

import functools

import jax
import msgspec
import numpy as np
import pytest

from testbed.sources import (
    BlockStationary,
    CopySpans,
    DirichletBlocks,
    Grammar,
    HiddenMarkov,
    Iid,
    Mixture,
    Noisy,
    OneRegime,
    TimeReversed,
)
from tests.sources.worlds import compiled, label

LENGTH = 420
COINS = (((0.999, 0.001),), ((0.001, 0.999),))
TURNS = [(20, 40), (115, 250), (200, 200)]
"""So many zeros, then so many ones, then zeros."""
ERROR = {np.float32: {"rtol": 1e-3, "atol": 0.02}, np.float64: {"rtol": 1e-10, "atol": 1e-10}}
"""Of log-probabilities: a thousand nats of evidence are held to 2^-14 in float32."""
ONE = OneRegime(vocabulary=2, regimes=2, order=0, laws=COINS)
BLOCKS = {"vocabulary": 2, "regimes": 2, "order": 0, "laws": COINS}
SWITCH = (  # symbol 2 is all that leads from one state to the other
    ((0.998, 0.0), (0.0, 0.001)),
    ((0.001, 0.0), (0.0, 0.998)),
    ((0.0005, 0.0005), (0.0005, 0.0005)),
)
STEPS = (((0.999, 0.001), (0.999, 0.001)), ((0.001, 0.999), (0.001, 0.999)))
PLANTED = [
    ONE,
    BlockStationary(**BLOCKS, block_length=440),
    BlockStationary(**BLOCKS, block_length=300, phase="uniform"),
    BlockStationary(**BLOCKS, block_length=300, phase="uniform", boundaries="announced"),
    Mixture(parts=(Iid(vocabulary=2, weights=COINS[0][0]), Iid(vocabulary=2, weights=COINS[1][0]))),
    HiddenMarkov(transitions=SWITCH),
    Noisy(base=ONE, sigma=1e-4),
    Noisy(base=BlockStationary(**BLOCKS, block_length=440), sigma=1e-4),
    TimeReversed(base=OneRegime(vocabulary=2, regimes=2, laws=STEPS)),
    DirichletBlocks(vocabulary=2, concentration=0.01, block_length=300, phase="uniform"),
    CopySpans(vocabulary=2, span=40, gaps=(0, 40), zipf=40.0),
    Grammar(vocabulary=2, depth=4, rules=2, branching=3, zipf=40.0, seed=1),
]


def contexts(world):
    """The turns; rare tokens that look like copies until one is none; sentences that could come but hardly would."""
    if isinstance(world, CopySpans):
        return np.array([[1] * 70 + [0] * 10, [1] * 80], np.int32)
    if isinstance(world, Grammar):
        likely = msgspec.structs.replace(world, zipf=0.0)
        keys = jax.random.split(jax.random.key(1), 64)[5:13]
        return np.asarray(jax.vmap(lambda key: likely.sample(likely.tables(), key=key, length=3**4)[0])(keys))
    return np.array([[0] * first + [1] * then + [0] * (LENGTH - first - then) for first, then in TURNS], np.int32)


def forward(machine, tokens_L):
    """log P(X_t = v | X_<t) over the edges of a machine, in logs."""
    with np.errstate(divide="ignore"):
        log_S, log_E = np.log(machine.initial_S), np.log(machine.probability_E)
    rows = []
    for token in tokens_L:
        weight_E = log_S[machine.origin_E] + log_E
        law_V = np.full(machine.symbols, -np.inf)
        np.logaddexp.at(law_V, machine.symbol_E, weight_E)
        rows.append(law_V - np.logaddexp.reduce(law_V))
        seen_E = np.where(machine.symbol_E == token, weight_E, -np.inf)
        seen_E = seen_E if seen_E.max() > -np.inf else weight_E
        log_S = np.full(len(log_S), -np.inf)
        np.logaddexp.at(log_S, machine.target_E, seen_E)
        log_S -= np.logaddexp.reduce(log_S)
    return np.array(rows)


def urns(world, tokens_L):
    """The same of hidden blocks of fixed length in uniform phase: the offset of the first boundary is unknown."""
    weight_V, length = world.dirichlet(), world.block_length
    log_offset_O = np.full(length, -np.log(length))
    begin_O = np.where(np.arange(length) == 0, 0, np.arange(length) - length)
    counts_OV, rows = np.zeros((length, 2)), []
    for time, token in enumerate(tokens_L):
        counts_OV[(time - begin_O) % length == 0] = 0
        law_OV = np.log(counts_OV + weight_V) - np.log(counts_OV.sum(1, keepdims=True) + weight_V.sum())
        rows.append(np.logaddexp.reduce(log_offset_O[:, None] + law_OV))
        log_offset_O += law_OV[:, token]
        log_offset_O -= np.logaddexp.reduce(log_offset_O)
        counts_OV[:, token] += 1
    return np.array(rows)


def copies(world, tokens_L):
    """The same of the first episode, either of whose gaps may be the one."""
    fresh_V, odds, rows = np.log(world.fresh_law()), 0.0, []
    for time, token in enumerate(tokens_L):
        if time < 40:
            rows.append(fresh_V)
            continue
        copied_V = np.where(np.arange(2) == tokens_L[time - 40], 0, -np.inf)
        total = np.logaddexp(odds, 0)
        rows.append(np.logaddexp(odds - total + copied_V, -total + fresh_V))
        odds += copied_V[token] - fresh_V[token]
    return np.array(rows)


def trees(world, tokens_L):
    """The same of one tree of a grammar, from the probabilities of its beginnings."""
    log_law_R, children_NVRC = np.log(world.rule_law()), world.productions()

    @functools.cache
    def inside_V(level, leaves):
        """log P(the leaves that are known | symbol of the node above them)."""
        if not leaves:
            return np.zeros(2)
        if level == 0:
            return np.where(np.arange(2) == leaves[0], 0, -np.inf)
        size = 3 ** (level - 1)
        parts = [inside_V(level - 1, leaves[child * size : (child + 1) * size]) for child in range(3)]
        each_VR = sum(part_V[children_NVRC[level - 1, :, :, child]] for child, part_V in enumerate(parts))
        return np.logaddexp.reduce(each_VR + log_law_R, axis=1)

    def begins(leaves):
        return np.logaddexp.reduce(inside_V(4, tuple(leaves))) - np.log(2)

    tokens = tokens_L.tolist()
    joint_LV = np.array([[begins([*tokens[:time], symbol]) for symbol in range(2)] for time in range(len(tokens))])
    return joint_LV - np.logaddexp.reduce(joint_LV, axis=1, keepdims=True)


@functools.lru_cache(maxsize=32)
def expected(world):
    oracle = {DirichletBlocks: urns, CopySpans: copies, Grammar: trees}.get(type(world))
    return np.stack([oracle(world, each) if oracle else forward(world.machine(), each) for each in contexts(world)])


def check(world, kernel, dtype):
    with jax.enable_x64(dtype == np.float64):
        found_BLV = np.asarray(compiled(kernel)(world.tables(dtype), contexts(world)))
    assert not np.isnan(found_BLV).any()
    np.testing.assert_allclose(found_BLV, expected(world), **ERROR[dtype])


def forgetful(tables, tokens_L):
    """A liar: regimes whose share falls below the smallest float32 are out."""
    rows_KV = jax.numpy.asarray(tables.rows_KUV)[:, -1]

    def step(belief_K, token):
        seen_K = belief_K * rows_KV[:, token]
        return seen_K / seen_K.sum(), belief_K @ rows_KV

    return jax.numpy.log(jax.lax.scan(step, jax.numpy.asarray(tables.prior_K), tokens_L)[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_law_rejects_a_filter_by_plain_numbers(dtype):
    with pytest.raises(AssertionError):
        check(ONE, forgetful, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("world", PLANTED, ids=label)
def test_no_state_is_lost_for_good(world, dtype):
    check(world, type(world).log_predictive, dtype)
