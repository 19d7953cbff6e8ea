"""What learners that count must show: their exact bias and variance in worlds that are finite machines.

A learner of order k counts, for j = 0 … k, how often symbol v followed each context u of j tokens in its training
windows. It predicts q_j(v|u) = (N_uv + β)/(N_u + β·V), with j = k, or all tokens there are where these are fewer.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.ground.checked import Checked
from testbed.laws.machines.finite import Machine
from testbed.sources import Source
from testbed.theory import asked

UNSEEN = 1e-9
"""Largest chance that some word is never seen for which the plain frequencies have an expectation to speak of."""


class Training(Checked, frozen=True, kw_only=False):
    """Independent windows that one learner is trained on; the tokens are `windows` · `length`, 2^20 at most."""

    windows: int
    length: int

    def __post_init__(self) -> None:
        asked.whole("windows", self.windows, 1, asked.MOST_TOKENS, 100)
        asked.whole("length", self.length, 1, asked.MOST_TOKENS // self.windows, 1)


class Parts(NamedTuple):
    """At each position of a window: the divergence with endless data, and what finite data add to it.

    ``bias_L`` = I(X_t; what lies before the last k tokens | the last k tokens), and ``variance_L`` = E[−log q] − E[−log
    of the law of order k], both in nats.
    """

    bias_L: Float[np.ndarray, " L"]
    variance_L: Float[np.ndarray, " L"]


def words(world: Source, length: int) -> Float[np.ndarray, " U"]:
    """Return P(X_1 … X_length) of all words of a stationary world, the oldest token first in the code of a word.

    >>> from testbed.sources import Iid
    >>> words(Iid(vocabulary=2, weights=(0.25, 0.75)), 2).tolist()
    [0.0625, 0.1875, 0.1875, 0.5625]
    """
    asked.check_words(world, length)
    machine = asked.machine(world)
    step_VSS = np.zeros((machine.symbols, *2 * (len(machine.initial_S),)))
    np.add.at(step_VSS, (machine.symbol_E, machine.origin_E, machine.target_E), machine.probability_E)
    forward_US = machine.initial_S[None]
    for _ in range(length):
        forward_US = np.einsum("us,vst->uvt", forward_US, step_VSS).reshape(-1, len(machine.initial_S))
    return np.asarray(forward_US.sum(1))


def law(world: Source, order: int) -> Float[np.ndarray, "U V"]:
    """Return P(v | last k tokens), a row for each context; uniform after a context that cannot come."""
    joint_UV = words(world, asked.check_order(world, order) + 1).reshape(-1, world.alphabet)
    mass_U1 = joint_UV.sum(1, keepdims=True)
    return np.where(mass_U1 > 0, joint_UV / np.where(mass_U1 > 0, mass_U1, 1.0), 1 / world.alphabet)


def conditional_entropy(world: Source, order: int) -> float:
    """Return H(X_t | last k tokens) in nats."""
    rows_UV = law(world, order)
    joint_UV = words(world, order + 1).reshape(-1, world.alphabet)
    return -float(np.sum(joint_UV * np.log(np.where(rows_UV > 0, rows_UV, 1.0))))


def bias(world: Source, order: int, length: int) -> Float[np.ndarray, " L"]:
    """Return H(X_t | last min(t, k) tokens) − H(X_t | all t tokens before it) for t = 0 … length − 1, in nats.

    Error: that of the world's own conditional entropies, rounding where they are exact.
    """
    length = asked.check_window(world, order, length)
    exact_L = np.array([quantity.value for quantity in world.truth(length).curve])
    levels = [conditional_entropy(world, level) for level in range(min(order, length - 1) + 1)]
    return np.array([levels[min(place, order)] for place in range(length)]) - exact_L


def parts(world: Source, order: int, pseudo_count: float, trained: Training, length: int) -> Parts:
    """Return bias and variance of a learner that counts, at each position of a window of the world, in nats.

    variance = −Σ_uv P(uv)·E log q_j(v|u) − H(X_t | last j tokens), a finite sum over the exact laws of counts: no
    asymptotics. For endless windows and few parameters it tends to `leading` over the tokens.

    Error: rounding, and that of `bias`.

    >>> from testbed.sources import Iid
    >>> found = parts(Iid(vocabulary=2), 0, 1.0, Training(1, 1), 1)
    >>> round(float(found.variance_L[0]), 6), round(-0.5 * float(np.log(2 / 3) + np.log(1 / 3)) - float(np.log(2)), 6)
    (0.058892, 0.058892)
    """
    length, levels = asked.check_window(world, order, length), []
    for level in range(min(order, length - 1) + 1):
        joint_UV = words(world, level + 1).reshape(-1, world.alphabet)
        log_UV = expected_log(world, level, pseudo_count, trained)
        seen_UV = np.where(joint_UV > 0, log_UV, 0.0)
        levels.append(-float(np.sum(joint_UV * seen_UV)) - conditional_entropy(world, level))
    variance_L = np.array([levels[min(place, order)] for place in range(length)])
    return Parts(bias(world, order, length), variance_L)


def leading(alphabet: int, order: int, tokens: int) -> float:
    """Return V^k·(V − 1)/(2D), what variance tends to with D tokens where all contexts are seen often.

    >>> leading(3, 1, 300)
    0.01
    """
    symbols = asked.whole("alphabet", alphabet, 1, 2**31, 3)
    contexts = symbols ** asked.whole("order", order, 0, 64, 1)
    return contexts * (symbols - 1) / (2 * asked.whole("tokens", tokens, 1, 2**63 - 1, 1000))


def redundancy(law_V: Float[np.ndarray, " V"], tokens: int) -> float:
    """Return E[log P(x) − log q(x)] in nats of the whole string, for KT counting through D independent tokens.

    q(x) = Γ(V/2)/Γ(D + V/2) · Π_v Γ(n_v + ½)/Γ(½), and n_v is binomial: a finite sum.

    Error: rounding. Source: Krichevsky and Trofimov (1981).

    >>> law_V = np.array([0.25, 0.75])
    >>> bool(np.isclose(redundancy(law_V, 1), law_V @ np.log(2 * law_V)))
    True
    """
    from scipy.special import gammaln, xlogy
    from scipy.stats import binom

    law_V, tokens = asked.check_law(law_V), asked.whole("tokens", tokens, 1, asked.MOST_TOKENS, 1000)
    count_T = np.arange(tokens + 1)
    chance_VT = binom.pmf(count_T, tokens, law_V[:, None])
    chosen = float(np.sum(chance_VT * (gammaln(count_T + 0.5) - gammaln(0.5))))
    half = len(law_V) / 2
    return tokens * float(xlogy(law_V, law_V).sum()) - chosen - float(gammaln(half) - gammaln(tokens + half))


def expected_log(world: Source, order: int, pseudo_count: float, trained: Training) -> Float[np.ndarray, "U V"]:
    """Return E log q_k(v|u) = E log(N_uv + β) − E log(N_u + β·V) over training windows, for each context and symbol.

    Error: rounding. Plain frequencies (β = 0) have no expectation, as a word may stay unseen; where the chance is below
    1e-9 for all words that can come they are told given that all are seen, and otherwise refused.
    """
    order = asked.check_order(world, order)
    asked.check_pseudo_count(pseudo_count)
    symbols = world.alphabet
    possible_UV = words(world, order + 1).reshape(-1, symbols) > 0
    word_UV, context_U = np.zeros(possible_UV.shape), np.zeros(len(possible_UV))
    for context in range(len(possible_UV)):
        single = np.arange(symbols) + context * symbols
        for symbol in range(symbols):
            law_T = count_law(world, order, single[symbol : symbol + 1], trained)
            word_UV[context, symbol] = _mean_log(law_T, pseudo_count, bool(possible_UV[context, symbol]))
        law_T = count_law(world, order, single, trained)
        context_U[context] = _mean_log(law_T, pseudo_count * symbols, bool(possible_UV[context].any()))
    return word_UV - context_U[:, None]


def count_law(world: Source, order: int, targets: np.ndarray, trained: Training) -> Float[np.ndarray, " T"]:
    """Return the law of how often one of the target words of k + 1 tokens occurs in the training windows.

    The law within a window follows from the machine, beside which the last tokens and the count are remembered; that
    in all windows is its convolution.

    >>> from testbed.sources import Iid
    >>> count_law(Iid(vocabulary=2), 0, np.array([1]), Training(2, 1)).tolist()
    [0.25, 0.5, 0.25]
    """
    order = asked.check_order(world, order)
    codes = asked.check_targets(targets, world.alphabet ** (order + 1))
    plain, hitting, start_Z = _remembering(asked.machine(world), order, frozenset(codes.tolist()))
    law_ZT = np.zeros((len(start_Z), trained.length + 1))
    law_ZT[:, 0] = start_Z
    for _ in range(trained.length):
        hit_ZT = hitting @ law_ZT
        law_ZT = plain @ law_ZT
        law_ZT[:, 1:] += hit_ZT[:, :-1]
    return _power(law_ZT.sum(0), trained.windows)


def _mean_log(law_T: np.ndarray, extra: float, possible: bool) -> float:
    """Return E log(N + extra)."""
    count_T = np.arange(len(law_T)) + extra
    if extra > 0:
        return float(law_T @ np.log(count_T))
    if not possible:
        return 0.0
    if law_T[0] > UNSEEN:
        raise ValueError(
            f"a word stays unseen with probability {law_T[0]:.2g}, where plain frequencies have no expected logarithm;"
            " give a pseudo_count above 0, or more tokens."
        )
    return float(law_T[1:] @ np.log(count_T[1:]) / law_T[1:].sum())


def _remembering(
    machine: Machine, order: int, targets: frozenset[int]
) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, " Z"]]:
    """Return the steps of a machine that remembers up to k tokens, without and with a hit, and its first law.

    A node is a state with the last tokens (none at the start of a window); only nodes that can be reached are kept.
    """
    nodes: dict[tuple[int, tuple[int, ...]], int] = {}
    waiting: list[tuple[int, tuple[int, ...]]] = [(int(state), ()) for state in np.flatnonzero(machine.initial_S)]
    nodes.update({node: place for place, node in enumerate(waiting)})
    started, moves = len(waiting), []
    leaving = [
        np.flatnonzero((machine.origin_E == s) & (machine.probability_E > 0)) for s in range(len(machine.initial_S))
    ]
    while waiting:
        state, last = node = waiting.pop()
        for edge in leaving[state]:
            word = (*last, int(machine.symbol_E[edge]))
            hit = len(last) == order and _code(word, machine.symbols) in targets
            following = (int(machine.target_E[edge]), word[len(word) - min(len(word), order) :])
            if following not in nodes:
                nodes[following] = len(nodes)
                waiting.append(following)
            moves.append((nodes[following], nodes[node], float(machine.probability_E[edge]), hit))
    steps = np.zeros((2, len(nodes), len(nodes)))
    for to, origin, probability, hit in moves:
        steps[int(hit), to, origin] += probability
    start_Z = np.zeros(len(nodes))
    start_Z[:started] = machine.initial_S[machine.initial_S > 0]
    return steps[0], steps[1], start_Z


def _code(word: tuple[int, ...], symbols: int) -> int:
    """Return the number of a word, the oldest token first."""
    return int(sum(token * symbols ** (len(word) - 1 - place) for place, token in enumerate(word)))


def _power(law_T: np.ndarray, times: int) -> np.ndarray:
    """Return the law of a sum of independent counts of one law."""
    whole, square = np.ones(1), law_T
    for bit in range(math.floor(math.log2(times)) + 1):
        whole = np.convolve(whole, square) if times >> bit & 1 else whole
        square = np.convolve(square, square) if times >> (bit + 1) else square
    return whole
