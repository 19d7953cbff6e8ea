"""Sampling and exact filtering of any finite hidden Markov chain, over its edges: pure JAX."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.sources import _laws
from testbed.sources._machine import Machine

LARGEST_DENSE = 2**20

Step = tuple[Float[Array, " V"], Float[Array, " S"]]


class Dense(NamedTuple):
    """The same numbers as matrices: P(X = x, next state), P(X = x) and P(next state) given the state."""

    joint_VSS: Float[Array, "V S S"]
    rows_SV: Float[Array, "S V"]
    chain_SS: Float[Array, "S S"]


class Edges(NamedTuple):
    """A `Machine` for the kernels, its edges sorted by origin: those of state s are begin_S[s] up to end_S[s].

    `cdf_S` is cumulative over the first state, and `cdf_E` over the edges of one state, so that the digits of a draw
    do not depend on the number of states. `uniform_V` is the law of a token that noise puts in place of another.
    `dense` is None where edges are the faster way to filter.
    """

    initial_S: Float[Array, " S"]
    cdf_S: Float[Array, " S"]
    probability_E: Float[Array, " E"]
    cdf_E: Float[Array, " E"]
    uniform_V: Float[Array, " V"]
    begin_S: Int32[Array, " S"]
    end_S: Int32[Array, " S"]
    origin_E: Int32[Array, " E"]
    symbol_E: Int32[Array, " E"]
    target_E: Int32[Array, " E"]
    dense: Dense | None


def tables_of(machine: Machine, dtype: npt.DTypeLike = np.float32) -> Edges:
    """Return the tables of a machine, computed in float64 and rounded to `dtype`."""
    order_E = np.argsort(machine.origin_E, kind="stable")
    origin_E, symbol_E, target_E = (each[order_E] for each in (machine.origin_E, machine.symbol_E, machine.target_E))
    states_S = np.arange(len(machine.initial_S))
    begin_S, end_S = (np.searchsorted(origin_E, states_S, side=side) for side in ("left", "right"))
    floats = _laws.cast(
        dtype,
        machine.initial_S,
        _laws.cumulative(machine.initial_S),
        machine.probability_E[order_E],
        _within(machine.probability_E[order_E], begin_S, end_S),
        np.full(machine.symbols, 1 / machine.symbols),
    )
    integers = _laws.cast(np.int32, begin_S, end_S, origin_E, symbol_E, target_E)
    return Edges(*(*floats, *integers, _dense(machine, dtype)))


def sampled(tables: Edges, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Int32[Array, " L"]]:
    """Return one sequence of `length` tokens and the states before each of them."""
    tables = jax.tree.map(jnp.asarray, tables)
    uniform_D = jax.random.uniform(key, (length + 1,), tables.cdf_E.dtype)

    def step(state: Int32[Array, ""], uniform: Float[Array, ""]) -> tuple[Int32[Array, ""], tuple[Array, Array]]:
        edge = _drawn(tables.cdf_E, uniform, tables.begin_S[state], tables.end_S[state])
        return tables.target_E[edge], (tables.symbol_E[edge], state)

    start = _drawn(tables.cdf_S, uniform_D[0], jnp.int32(0), jnp.int32(tables.cdf_S.shape[0]))
    _, (tokens_L, states_L) = jax.lax.scan(step, start, uniform_D[1:])
    return tokens_L, states_L


def predicted(
    tables: Edges, tokens_L: Int[Array | np.ndarray, " L"], flip: int | float | Float[Array | np.ndarray, ""] = 0.0
) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by exact filtering, in nats.

    Each observed token is the emitted one with probability 1 - flip, and otherwise a uniform draw from the alphabet.

    Error: rounding; a state whose probability falls below the smallest number of the dtype is ruled out for good.
    """
    tables = jax.tree.map(jnp.asarray, tables)
    noise = jnp.asarray(flip, tables.probability_E.dtype)
    if tables.dense is None:
        forward = functools.partial(_by_edges, tables)
    else:
        forward = functools.partial(_by_matrices, tables.dense)

    def step(belief_S: Float[Array, " S"], token: Int32[Array, ""]) -> tuple[Float[Array, " S"], Float[Array, " V"]]:
        emitted_V, arriving_S = forward(belief_S, token, 1 - noise, noise * tables.uniform_V[token])
        law_V = (1 - noise) * emitted_V / emitted_V.sum() + noise * tables.uniform_V
        return arriving_S / arriving_S.sum(), law_V

    _, law_LV = jax.lax.scan(step, tables.initial_S, jnp.asarray(tokens_L, jnp.int32))
    return jnp.log(law_LV)


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


def _drawn(
    cdf_E: Float[Array, " E"], uniform: Float[Array, ""], begin: Int32[Array, ""], end: Int32[Array, ""]
) -> Int32[Array, ""]:
    """Return the first place from `begin` on, before `end`, whose cumulative probability exceeds the draw."""

    def halve(
        _: Int[Array, ""], ends: tuple[Int32[Array, ""], Int32[Array, ""]]
    ) -> tuple[Int32[Array, ""], Int32[Array, ""]]:
        low, high = ends
        middle = (low + high) // 2
        before = uniform >= cdf_E[middle]
        open_ = low < high
        return jnp.where(open_ & before, middle + 1, low), jnp.where(open_ & ~before, middle, high)

    return jax.lax.fori_loop(0, cdf_E.shape[0].bit_length(), halve, (begin, end - 1))[0]


def _within(
    probability_E: Float[np.ndarray, " E"], begin_S: Int[np.ndarray, " S"], end_S: Int[np.ndarray, " S"]
) -> Float[np.ndarray, " E"]:
    """Return the cumulative probabilities over the edges of each state."""
    cdf_E = np.empty_like(probability_E)
    for begin, end in zip(begin_S, end_S, strict=True):
        if begin < end:
            cdf_E[begin:end] = _laws.cumulative(probability_E[begin:end])
    return cdf_E


def _dense(machine: Machine, dtype: npt.DTypeLike) -> Dense | None:
    """Return the matrices, unless they are too large, or so empty that edges are fewer multiplications."""
    states, symbols, edges = len(machine.initial_S), machine.symbols, len(machine.origin_E)
    if symbols * states**2 > LARGEST_DENSE or states * (states + symbols) > 8 * edges:
        return None
    joint_VSS = np.zeros((symbols, states, states))
    np.add.at(joint_VSS, (machine.symbol_E, machine.origin_E, machine.target_E), machine.probability_E)
    return Dense(*_laws.cast(dtype, joint_VSS, joint_VSS.sum(2).T, joint_VSS.sum(0)))
