"""Counting at the nodes of a tree, and weighting over all its prunings: what the predictors of the shelf are made of.

A position walks from the root to a leaf, one node a level. A node is named by the first position that visits it, so
that a table over nodes is as long as the sequence, however many contexts the alphabet has.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Int32

Tokens = Int[Array | np.ndarray, " L"]


def contexts(tokens_L: Tokens, depth: int, alphabet: int, root_L: Int32[Array, " L"]) -> Int32[Array, "J L"]:
    """Return the node of every position on the levels j = 0..depth: same root, and the same j tokens before it.

    A position with fewer than j tokens before it is alone at its node.
    """
    position_L = jnp.arange(len(tokens_L), dtype=jnp.int32)
    labels, nodes = alphabet + 1, [root_L]
    for lag in range(1, depth + 1):
        label_L = jnp.where(position_L >= lag, jnp.roll(jnp.asarray(tokens_L, jnp.int32), lag), alphabet)
        code_L = nodes[-1] * labels + label_L
        first_U = jnp.full(len(tokens_L) * labels, len(tokens_L), jnp.int32).at[code_L].min(position_L)
        nodes.append(first_U[code_L])
    return jnp.stack(nodes)


def counted(
    tokens_L: Tokens, node_L: Int32[Array, " L"], alphabet: int, pseudo_count: int | float
) -> Float[Array, "L V"]:
    """Return log (n_v + β) / (n + β·V) at each position, n_v counting the symbols v seen before at its node."""
    by_node_L = jnp.argsort(node_L, stable=True)
    sorted_L = node_L[by_node_L]
    seen_LV = jax.nn.one_hot(jnp.asarray(tokens_L)[by_node_L], alphabet, dtype=jnp.result_type(float))
    before_LV = jnp.cumsum(seen_LV, axis=0) - seen_LV
    own_LV = before_LV - before_LV[jnp.searchsorted(sorted_L, sorted_L)]
    count_LV = own_LV[jnp.argsort(by_node_L)]
    return jnp.log(count_LV + pseudo_count) - jnp.log(count_LV.sum(1, keepdims=True) + pseudo_count * alphabet)


def weighted(
    tokens_L: Tokens,
    node_JL: Int32[Array, "J L"],
    counting_JL: Int32[Array, "J L"],
    alphabet: int,
    pseudo_count: int | float,
) -> Float[Array, "L V"]:
    """Return the prediction of the mixture of all prunings of a tree, whose levels J run from the root to the leaves.

    Each node above the leaves is the end of its branch with probability ½. Where a branch ends, the tokens of its
    positions are counted by their nodes in `counting_JL`. At a node with evidence r, the log ratio of what its own
    counting and its children's mixtures gave to the earlier tokens, the prediction is σ(r)·own + σ(−r)·child's.
    """

    def level(log_below_LV: Float[Array, "L V"], nodes: tuple[Array, Array]) -> tuple[Float[Array, "L V"], None]:
        node_L, counting_L = nodes
        log_own_LV = counted(tokens_L, counting_L, alphabet, pseudo_count)
        evidence_L1 = _earlier(node_L, _chosen(log_own_LV - log_below_LV, tokens_L))[:, None]
        stop_L1, go_L1 = jax.nn.log_sigmoid(evidence_L1), jax.nn.log_sigmoid(-evidence_L1)
        return jnp.logaddexp(stop_L1 + log_own_LV, go_L1 + log_below_LV), None

    log_leaf_LV = counted(tokens_L, counting_JL[-1], alphabet, pseudo_count)
    return jax.lax.scan(level, log_leaf_LV, (node_JL[:-1], counting_JL[:-1]), reverse=True)[0]


def _chosen(log_LV: Float[Array, "L V"], tokens_L: Tokens) -> Float[Array, " L"]:
    return jnp.take_along_axis(log_LV, jnp.asarray(tokens_L)[:, None], axis=1)[:, 0]


def _earlier(node_L: Int32[Array, " L"], value_L: Float[Array, " L"]) -> Float[Array, " L"]:
    """Return at each position the sum of the values at the earlier positions of the same node."""

    def step(total_L: Float[Array, " L"], at: tuple[Array, Array]) -> tuple[Array, Array]:
        node, value = at
        return total_L.at[node].add(value), total_L[node]

    return jax.lax.scan(step, jnp.zeros_like(value_L), (node_L, value_L))[1]
