"""Finite-state presentations of a law: the exact second-order quantities of any source that has one."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.ground.wording import short
from testbed.laws import effort
from testbed.laws.record import Absent, Mixing

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST_EDGES = 2**22
LARGEST_DENSE = 2048
LARGEST_POWER = 256
FILLED, EIGENVALUE = 8, 64
"""A chain is multiplied as a full matrix if more than one of so many transitions is possible; operations that the
second eigenvalue takes, for each cube of a state."""
LARGEST_LAG = 2**20
UNNORMALISED = 1e-9
"""By how much the sum of a law may differ from 1, as rounding makes it."""
MULTIPLIED = 16
"""Products of a full matrix that take as long as one operation."""


class Machine(NamedTuple):
    """A hidden Markov chain that emits on its edges: float64 numpy.

    In state `origin_E[e]` edge e is taken with probability `probability_E[e]`; it emits `symbol_E[e]` and leads to
    `target_E[e]`. `initial_S` is the law of the state before the first token of a window, `stationary_S` that before
    a token of the long run (the limit of the time average that begins in `initial_S`).
    """

    symbols: int
    initial_S: Float[np.ndarray, " S"]
    stationary_S: Float[np.ndarray, " S"]
    origin_E: Int[np.ndarray, " E"]
    symbol_E: Int[np.ndarray, " E"]
    target_E: Int[np.ndarray, " E"]
    probability_E: Float[np.ndarray, " E"]


class Informed(NamedTuple):
    """The laws of the next token given all that an oracle may know before it, and how often each of them holds."""

    weight_S: Float[np.ndarray, " S"]
    rows_SV: Float[np.ndarray, "S V"]


def from_matrices(
    T_VSS: Float[np.ndarray, "V S S"], initial_S: Float[np.ndarray, " S"], stationary_S: Float[np.ndarray, " S"]
) -> Machine:
    """Return the machine whose T[x, s, s'] = P(X = x, next state = s' | state = s).

    Error: ValueError if what leaves a state, or one of the two laws of a state, is no law.
    """
    symbol_E, origin_E, target_E = np.nonzero(T_VSS)
    made = Machine(
        len(T_VSS), initial_S, stationary_S, origin_E, symbol_E, target_E, T_VSS[symbol_E, origin_E, target_E]
    )
    check(made)
    return made


def check(machine: Machine) -> None:
    """Refuse a machine whose probabilities are none: those out of a state that is entered, and both laws of the state.

    Error: ValueError that names what is no law, and its sum.
    """
    entered_S = (machine.initial_S > 0) | (machine.stationary_S > 0)
    entered_S[machine.target_E[machine.probability_E > 0]] = True
    leaving_S = np.bincount(machine.origin_E, machine.probability_E, len(entered_S))
    sums = {f"what leaves state {state}": leaving_S[state] for state in np.flatnonzero(entered_S)}
    sums |= {
        "the first law of the state": machine.initial_S.sum(),
        "its law in the long run": machine.stationary_S.sum(),
    }
    least = min(machine.probability_E.min(initial=0.0), machine.initial_S.min(), machine.stationary_S.min())
    worst = max(sums, key=lambda name: abs(sums[name] - 1) if np.isfinite(sums[name]) else np.inf)
    if not abs(sums[worst] - 1) <= UNNORMALISED or least < 0:
        raise ValueError(
            f"{worst} has the sum {sums[worst]:.6g} and the least probability is {least:.3g}: each law sums to 1,"
            " none of it below 0; divide it by its sum."
        )


def check_lasting(machine: Machine) -> None:
    """Refuse a machine whose law in the long run does not stay as it is from token to token.

    Error: ValueError that says by how much it changes.
    """
    flow_E = machine.stationary_S[machine.origin_E] * machine.probability_E
    after_S = np.bincount(machine.target_E, flow_E, len(machine.stationary_S))
    change = float(np.abs(after_S - machine.stationary_S).sum())
    if not change <= UNNORMALISED:
        raise ValueError(
            f"the law of the state in the long run changes by {change:.3g} with a token: it must stay; give the"
            " stationary law of the chain."
        )


def emissions(machine: Machine) -> Float[np.ndarray, "S V"]:
    """Return P(X = x | state before it)."""
    rows_SV = np.zeros((len(machine.initial_S), machine.symbols))
    np.add.at(rows_SV, (machine.origin_E, machine.symbol_E), machine.probability_E)
    return rows_SV


def chain(machine: Machine) -> "csr_array":
    """Return P(next state | state), sparse."""
    from scipy.sparse import csr_array  # late: reading a configuration needs no scipy

    states = len(machine.initial_S)
    return csr_array((machine.probability_E, (machine.origin_E, machine.target_E)), shape=(states, states))


def moved(machine: Machine, belief_RS: Float[np.ndarray, "R S"]) -> Float[np.ndarray, "R S"]:
    """Return the laws of the state one token later, whatever the token."""
    return np.asarray(belief_RS @ chain(machine))


def entering(machine: Machine, weights_S: Float[np.ndarray, " S"]) -> Float[np.ndarray, "V S"]:
    """Return P(X = x, state after it) if the state before it has the law `weights_S`."""
    joint_VS = np.zeros((machine.symbols, len(weights_S)))
    np.add.at(joint_VS, (machine.symbol_E, machine.target_E), weights_S[machine.origin_E] * machine.probability_E)
    return joint_VS


def pair_law(machine: Machine, lag: int) -> Float[np.ndarray, "V V"]:
    """Return P(X_0 = a, X_lag = b) at a random moment of the long run, lag >= 0.

    Error: rounding of about `lag` + S operations.
    """
    return Passage(machine).pair_law(lag)


class Passage:
    """The joint law of a token and of the state so many tokens later, taken on from lag to lag."""

    def __init__(self, machine: Machine) -> None:
        """Begin right after the token."""
        self._machine, self._chain = machine, chain(machine)
        self._start_VS = self._state_VS = entering(machine, machine.stationary_S)
        self._steps = 0
        if self._chain.nnz > len(machine.stationary_S) ** 2 / FILLED:
            self._chain = self._chain.toarray()

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b); rising lags cost a step each, a lower one begins anew."""
        if lag == 0:
            return np.diag(self._start_VS.sum(1))
        if len(self._machine.stationary_S) <= LARGEST_POWER:
            chain_SS = chain(self._machine).toarray()
            return np.asarray(self._start_VS @ np.linalg.matrix_power(chain_SS, lag - 1) @ emissions(self._machine))
        if self._steps > lag - 1:
            self._state_VS, self._steps = self._start_VS, 0
        self._leap(lag - 1)
        self._allow(lag)
        while self._steps < lag - 1:
            effort.step(f"pairs of tokens over {len(self._machine.stationary_S)} states", self._steps, lag - 1)
            self._state_VS = np.asarray(self._state_VS @ self._chain)
            self._steps += 1
        return np.asarray(self._state_VS @ emissions(self._machine))

    def _allow(self, lag: int) -> None:
        """Refuse more single steps than patience allows."""
        sparse, states = hasattr(self._chain, "nnz"), len(self._machine.stationary_S)
        each = len(self._start_VS) * (self._chain.nnz if sparse else states**2 / MULTIPLIED)
        what = f"pairs of tokens {lag} apart over {states} states"
        effort.allow_here(what, (lag - 1 - self._steps) * each, "ask for smaller lags")

    def _leap(self, steps: int) -> None:
        """Take many steps at once by a power of the chain, where that is less work."""
        further, states = steps - self._steps, len(self._machine.stationary_S)
        each = len(self._start_VS) * (self._chain.nnz if hasattr(self._chain, "nnz") else states**2)
        if states <= LARGEST_DENSE and further * each > 2 * further.bit_length() * states**3:
            effort.step(f"pairs of tokens {steps} apart over {states} states", 0, 0)
            chain_SS = chain(self._machine).toarray()
            self._state_VS = self._state_VS @ np.linalg.matrix_power(chain_SS, further)
            self._steps = steps


