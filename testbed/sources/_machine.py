"""Finite-state presentations of a law: the exact second-order quantities of any source that has one."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.sources._truth import Absent, Mixing
from testbed.wording import short

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST_EDGES = 2**22
LARGEST_DENSE = 2048
LARGEST_POWER = 256
LARGEST_LAG = 2**20


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
    """Return the machine whose T[x, s, s'] = P(X = x, next state = s' | state = s)."""
    symbol_E, origin_E, target_E = np.nonzero(T_VSS)
    return Machine(
        len(T_VSS), initial_S, stationary_S, origin_E, symbol_E, target_E, T_VSS[symbol_E, origin_E, target_E]
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
    if lag == 0:
        return np.diag(entering(machine, machine.stationary_S).sum(1))
    state_VS, chain_SS = entering(machine, machine.stationary_S), chain(machine)
    if len(machine.stationary_S) <= LARGEST_POWER:
        state_VS = state_VS @ np.linalg.matrix_power(chain_SS.toarray(), lag - 1)
    else:
        for _ in range(lag - 1):
            state_VS = np.asarray(state_VS @ chain_SS)
    return np.asarray(state_VS @ emissions(machine))


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

    Error: `error` estimates that of a second eigenvalue; see `_spectrum.mixing`.
    """
    from testbed.sources import _spectrum  # late: it imports scipy

    states = len(machine.initial_S)
    if states > LARGEST_DENSE:
        return Absent(f"{states} states: eigenvalues are computed densely, up to {LARGEST_DENSE}")
    lasts = np.flatnonzero(machine.stationary_S)
    arriving_SV = entering(machine, machine.stationary_S)[:, lasts].T
    return _spectrum.mixing(_spectrum.Seen(chain(machine)[lasts][:, lasts], emissions(machine)[lasts], arriving_SV))
