"""Finite-state presentations of a law: the exact second-order quantities of any source that has one."""

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.sources._truth import Absent, Mixing

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST_EDGES = 2**22
LARGEST_DENSE = 2048
LARGEST_POWER = 256


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
    """Refuse a negative lag."""
    if lag < 0:
        raise ValueError(f"lag={lag}: lags count tokens forward; give 0 or more.")


def mixing(machine: Machine) -> Mixing | Absent:
    """Return the decay of correlations between tokens, from the eigenvalues that pairs of tokens can see.

    P(X_0 = a, X_k = b) - P(a)·P(b) = C·T^(k-1)·R with the chain T of states. The chain is reduced to the states that
    R excites and C observes, so that a memory no pair of tokens shows does not count.

    Error: directions below 1e-10 count as absent, powers below 1e-12 as zero, and an eigenvalue within 1e-9 of modulus
    1 as of modulus 1.
    """
    states = len(machine.initial_S)
    if states > LARGEST_DENSE:
        return Absent(f"{states} states: eigenvalues are computed densely, up to {LARGEST_DENSE}")
    seen = _visible(machine)
    power = np.eye(len(seen))
    for lag in range(len(seen) + 1):
        if np.abs(power).max(initial=0.0) < 1e-12:
            return Mixing(decay="finite" if lag else "independent", value=float(lag))
        power = power @ seen
    values = np.linalg.eigvals(seen)
    second = values[np.abs(values).argmax()]
    if abs(second) < 1 - 1e-9:
        real = abs(second.imag) < 1e-12
        return Mixing(decay="geometric", value=float(second.real if real else abs(second)))
    cycles = values[np.abs(values) > 1 - 1e-9]
    if np.abs(cycles - 1).min() < 1e-9:
        return Mixing(decay="never", value=1.0)
    periods = [Fraction(float(np.angle(value)) / (2 * np.pi)).limit_denominator(states).denominator for value in cycles]
    return Mixing(decay="periodic", value=float(np.lcm.reduce(periods)))


def _visible(machine: Machine) -> Float[np.ndarray, "R R"]:
    """Return the chain of states on the directions through which one token can tell of a later one."""
    chain_SS = moved(machine, np.eye(len(machine.initial_S)))
    arriving_SV = entering(machine, machine.stationary_S).T
    excited_SV = emissions(machine) - machine.stationary_S @ emissions(machine)
    basis_SR = _reached(chain_SS, excited_SV)
    reduced = basis_SR.T @ chain_SS @ basis_SR
    observed = _reached(reduced.T, basis_SR.T @ arriving_SV)
    return np.asarray(observed.T @ reduced @ observed)


def _reached(chain: Float[np.ndarray, "S S"], start: Float[np.ndarray, "S V"]) -> Float[np.ndarray, "S R"]:
    """Return an orthonormal basis of the span of start, chain·start, chain²·start, …"""
    basis = np.zeros((len(chain), 0))
    fresh = start
    while fresh.shape[1]:
        fresh = fresh - basis @ (basis.T @ fresh)
        fresh = fresh - basis @ (basis.T @ fresh)
        left, size, _ = np.linalg.svd(fresh, full_matrices=False)
        fresh = left[:, size > 1e-10]
        basis = np.concatenate([basis, fresh], axis=1)
        fresh = chain @ fresh
    return basis
