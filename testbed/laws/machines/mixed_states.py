"""The contexts of a finite hidden Markov chain, told apart only by what they say of its state: float64 numpy."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_array
from scipy.special import entr

from testbed.laws import effort, record
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine

CLOSE = 1e-13
LARGEST_NUMBERS = 2**24
LARGEST_WORK = 2**31
CONTEXT, NUMBER = 2**8, 2**5
"""Operations, as `effort` counts them, that a new context and each number of it cost."""


class Beliefs(NamedTuple):
    """Laws of the state, one for each class of contexts that agree on it, and the probabilities of those classes.

    `moved` bounds the total variation by which the law of tokens was changed when contexts were put together, at most
    `together` of them at a time.
    """

    weights_R: Float[np.ndarray, " R"]
    beliefs_RS: Float[np.ndarray, "R S"]
    moved: float = 0.0
    together: int = 1


class Position(NamedTuple):
    """H(X_t | X_<t, start) with a bound on its error, its standard deviation over contexts, and their number."""

    entropy: float
    error: float
    deviation: float
    contexts: int

    @property
    def low(self) -> float:
        """Return the lower end of the interval."""
        return self.entropy - self.error

    @property
    def high(self) -> float:
        """Return the upper end of the interval."""
        return self.entropy + self.error


def unknown(law_S: Float[np.ndarray, " S"]) -> Beliefs:
    """Return the start of one who knows only the law of the first state."""
    return Beliefs(np.ones(1), law_S[None, :])


def known(law_S: Float[np.ndarray, " S"]) -> Beliefs:
    """Return the start of one who knows the first state, which is drawn from the law."""
    states = np.flatnonzero(law_S)
    return Beliefs(law_S[states], np.eye(len(law_S))[states])


class Walk:
    """The entropies of one position after another, over the distinct beliefs that contexts lead to.

    Contexts whose beliefs lie within CLOSE of each other in the sum of absolute differences are counted as one.

    Error: at each position, putting contexts together moves the joint law of the tokens by some total variation δ,
    and a conditional entropy over V symbols by at most δ·ln V + (1+δ)·H₂(δ/(1+δ)); rounding changes each probability
    by a factor within 1 ± η, and the entropy by at most η·(ln V + 1). `Position.error` is the sum of those bounds.
    Source: for the first bound, Alicki and Fannes (2004), as sharpened by Winter (2016).
    """

    def __init__(self, machine: Machine, start: Beliefs) -> None:
        """Begin at the first position."""
        self.positions: list[Position] = []
        self.machine = machine
        self._rows_SV = finite.emissions(machine)
        self._flat = flat(machine)
        self._degree = int(np.diff(self._flat.tocsc().indptr).max())
        self._level = start
        self._error = 0.0
        self.work = 0.0
        self._steps = 0

    def reach(self, length: int, contexts: int | float, work: int = LARGEST_WORK) -> bool:
        """Return whether `length` positions are known, after going on as far as the limits and memory allow.

        `contexts` limits those of one position; `work`, the multiplications of the walk so far.
        """
        while len(self.positions) < length and self._ready(contexts, work):
            effort.step("summing over contexts", len(self.positions), length)
            self.positions.append(self._measured())
        return len(self.positions) >= length

    def foreseen(self, further: int | float) -> tuple[float, float]:
        """Return the numbers that so many more positions would hold, and the operations that reaching them would take.

        Contexts are taken to become more as a power of the position, as they did over the last three: that is as many
        as they will be or, where they grow by a factor with each token, less.
        """
        last = len(self.positions)
        now, before = (self.positions[place - 1].contexts for place in (last, max(last - 3, 1)))
        power = math.log(now / before) / math.log(last / (last - 3)) if last > 3 and now > before else 0.0
        numbers = self.machine.symbols * len(self.machine.initial_S)
        later = now * (1 + further / last) ** power
        each = self.machine.symbols * CONTEXT + NUMBER * numbers
        return later * numbers, (later * (last + further) - now * last) / (power + 1) * each

    def _ready(self, contexts: int | float, work: int) -> bool:
        """Return whether the classes of the next position are at hand, after deriving them if affordable."""
        if self._steps < len(self.positions):
            count, states = self._level.beliefs_RS.shape
            if count * self.machine.symbols * states > LARGEST_NUMBERS or self.work > work:
                return False
            self._advance()
        return not self.positions or len(self._level.weights_R) <= contexts

    def _measured(self) -> Position:
        entropy_R = entr(self._level.beliefs_RS @ self._rows_SV).sum(1)
        entropy = float((self._level.weights_R * entropy_R).sum())
        variance = float((self._level.weights_R * (entropy_R - entropy) ** 2).sum())
        error = self._error + self._rounding()
        return Position(entropy, error, variance**0.5, len(entropy_R))

    def _advance(self) -> None:
        count, states = self._level.beliefs_RS.shape
        self._steps += 1
        self.work += count * self.machine.symbols * states + count * len(self.machine.origin_E)
        self._level = merged(_followed(self._level, self._flat))
        self._error += _shift(self._level.moved, self.machine.symbols) + self._rounding()

    def _rounding(self) -> float:
        """Return the bound for one position: sums over symbols, states and contexts, over all of these pairwise."""
        operations = 64 + self._level.together + sum(self._rows_SV.shape) + self._degree
        return operations * record.UNIT_ROUNDOFF * (1 + float(np.log(self.machine.symbols)))


def merged(level: Beliefs) -> Beliefs:
    """Return the classes after putting those together that agree on the state.

    They are brought next to each other by sorting along one fixed direction in general position.
    """
    direction_S = np.random.default_rng(0).random(level.beliefs_RS.shape[1])
    order_R = np.argsort(level.beliefs_RS @ direction_S, kind="stable")
    weights_R, beliefs_RS = level.weights_R[order_R], level.beliefs_RS[order_R]
    begins_R = np.append(True, np.abs(np.diff(beliefs_RS, axis=0)).sum(1) > CLOSE)
    start = np.flatnonzero(begins_R)
    kept = beliefs_RS[start]
    distance_R = np.abs(beliefs_RS - kept[np.cumsum(begins_R) - 1]).sum(1) / 2
    together = int(np.diff(start, append=len(weights_R)).max())
    return Beliefs(np.add.reduceat(weights_R, start), kept, float((weights_R * distance_R).sum()), together)


def flat(machine: Machine) -> csr_array:
    """Return the transitions as one matrix: belief @ flat is P(symbol, next state), symbol by symbol."""
    states = len(machine.initial_S)
    column_E = machine.symbol_E * states + machine.target_E
    return csr_array((machine.probability_E, (machine.origin_E, column_E)), shape=(states, machine.symbols * states))


def _followed(level: Beliefs, flat: csr_array) -> Beliefs:
    """Return the classes of contexts one token longer."""
    count, states = level.beliefs_RS.shape
    joint_RVS = np.asarray(level.beliefs_RS @ flat).reshape(count, -1, states)
    probability_RV = joint_RVS.sum(-1)
    weights_RV = level.weights_R[:, None] * probability_RV
    possible_RV = weights_RV > 0
    return Beliefs(weights_RV[possible_RV], joint_RVS[possible_RV] / probability_RV[possible_RV][:, None])


def _shift(variation: float, symbols: int) -> float:
    """Return by how much a conditional entropy can change if the joint law moves by that total variation."""
    share = variation / (1 + variation)
    return float(variation * np.log(symbols) + (1 + variation) * (entr(share) + entr(1 - share)))
