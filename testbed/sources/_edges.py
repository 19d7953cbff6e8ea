"""Sampling and exact filtering of any finite hidden Markov chain, over its edges: pure JAX."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int, Int32, Key

from testbed.sources import _laws
from testbed.sources._machine import Machine


class Edges(NamedTuple):
    """A `Machine` for the kernels, its edges sorted by origin: those of state s are begin_S[s] up to end_S[s].

    `cdf_S` is cumulative over the first state, and `cdf_E` over the edges of one state, so that the digits of a draw
    do not depend on the number of states. `uniform_V` is the law of a token that noise puts in place of another.
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
    return Edges(*floats, *_laws.cast(np.int32, begin_S, end_S, origin_E, symbol_E, target_E))


def sampled(tables: Edges, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Int32[Array, " L"]]:
    """Return one sequence of `length` tokens and the states before each of them."""
    tables = Edges(*map(jnp.asarray, tables))
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
    tables = Edges(*map(jnp.asarray, tables))
    noise = jnp.asarray(flip, tables.probability_E.dtype)

    def step(belief_S: Float[Array, " S"], token: Int32[Array, ""]) -> tuple[Float[Array, " S"], Float[Array, " V"]]:
        weight_E = belief_S[tables.origin_E] * tables.probability_E
        return _updated(tables, weight_E, token, noise), _observed(tables, weight_E, noise)

    _, law_LV = jax.lax.scan(step, tables.initial_S, jnp.asarray(tokens_L, jnp.int32))
    return jnp.log(law_LV)


def _observed(tables: Edges, weight_E: Float[Array, " E"], flip: Float[Array, ""]) -> Float[Array, " V"]:
    """Return the law of the observed token, from the probabilities of the edges."""
    emitted_V = jax.ops.segment_sum(weight_E, tables.symbol_E, tables.uniform_V.shape[0])
    return (1 - flip) * emitted_V / emitted_V.sum() + flip * tables.uniform_V


def _updated(
    tables: Edges,
    weight_E: Float[Array, " E"],
    token: Int32[Array, ""],
    flip: Float[Array, ""],
) -> Float[Array, " S"]:
    """Return the law of the state after one more token, which is no evidence if it could not have come."""
    agrees_E: Bool[Array, " E"] = tables.symbol_E == token
    evident_E = jnp.where(agrees_E, (1 - flip) * weight_E, 0) + flip * tables.uniform_V[token] * weight_E
    arriving_E = jnp.where(evident_E.sum() > 0, evident_E, weight_E)
    arriving_S = jax.ops.segment_sum(arriving_E, tables.target_E, tables.initial_S.shape[0])
    return arriving_S / arriving_S.sum()


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
