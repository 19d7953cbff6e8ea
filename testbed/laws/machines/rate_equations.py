"""Finite hidden Markov chains whose state, once known, is followed by finitely many beliefs: float64 numpy."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components
from scipy.special import xlogy

from testbed.laws import simplex
from testbed.laws.machines import finite, mixed_states
from testbed.laws.machines.finite import Machine

MOST_BELIEFS, MOST_NUMBERS = 2**10, 2**22
"""Beliefs that are told apart before it is given up, and numbers that they hold."""
MOST_PAIRS = 2**11
"""Pairs of a state and a belief whose law is solved for."""
DIGITS = 12

Followers = Int[np.ndarray, "R V"]


def ceiling(machine: Machine) -> float | None:
    """Return an upper bound of the entropy rate that is the rate itself, up to rounding; None if there is none.

    One who knew the state once and every token since is left with a belief. Where only finitely many beliefs follow,
    they and the states form a finite chain, and the bound is its long-run mean of -ln P(token | belief). As any
    predictor loses at least the entropy rate, the bound holds although beliefs are put together that agree to DIGITS
    digits, and as the beliefs are those of the filter, nothing is lost.
    """
    states = np.flatnonzero(machine.stationary_S)
    found = _beliefs(machine, states)
    if found is None:
        return None
    beliefs_RS, next_RV = found
    follows = _pairs(machine, beliefs_RS, next_RV, states)
    if follows is None:
        return None
    chain, pair_PX, start_P = follows
    law_P = long_run(chain, start_P)
    rows_SV = finite.emissions(machine)
    lost_P = -xlogy(rows_SV[pair_PX[:, 0]], (beliefs_RS @ rows_SV)[pair_PX[:, 1]]).sum(1)
    value = float(law_P @ lost_P)
    rounding = 8.0 * (len(law_P) + sum(rows_SV.shape)) * np.finfo(np.float64).eps
    return float(value + rounding * (1 + value)) if np.isfinite(value) else None


def long_run(chain_PP: Float[np.ndarray, "P P"], start_P: Float[np.ndarray, " P"]) -> Float[np.ndarray, " P"]:
    """Return the limit of the time average of the law of a chain that begins with `start_P`."""
    count, label_P = connected_components(chain_PP > 0, directed=True, connection="strong")
    leaves = (chain_PP > 0) & (label_P[:, None] != label_P[None, :])
    closed = np.setdiff1d(np.arange(count), label_P[leaves.any(1)])
    lasting_P = np.isin(label_P, closed)
    passing = np.flatnonzero(~lasting_P)
    arriving_P = np.where(lasting_P, start_P, 0.0)
    if len(passing):
        within = np.eye(len(passing)) - chain_PP[np.ix_(passing, passing)]
        arriving_P = arriving_P + np.where(
            lasting_P, np.linalg.solve(within.T, start_P[passing]) @ chain_PP[passing], 0
        )
    law_P = np.zeros(len(start_P))
    for each in closed:
        members = np.flatnonzero(label_P == each)
        law_P[members] = arriving_P[members].sum() * simplex.stationary("a class", chain_PP[np.ix_(members, members)])
    return law_P / law_P.sum()


def _beliefs(machine: Machine, states: Int[np.ndarray, " s"]) -> tuple[Float[np.ndarray, "R S"], Followers] | None:
    """Return all beliefs that follow the known states, these first, and which comes after each symbol, -1 for none."""
    flat, size = mixed_states.flat(machine), len(machine.initial_S)
    fresh_RS = np.eye(size)[states]
    number = {_name(belief_S): index for index, belief_S in enumerate(fresh_RS)}
    levels, rows = [fresh_RS], []
    while len(fresh_RS):
        if len(number) > MOST_BELIEFS or len(number) * machine.symbols * size > MOST_NUMBERS:
            return None
        joint_RVS = np.asarray(fresh_RS @ flat).reshape(len(fresh_RS), -1, size)
        chance_RV = joint_RVS.sum(-1)
        next_RV, after = np.full(chance_RV.shape, -1), list[Float[np.ndarray, " S"]]()
        for row, symbol in zip(*np.nonzero(chance_RV), strict=True):
            belief_S = joint_RVS[row, symbol] / chance_RV[row, symbol]
            next_RV[row, symbol] = number.setdefault(_name(belief_S), len(number))
            if next_RV[row, symbol] == sum(map(len, levels)) + len(after):
                after.append(belief_S)
        rows.append(next_RV)
        fresh_RS = np.array(after).reshape(-1, size)
        levels.append(fresh_RS)
    return np.concatenate(levels), np.concatenate(rows)


def _name(belief_S: Float[np.ndarray, " S"]) -> bytes:
    return (np.round(belief_S, DIGITS) + 0.0).tobytes()


def _pairs(
    machine: Machine, beliefs_RS: Float[np.ndarray, "R S"], next_RV: Followers, states: Int[np.ndarray, " s"]
) -> tuple[Float[np.ndarray, "P P"], Int[np.ndarray, "P 2"], Float[np.ndarray, " P"]] | None:
    """Return the chain of pairs of a state and a belief that allows for it, the pairs, and the law of the first one."""
    belief_P, state_P = np.nonzero(beliefs_RS)
    if len(state_P) > MOST_PAIRS:
        return None
    place_RS = np.full(beliefs_RS.shape, -1)
    place_RS[belief_P, state_P] = np.arange(len(state_P))
    chain_PP = np.zeros((len(state_P), len(state_P)))
    for edge in np.flatnonzero(machine.probability_E):
        before_R = place_RS[:, machine.origin_E[edge]]
        allowing = np.flatnonzero(before_R >= 0)
        after = place_RS[next_RV[allowing, machine.symbol_E[edge]], machine.target_E[edge]]
        if (after < 0).any():
            return None
        chain_PP[before_R[allowing], after] += machine.probability_E[edge]
    start_P = np.zeros(len(state_P))
    start_P[place_RS[np.arange(len(states)), states]] = machine.stationary_S[states]
    return chain_PP, np.stack([state_P, belief_P], 1), start_P
