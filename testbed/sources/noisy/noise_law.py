"""Exact filtering through noise on the tokens, whatever the machine behind them: pure JAX."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Bool, Float, Int, Int32

from testbed.laws import simplex
from testbed.laws.kernels import logs, random_bits, sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.kernels.sampling import Chance
from testbed.laws.machines import edge_filter, finite
from testbed.laws.machines.edge_filter import Edges
from testbed.laws.machines.finite import Machine

DIGITS = 13
State = tuple[Float[Array, "C U"], Bool[Array, ""]]

COST = 64
"""What moving one number between places costs, in multiplications."""


class Nodes(NamedTuple):
    """A machine cut between emission and transition: C classes of U places for a state each, and C·V nodes.

    The states of a class differ in what they emit, `rows_CUV`, and not in where a symbol then leads: from node
    `node_Q`, the number c·V + v of class c and symbol v, to place `target_Q` with probability `probability_Q`.
    Places without a state stay empty.
    """

    initial_CU: Float[Array, "C U"]
    rows_CUV: Float[Array, "C U V"]
    probability_Q: Float[Array, " Q"]
    node_Q: Int32[Array, " Q"]
    target_Q: Int32[Array, " Q"]


class Layout(NamedTuple):
    """The class and the place in it of every state, the number of places in a class, and what follows a symbol."""

    class_S: Int[np.ndarray, " S"]
    place_S: Int[np.ndarray, " S"]
    places: int
    given_E: Float[np.ndarray, " E"]


def tables_of(machine: Machine, dtype: npt.DTypeLike = np.float32) -> Nodes | Edges:
    """Return the tables for filtering, over nodes where those save at least half of the edges."""
    machine = _used(machine)
    layout = _layout(machine)
    if layout is None:
        return edge_filter.tables_of(machine, dtype)
    at_S = layout.class_S, layout.place_S
    initial_CU = np.zeros((layout.class_S.max() + 1, layout.places))
    rows_CUV = np.zeros((*initial_CU.shape, machine.symbols))
    initial_CU[at_S], rows_CUV[at_S] = machine.initial_S, finite.emissions(machine)
    first_E = layout.place_S[machine.origin_E] == 0
    node_Q = layout.class_S[machine.origin_E[first_E]] * machine.symbols + machine.symbol_E[first_E]
    target_Q = np.ravel_multi_index(at_S, initial_CU.shape)[machine.target_E[first_E]]
    floats = simplex.cast(dtype, initial_CU, rows_CUV, layout.given_E[first_E])
    return Nodes(*floats, *simplex.cast(np.int32, node_Q, target_Q))


def places_of(machine: Machine) -> Int[np.ndarray, " S"]:
    """Return at which place of the tables each state of the machine lies."""
    layout = _layout(_used(machine))
    if layout is None:
        return np.arange(len(machine.initial_S))
    return layout.class_S * layout.places + layout.place_S


def known(tables: Nodes | Edges, place: Int32[Array, ""]) -> Nodes | Edges:
    """Return the tables of one who knows the first state."""
    if isinstance(tables, Edges):
        return tables._replace(initial_S=jnp.zeros_like(tables.initial_S).at[place].set(1))
    shape = tables.initial_CU.shape
    return tables._replace(initial_CU=jnp.zeros_like(tables.initial_CU).at[jnp.unravel_index(place, shape)].set(1))


def added(
    replaces: Chance, clean_L: Int32[Array, " L"], words_2L: Words, *, symbols: int
) -> tuple[Int32[Array, " L"], Bool[Array, " L"]]:
    """Return the tokens after noise, and which of them were replaced: two draws a token."""
    replaced_L = sampling.happens(replaces, random_bits.part(words_2L, 0))
    return jnp.where(replaced_L, sampling.among(symbols, random_bits.part(words_2L, 1)), clean_L), replaced_L


def predicted(
    tables: Nodes | Edges, tokens_L: Int[Array | np.ndarray, " L"], sigma: Float[Array | np.ndarray, ""]
) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) where each token was replaced, with probability sigma, by a uniform draw."""
    if isinstance(tables, Edges):
        return edge_filter.predicted(tables, tokens_L, flip=sigma)
    return _by_nodes(tables, jnp.asarray(tokens_L, jnp.int32), jnp.asarray(sigma))


