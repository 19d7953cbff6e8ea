"""Sampling and exact filtering of any finite hidden Markov chain, over its edges: pure JAX."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int, Int32, Key

from testbed.laws import simplex
from testbed.laws.kernels import logs, random_bits, sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.kernels.sampling import Cuts
from testbed.laws.machines.finite import Machine

LARGEST_DENSE = 2**20

Step = tuple[Float[Array, "*first"], Float[Array, "*second"]]
State = tuple[Float[Array, " S"], Bool[Array, ""]]


class Dense(NamedTuple):
    """The same numbers as matrices: P(X = x, next state), P(X = x) and P(next state) given the state."""

    joint_VSS: Float[Array, "V S S"]
    rows_SV: Float[Array, "S V"]
    chain_SS: Float[Array, "S S"]


class Edges(NamedTuple):
    """A `Machine` for the kernels, its edges sorted by origin: those of state s are begin_S[s] up to end_S[s].

    `start_S` draws the first state, and `taken_E` one of the edges of a state. `uniform_V` is the law of a token that
    noise puts in place of another. `dense` is None where edges are the faster way to filter.
    """

    initial_S: Float[Array, " S"]
    probability_E: Float[Array, " E"]
    uniform_V: Float[Array, " V"]
    begin_S: Int32[Array, " S"]
    end_S: Int32[Array, " S"]
    origin_E: Int32[Array, " E"]
    symbol_E: Int32[Array, " E"]
    target_E: Int32[Array, " E"]
    start_S: Cuts
    taken_E: Cuts
    dense: Dense | None


def tables_of(machine: Machine, dtype: npt.DTypeLike = np.float32) -> Edges:
    """Return the tables of a machine, computed in float64 and rounded to `dtype`."""
    order_E = np.argsort(machine.origin_E, kind="stable")
    origin_E, symbol_E, target_E = (each[order_E] for each in (machine.origin_E, machine.symbol_E, machine.target_E))
    states_S = np.arange(len(machine.initial_S))
    begin_S, end_S = (np.searchsorted(origin_E, states_S, side=side) for side in ("left", "right"))
    floats = simplex.cast(
        dtype,
        machine.initial_S,
        machine.probability_E[order_E],
        np.full(machine.symbols, 1 / machine.symbols),
    )
    integers = simplex.cast(np.int32, begin_S, end_S, origin_E, symbol_E, target_E)
    taken_E = sampling.grouped(machine.probability_E[order_E], begin_S[begin_S < end_S])
    draws = sampling.cuts(machine.initial_S), taken_E
    return Edges(*(*floats, *integers, *draws, _dense(machine, dtype)))


def sampled(tables: Edges, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Int32[Array, " L"]]:
    """Return one sequence of `length` tokens and the states before each of them."""
    tables = jax.tree.map(jnp.asarray, tables)
    words_D = sampling.words(key, (length + 1,), tables.probability_E.dtype)

    def step(state: Int32[Array, ""], word: Words) -> tuple[Int32[Array, ""], tuple[Array, Array]]:
        edge = sampling.first_beyond(tables.taken_E, word, tables.begin_S[state], tables.end_S[state])
        return tables.target_E[edge], (tables.symbol_E[edge], state)

    start = sampling.drawn(tables.start_S, random_bits.part(words_D, 0))
    _, (tokens_L, states_L) = jax.lax.scan(step, start, random_bits.part(words_D, slice(1, None)))
    return tokens_L, states_L


def predicted(
    tables: Edges, tokens_L: Int[Array | np.ndarray, " L"], flip: int | float | Float[Array | np.ndarray, ""] = 0.0
) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering, in nats.

    Each observed token is the emitted one with probability 1 - flip, and otherwise a uniform draw from the alphabet.
    The filter works with plain numbers, and once more in logs if a state became too improbable for those.

    Error: rounding.
    """
    tables = jax.tree.map(jnp.asarray, tables)
    tokens_L, noise = jnp.asarray(tokens_L, jnp.int32), jnp.asarray(flip, tables.probability_E.dtype)
    if tables.dense is None:
        forward = functools.partial(_by_edges, tables)
    else:
        forward = functools.partial(_by_matrices, tables.dense)
    floor = logs.least(tables.probability_E, jnp.append(noise * tables.uniform_V, 1 - noise))

    def step(state: State, token: Int32[Array, ""]) -> tuple[State, Float[Array, " V"]]:
        belief_S, lost = state
        emitted_V, arriving_S = forward(belief_S, token, 1 - noise, noise * tables.uniform_V[token])
        law_V = (1 - noise) * emitted_V / emitted_V.sum() + noise * tables.uniform_V
        return (arriving_S / arriving_S.sum(), lost | logs.fading(belief_S, floor)), law_V

    (_, lost), law_LV = jax.lax.scan(step, (tables.initial_S, jnp.bool_(False)), tokens_L)
    return logs.unless(lost, jnp.log(law_LV), lambda again_L: _in_logs(tables, again_L, noise), tokens_L)