def check_lag(lag: int) -> None:
    """Refuse a negative lag, and one beyond what is stepped through."""
    if lag < 0:
        raise ValueError(f"lag={lag}: lags count tokens forward; give 0 or more.")
    if lag > LARGEST_LAG:
        raise ValueError(f"lag={short(lag)}: pair laws are computed up to the lag {LARGEST_LAG}; give a smaller one.")


def mixing(machine: Machine) -> Mixing | Absent:
    """Return the decay of correlations between tokens, from the eigenvalues that pairs of tokens can see.

    P(X_0 = a, X_k = b) - P(a)·P(b) = C·T^(k-1)·R with the chain T of states. The chain is reduced to the states that
    R excites and C observes, so that a memory no pair of tokens shows does not count.

    Which classes and cycles exist is read off the graph of the chain, so that a regime that lasts very long is told
    apart from one that lasts for ever; what they make of the tokens is taken out before any other eigenvalue is sought.

    Error: `error` estimates that of a second eigenvalue; see `spectrum.mixing`.
    """
    from testbed.laws.machines import lasting, spectrum  # late: it imports scipy

    states = len(machine.initial_S)
    if states > LARGEST_DENSE:
        return Absent(f"{states} states: eigenvalues are computed densely, up to {LARGEST_DENSE}")
    seconds = EIGENVALUE * states**3 / effort.SPEED
    effort.step(f"the second eigenvalue of {states} states, up to {effort.told(seconds)}", 0, 0)
    lasts = np.flatnonzero(machine.stationary_S)
    arriving_SV = entering(machine, machine.stationary_S)[:, lasts].T
    return spectrum.mixing(lasting.Seen(chain(machine)[lasts][:, lasts], emissions(machine)[lasts], arriving_SV))