def _by_nodes(tables: Nodes, tokens_L: Int32[Array, " L"], sigma: Float[Array, ""]) -> Float[Array, "L V"]:
    """Return the predictions by plain numbers, and once more in logs if a state became too improbable for those."""
    nodes: Nodes = jax.tree.map(jnp.asarray, tables)
    classes, places, symbols = nodes.rows_CUV.shape
    chance = sigma / symbols
    floor = logs.least(nodes.rows_CUV, nodes.probability_Q, jnp.stack([chance, 1 - sigma]))

    def step(state: State, token: Int32[Array, ""]) -> tuple[State, Float[Array, " V"]]:
        belief_CU, lost = state
        # Full precision, as accelerators round products of matrices to fewer digits unless told otherwise.
        node_CV = jnp.einsum("cu,cuv->cv", belief_CU, nodes.rows_CUV, precision="highest")
        emitted_V = node_CV.sum(0)
        told_CV = node_CV * (jnp.where(jnp.arange(symbols, dtype=jnp.int32) == token, 1 - sigma, 0) + chance)[None, :]
        weight_CV = jnp.where(told_CV.sum() > 0, told_CV, node_CV)
        arriving_Q = weight_CV.reshape(-1)[nodes.node_Q] * nodes.probability_Q
        arriving_P = jax.ops.segment_sum(arriving_Q, nodes.target_Q, classes * places)
        law_V = (1 - sigma) * emitted_V / emitted_V.sum() + chance
        following_CU = (arriving_P / arriving_P.sum()).reshape(classes, places)
        return (following_CU, lost | logs.fading(belief_CU, floor)), law_V

    (_, lost), law_LV = jax.lax.scan(step, (nodes.initial_CU, jnp.bool_(False)), tokens_L)
    return logs.unless(lost, jnp.log(law_LV), lambda again_L: _nodes_in_logs(nodes, again_L, sigma), tokens_L)


def _nodes_in_logs(nodes: Nodes, tokens_L: Int32[Array, " L"], sigma: Float[Array, ""]) -> Float[Array, "L V"]:
    """Return the same predictions in logs."""
    classes, places, symbols = nodes.rows_CUV.shape
    log_rows_CUV, log_probability_Q = jnp.log(nodes.rows_CUV), jnp.log(nodes.probability_Q)
    log_kept, log_chance = jnp.log1p(-sigma), jnp.log(sigma / symbols)

    def step(log_belief_CU: Float[Array, "C U"], token: Int32[Array, ""]) -> tuple[Array, Float[Array, " V"]]:
        log_node_CV = logs.summed(log_belief_CU[:, :, None] + log_rows_CUV, axis=1)
        log_emitted_V = logs.summed(log_node_CV, axis=0)
        same_V = jnp.arange(symbols, dtype=jnp.int32) == token
        log_told_V = jnp.logaddexp(jnp.where(same_V, log_kept, -jnp.inf), log_chance)
        log_seen_CV = logs.weighed(log_node_CV, jnp.broadcast_to(log_told_V, log_node_CV.shape))
        log_arriving_Q = log_seen_CV.reshape(-1)[nodes.node_Q] + log_probability_Q
        log_arriving_P = logs.collected(log_arriving_Q, nodes.target_Q, classes * places)
        log_law_V = jnp.logaddexp(log_kept + log_emitted_V - logs.summed(log_emitted_V), log_chance)
        return (log_arriving_P - logs.summed(log_arriving_P)).reshape(classes, places), log_law_V

    return jax.lax.scan(step, jnp.log(nodes.initial_CU), tokens_L)[1]


def _used(machine: Machine) -> Machine:
    """Return the machine without edges that are never taken."""
    taken_E = machine.probability_E > 0
    return machine._replace(
        origin_E=machine.origin_E[taken_E],
        symbol_E=machine.symbol_E[taken_E],
        target_E=machine.target_E[taken_E],
        probability_E=machine.probability_E[taken_E],
    )


def _layout(machine: Machine) -> Layout | None:
    """Return the classes of equally many places, large ones cut up, at the least cost, if they are worth it."""
    given_E = machine.probability_E / finite.emissions(machine)[machine.origin_E, machine.symbol_E]
    class_S = _classes(machine, given_E)
    count_C = np.bincount(class_S)
    edges_C = np.bincount(class_S, np.bincount(machine.origin_E, minlength=len(class_S))) / count_C
    sizes = np.unique(count_C)
    parts_XC = -(-count_C // sizes[:, None])
    moves_X, numbers_X = parts_XC @ edges_C, sizes * parts_XC.sum(1) * machine.symbols
    best = int(np.argmin(COST * moves_X + numbers_X))
    if 2 * moves_X[best] > len(given_E) or numbers_X[best] > COST * len(given_E):
        return None
    order_S = np.argsort(class_S, kind="stable")
    rank_S = np.empty_like(class_S)
    rank_S[order_S] = np.arange(len(class_S)) - np.repeat(np.cumsum(count_C) - count_C, count_C)
    first_C = np.cumsum(parts_XC[best]) - parts_XC[best]
    return Layout(first_C[class_S] + rank_S // sizes[best], rank_S % sizes[best], int(sizes[best]), given_E)


def _classes(machine: Machine, given_E: Float[np.ndarray, " E"]) -> Int[np.ndarray, " S"]:
    """Return numbers that are equal for states from which each symbol leads to the same places as likely."""
    order_E = np.lexsort((machine.target_E, machine.symbol_E, machine.origin_E))
    step_E2 = np.stack([machine.symbol_E, machine.target_E], 1)[order_E]
    given_E = np.round(given_E[order_E], DIGITS)
    ends_S = np.searchsorted(machine.origin_E[order_E], np.arange(len(machine.initial_S) + 1))
    number: dict[tuple[bytes, bytes], int] = {}
    return np.array(
        [
            number.setdefault((step_E2[begin:end].tobytes(), given_E[begin:end].tobytes()), len(number))
            for begin, end in itertools.pairwise(ends_S)
        ]
    )