def _in_logs(tables: Edges, tokens_L: Int32[Array, " L"], noise: Float[Array, ""]) -> Float[Array, "L V"]:
    """Return the same predictions by sums over edges in logs."""
    states, symbols = tables.initial_S.shape[0], tables.uniform_V.shape[0]
    log_probability_E, log_noise_V = jnp.log(tables.probability_E), jnp.log(noise * tables.uniform_V)

    def step(log_belief_S: Float[Array, " S"], token: Int32[Array, ""]) -> Step:
        log_weight_E = log_belief_S[tables.origin_E] + log_probability_E
        log_emitted_V = logs.collected(log_weight_E, tables.symbol_E, symbols)
        log_told_E = jnp.where(tables.symbol_E == token, jnp.log1p(-noise), -jnp.inf)
        log_seen_E = logs.weighed(log_weight_E, jnp.logaddexp(log_told_E, log_noise_V[token]))
        log_law_V = jnp.logaddexp(jnp.log1p(-noise) + log_emitted_V - logs.summed(log_emitted_V), log_noise_V)
        log_arriving_S = logs.collected(log_seen_E, tables.target_E, states)
        return log_arriving_S - logs.summed(log_arriving_S), log_law_V

    return jax.lax.scan(step, jnp.log(tables.initial_S), tokens_L)[1]


def _by_edges(
    tables: Edges,
    belief_S: Float[Array, " S"],
    token: Int32[Array, ""],
    kept: Float[Array, ""],
    chance: Float[Array, ""],
) -> Step:
    """Return the law of the emitted token, and up to a factor that of the state after the observed one.

    The observed token is the emitted one with probability `kept`, and comes whatever that is with `chance` more. One
    that could not have come is no evidence.
    """
    weight_E = belief_S[tables.origin_E] * tables.probability_E
    emitted_V = jax.ops.segment_sum(weight_E, tables.symbol_E, tables.uniform_V.shape[0])
    evident_E = weight_E * (jnp.where(tables.symbol_E == token, kept, 0) + chance)
    arriving_E = jnp.where(evident_E.sum() > 0, evident_E, weight_E)
    return emitted_V, jax.ops.segment_sum(arriving_E, tables.target_E, tables.initial_S.shape[0])


def _by_matrices(
    dense: Dense,
    belief_S: Float[Array, " S"],
    token: Int32[Array, ""],
    kept: Float[Array, ""],
    chance: Float[Array, ""],
) -> Step:
    """Return the same by products of matrices, in full precision on every device."""
    matrices = dense.rows_SV, dense.joint_VSS[token], dense.chain_SS
    emitted_V, told_S, untold_S = (jnp.dot(belief_S, each, precision="highest") for each in matrices)
    evident_S = kept * told_S + chance * untold_S
    return emitted_V, jnp.where(evident_S.sum() > 0, evident_S, untold_S)


def _dense(machine: Machine, dtype: npt.DTypeLike) -> Dense | None:
    """Return the matrices, unless they are too large, or so empty that edges are fewer multiplications."""
    states, symbols, edges = len(machine.initial_S), machine.symbols, len(machine.origin_E)
    if symbols * states**2 > LARGEST_DENSE or states * (states + symbols) > 8 * edges:
        return None
    joint_VSS = np.zeros((symbols, states, states))
    np.add.at(joint_VSS, (machine.symbol_E, machine.origin_E, machine.target_E), machine.probability_E)
    return Dense(*simplex.cast(dtype, joint_VSS, joint_VSS.sum(2).T, joint_VSS.sum(0)))
