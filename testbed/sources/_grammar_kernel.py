"""Kernels of hierarchical grammars: one sequence, pure functions of the tables."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, Key


class Tables(NamedTuple):
    """The law as numbers: N levels, V symbols, R rules of a symbol, C children of a node, O offsets.

    `children_NVRC[i, v, r]` are the symbols of level i that rule r writes for a symbol v of level i+1; level 0 holds
    the leaves. `rule_R` is the law of the rule, `phase_O` that of the place in its tree of the first token.
    """

    children_NVRC: Int32[Array, "N V R C"]
    rule_R: Float[Array, " R"]
    rule_cdf_R: Float[Array, " R"]
    phase_O: Float[Array, " O"]


class Latents(NamedTuple):
    """The symbols of the nodes above each token, level 1 to the root, and the token's place in its tree (from 0)."""

    symbol_LN: Int32[Array, "L N"]
    place_L: Int32[Array, " L"]


def sampled(tables: Tables, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
    """Return one sequence of tokens with the trees above it, of which only what covers the window is grown."""
    tables = jax.tree.map(jnp.asarray, tables)
    levels, symbols, _, branching = tables.children_NVRC.shape
    widths = [(length - 1) // branching**level + 2 for level in range(levels + 1)]
    uniforms = jax.random.uniform(key, (1 + widths[-1] + sum(widths[1:]),), tables.rule_R.dtype)
    starts = np.cumsum([1, widths[-1], *widths[:0:-1]])
    phase, root, *rules = jnp.split(uniforms, starts[:-1])
    offset = _among(phase[0], tables.phase_O.shape[0])
    nodes, place_L = _among(root, symbols), offset + jnp.arange(length, dtype=jnp.int32)
    above = []
    for level in range(levels, 0, -1):
        first = offset // branching**level
        above.append(nodes[place_L // branching**level - first])
        rule = jnp.searchsorted(tables.rule_cdf_R, rules[levels - level], side="right")
        born = tables.children_NVRC[level - 1][nodes, rule].reshape(-1)
        skipped = offset // branching ** (level - 1) - branching * first
        nodes = jax.lax.dynamic_slice(born, (skipped,), (widths[level - 1],))
    return nodes[:length], Latents(jnp.stack(above[::-1], axis=1), place_L % branching**levels)


def predicted(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
    """Return log P(X_t = v | X_<t) by passing messages along the open path from the root to the next leaf.

    Per level one node is open; its state is the likelihood of each of its rules given its finished children. What
    lies before the window has likelihood 1, so every offset starts from the same state and differs in place only.
    """
    tables = jax.tree.map(jnp.asarray, tables)
    levels, symbols, rules, branching = tables.children_NVRC.shape
    offsets = tables.phase_O.shape[0]
    offset_O, powers_N = jnp.arange(offsets, dtype=jnp.int32), branching ** jnp.arange(levels, dtype=jnp.int32)
    slot_NCQV = _slots(tables)
    below, above = jax.vmap(_below, in_axes=(None, None, 0, 0)), jax.vmap(_above, in_axes=(None, 0, 0, 0))

    def step(
        state: tuple[Float[Array, " O"], Float[Array, "O N V R"]], at: tuple[Int32[Array, ""], Int32[Array, ""]]
    ) -> tuple[tuple[Float[Array, " O"], Float[Array, "O N V R"]], Float[Array, " V"]]:
        (weight_O, alive_ONVR), (token, position) = state, at
        digit_ON = (position + offset_O)[:, None] // powers_N[None, :] % branching
        law_OV = below(tables, slot_NCQV, alive_ONVR, digit_ON)
        law_V = (weight_O[:, None] * law_OV).sum(0)
        chance_O, chance = law_OV[:, token], law_V[token]
        posterior_O = jnp.where(chance > 0, weight_O * chance_O / jnp.where(chance > 0, chance, 1), weight_O)
        seen_V = jnp.arange(symbols, dtype=jnp.int32) == token
        message_OV = jnp.where(chance_O[:, None] > 0, seen_V[None, :], True).astype(law_V.dtype)
        return (posterior_O, above(tables, alive_ONVR, digit_ON, message_OV)), law_V

    state = tables.phase_O, jnp.ones((offsets, levels, symbols, rules), tables.rule_R.dtype)
    position_L = jnp.arange(tokens_L.shape[0], dtype=jnp.int32)
    _, law_LV = jax.lax.scan(step, state, (jnp.asarray(tokens_L, jnp.int32), position_L))
    return jnp.log(law_LV)


def _slots(tables: Tables) -> Float[Array, "N C Q V"]:
    """Return, per level and place among the children, which symbol each of the Q = V·R productions puts there."""
    levels, symbols, rules, branching = tables.children_NVRC.shape
    child_NCQ = jnp.moveaxis(tables.children_NVRC, 3, 1).reshape(levels, branching, symbols * rules)
    return jax.nn.one_hot(child_NCQ, symbols, dtype=tables.rule_R.dtype)


def _below(
    tables: Tables, slot_NCQV: Float[Array, "N C Q V"], alive_NVR: Float[Array, "N V R"], digit_N: Int32[Array, " N"]
) -> Float[Array, " V"]:
    """Return the law of the next leaf, from the root down."""
    levels, symbols, _ = alive_NVR.shape
    belief_V = jnp.full(symbols, 1 / symbols, alive_NVR.dtype)
    for level in reversed(range(levels)):
        rule_Q = (belief_V[:, None] * alive_NVR[level] * tables.rule_R[None, :]).reshape(-1)
        # Full precision: accelerators would round the factors of a matrix product to fewer digits.
        belief_V = jnp.matmul(rule_Q, slot_NCQV[level, digit_N[level]], precision=jax.lax.Precision.HIGHEST)
    return belief_V / belief_V.sum()


def _above(
    tables: Tables, alive_NVR: Float[Array, "N V R"], digit_N: Int32[Array, " N"], message_V: Float[Array, " V"]
) -> Float[Array, "N V R"]:
    """Return the state after a leaf: each finished node hands the likelihood of its symbol to the node above it."""
    levels, *_, branching = tables.children_NVRC.shape
    reached: Bool[Array, ""] = jnp.bool_(True)
    following = []
    for level in range(levels):
        child_VR = jnp.take(tables.children_NVRC[level], digit_N[level], axis=2)
        seen_VR = _scaled(alive_NVR[level] * message_V[child_VR])
        finished = digit_N[level] == branching - 1
        following.append(jnp.where(reached, jnp.where(finished, 1, seen_VR), alive_NVR[level]))
        message_V = _scaled((seen_VR * tables.rule_R[None, :]).sum(1))
        reached = reached & finished
    return jnp.stack(following)


def _scaled(likelihood: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Return the likelihoods with largest value 1: only their ratios count."""
    largest = likelihood.max()
    return likelihood / jnp.where(largest > 0, largest, 1)


def _among(uniform: Float[Array, "*any"], count: int) -> Int32[Array, "*any"]:
    """Return draws from 0, …, count-1, all equally likely."""
    return jnp.minimum((uniform * count).astype(jnp.int32), count - 1)
