"""Kernels of hierarchical grammars: one sequence, pure functions of the tables."""

import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, Key

from testbed.laws.kernels import logs, random_bits, sampling
from testbed.laws.kernels.sampling import Cuts


class Tables(NamedTuple):
    """The law as numbers: N levels, V symbols, R rules of a symbol, C children of a node, O offsets.

    `children_NVRC[i, v, r]` are the symbols of level i that rule r writes for a symbol v of level i+1; level 0 holds
    the leaves. `rule_R` is the law of the rule, also for draws, `phase_O` that of the place in its tree of the first
    token.
    """

    children_NVRC: Int32[Array, "N V R C"]
    rule_R: Float[Array, " R"]
    phase_O: Float[Array, " O"]
    rule_cuts_R: Cuts


class Latents(NamedTuple):
    """The symbols of the nodes above each token, level 1 to the root, and the token's place in its tree (from 0)."""

    symbol_LN: Int32[Array, "L N"]
    place_L: Int32[Array, " L"]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence of tokens with the trees above it, of which only what covers the window is grown."""
    tables = jax.tree.map(jnp.asarray, tables)
    levels, symbols, _, branching = tables.children_NVRC.shape
    widths = [(length - 1) // branching**level + 2 for level in range(levels + 1)]
    words = sampling.words(key, (1 + widths[-1] + sum(widths[1:]),), tables.rule_R.dtype)
    starts = np.cumsum([1, widths[-1], *widths[:0:-1]]).tolist()
    root, *rules = (random_bits.part(words, slice(*ends)) for ends in itertools.pairwise(starts))
    offset = sampling.among(tables.phase_O.shape[0], random_bits.part(words, 0))
    nodes, place_L = sampling.among(symbols, root), offset + jnp.arange(length, dtype=jnp.int32)
    above = []
    for level in range(levels, 0, -1):
        first = offset // branching**level
        above.append(nodes[place_L // branching**level - first])
        rule = sampling.drawn(tables.rule_cuts_R, rules[levels - level])
        born = tables.children_NVRC[level - 1][nodes, rule].reshape(-1)
        skipped = offset // branching ** (level - 1) - branching * first
        nodes = jax.lax.dynamic_slice(born, (skipped,), (widths[level - 1],))
    return nodes[:length], Latents(jnp.stack(above[::-1], axis=1), place_L % branching**levels)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by passing messages along the open path from the root to the next leaf, in logs.

    Per level one node is open; its state is the likelihood of each of its rules given its finished children. What
    lies before the window has likelihood 1, so every offset starts from the same state and differs in place only.
    """
    tables = jax.tree.map(jnp.asarray, tables)
    levels, symbols, rules, branching = tables.children_NVRC.shape
    offsets = tables.phase_O.shape[0]
    offset_O, powers_N = jnp.arange(offsets, dtype=jnp.int32), branching ** jnp.arange(levels, dtype=jnp.int32)
    below, above = jax.vmap(_below, in_axes=(None, 0, 0)), jax.vmap(_above, in_axes=(None, 0, 0, 0))

    def step(
        state: tuple[Float[Array, " O"], Float[Array, "O N V R"]], at: tuple[Int32[Array, ""], Int32[Array, ""]]
    ) -> tuple[tuple[Float[Array, " O"], Float[Array, "O N V R"]], Float[Array, " V"]]:
        (log_weight_O, alive_ONVR), (token, position) = state, at
        digit_ON = (position + offset_O)[:, None] // powers_N[None, :] % branching
        log_law_OV = below(tables, alive_ONVR, digit_ON)
        log_law_V = logs.summed(log_weight_O[:, None] + log_law_OV, axis=0)
        log_posterior_O = logs.weighed(log_weight_O, log_law_OV[:, token])
        seen_V = jnp.arange(symbols, dtype=jnp.int32) == token
        possible_OV = seen_V[None, :] | (log_law_OV[:, token] == -jnp.inf)[:, None]
        message_OV = jnp.where(possible_OV, 0, -jnp.inf).astype(log_law_V.dtype)
        return (log_posterior_O, above(tables, alive_ONVR, digit_ON, message_OV)), log_law_V

    state = jnp.log(tables.phase_O), jnp.zeros((offsets, levels, symbols, rules), tables.rule_R.dtype)
    position_L = jnp.arange(tokens_L.shape[0], dtype=jnp.int32)
    return jax.lax.scan(step, state, (jnp.asarray(tokens_L, jnp.int32), position_L))[1]


def _below(tables: Tables, alive_NVR: Float[Array, "N V R"], digit_N: Int32[Array, " N"]) -> Float[Array, " V"]:
    """Return the log of the law of the next leaf, from the root down."""
    levels, symbols, _ = alive_NVR.shape
    log_belief_V = jnp.full(symbols, -math.log(symbols), alive_NVR.dtype)
    for level in reversed(range(levels)):
        log_rule_Q = (log_belief_V[:, None] + alive_NVR[level] + jnp.log(tables.rule_R)[None, :]).reshape(-1)
        child_Q = jnp.take(tables.children_NVRC[level], digit_N[level], axis=2).reshape(-1)
        log_belief_V = logs.collected(log_rule_Q, child_Q, symbols)
    return log_belief_V - logs.summed(log_belief_V)


def _above(
    tables: Tables, alive_NVR: Float[Array, "N V R"], digit_N: Int32[Array, " N"], message_V: Float[Array, " V"]
) -> Float[Array, "N V R"]:
    """Return the state after a leaf: each finished node hands the likelihood of its symbol to the node above it."""
    levels, *_, branching = tables.children_NVRC.shape
    reached: Bool[Array, ""] = jnp.bool_(True)
    following = []
    for level in range(levels):
        child_VR = jnp.take(tables.children_NVRC[level], digit_N[level], axis=2)
        seen_VR = _scaled(alive_NVR[level] + message_V[child_VR])
        finished = digit_N[level] == branching - 1
        following.append(jnp.where(reached, jnp.where(finished, 0, seen_VR), alive_NVR[level]))
        message_V = _scaled(logs.summed(seen_VR + jnp.log(tables.rule_R)[None, :], axis=1))
        reached = reached & finished
    return jnp.stack(following)


def _scaled(log_likelihood: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the likelihoods with largest value 1: only their ratios count."""
    return log_likelihood - logs.finite(log_likelihood.max())
