"""The entropies of hierarchical grammars."""

import functools
from typing import NamedTuple

import msgspec
import numpy as np
from jaxtyping import Float, Int

from testbed.laws import record, simplex
from testbed.laws.entropies import bounded, conditional, of_machine
from testbed.laws.record import Absent, Budget, Quantity, Truth
from testbed.sources.grammar.fields import Fields

LARGEST_STEP = 2**24  # pairs of a belief and a rule that one step may hold in memory
DIGITS = 15


class Beliefs(NamedTuple):
    """What may be known of the symbol of a node before its first leaf: distinct laws and their probabilities."""

    law_UV: Float[np.ndarray, "U V"]
    weight_U: Float[np.ndarray, " U"]


def truth(source: Fields, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    record.check_length(length)
    rule = float(simplex.entropy(source.rule_law()))
    tree = float(np.log(source.vocabulary)) + source.nodes * rule
    exact = functools.partial(record.rounded, operations=4.0 * (source.rules + source.nodes))
    rate, oracle = exact(tree / source.leaves), exact(rule / source.branching)
    if source.phase == "uniform":
        curve, epsilon = _uniform(source, length, budget, oracle)
    else:
        trees, rest = divmod(length, source.leaves)
        tree_curve, part = _aligned(source, min(length, source.leaves), rest, budget)
        curve = tuple(tree_curve[position % source.leaves] for position in range(length))
        epsilon = _window(trees * tree / length, part, rest / length) if rest else rate
    found = Truth(length=length, curve=curve, epsilon=epsilon, rate=rate, oracle=oracle)
    return bounded.settled(source, found, budget)


def _uniform(source: Fields, length: int, budget: Budget, oracle: Quantity) -> tuple[tuple[Quantity, ...], Quantity]:
    """Return h_t and its mean where the place of the first token is hidden: from the list of sentences, or sampled."""
    if isinstance(source.machine(), Absent):
        sampled = conditional.curve(type(source), source.tables(np.float64), length, budget)
        return sampled.positions(), sampled.mean(np.full(length, 1 / length))
    found = of_machine.truth(source, length, budget, oracle=oracle)
    return found.curve, found.epsilon


def _aligned(source: Fields, horizon: int, rest: int, budget: Budget) -> tuple[tuple[Quantity, ...], Quantity]:
    """Return h_t for the first places of a tree, and their mean over the first `rest` of them."""
    value_P = place_entropies(source, horizon, budget.contexts)
    known_P = np.isfinite(value_P)
    exact = functools.partial(record.rounded, operations=_operations(source, budget), method="enumeration")
    samples = conditional.exactly(np.zeros(horizon), 0)
    if not known_P.all():
        fewest = msgspec.structs.replace(budget, contexts=1)
        drawn = conditional.curve(type(source), source.tables(np.float64), horizon, fewest)
        rows_BP = np.where(known_P[None, :], value_P[None, :], drawn.samples_BL)
        samples = drawn._replace(exact_T=value_P[:0], samples_BL=rows_BP)
    places = np.eye(horizon)
    curve = tuple(exact(float(value_P[p])) if known_P[p] else samples.mean(places[p]) for p in range(horizon))
    if known_P[:rest].all():
        return curve, exact(float(value_P[:rest].mean()) if rest else 0.0)
    return curve, samples.mean(places[:rest].mean(0))


def _window(whole: float, part: Quantity, share: float) -> Quantity:
    """Return whole + share·part: the mean over a window that ends inside a tree."""
    value = whole + share * part.value
    if part.method == "Monte Carlo":
        return record.moved(part, whole, times=share)
    return record.rounded(value, part.error / record.UNIT_ROUNDOFF, method=part.method)


def _operations(source: Fields, budget: Budget) -> float:
    """Return a generous count of the roundings in a row that reach the entropy of a place, merged digits included."""
    productions = source.vocabulary * source.rules
    merged = 32 * source.vocabulary * 10.0**-DIGITS / record.UNIT_ROUNDOFF
    return source.depth * (4 * productions + merged) + min(budget.contexts, float(productions) ** source.depth)


def place_entropies(source: Fields, horizon: int, contexts: int) -> Float[np.ndarray, " P"]:
    """Return H(token | the tokens of its tree before it) for the first places of a tree.

    Finished nodes are known from their leaves. So what counts is the belief about each open node, from the root down;
    equal beliefs are merged. A place that needs more than `contexts` beliefs gets NaN.
    """
    symbols = source.vocabulary
    root = Beliefs(np.full((1, symbols), 1 / symbols), np.ones(1))
    return _below(source, source.depth, root, horizon, contexts)[:horizon]


def _below(source: Fields, level: int, node: Beliefs | None, horizon: int, contexts: int) -> Float[np.ndarray, " P"]:
    """Return the entropies of the leaves below a node of this level, at least the first `horizon` of them."""
    size = source.branching ** max(level - 1, 0)
    if node is None:
        return np.full(source.branching**level, np.nan)
    if level == 0:
        return np.atleast_1d(node.weight_U @ simplex.entropy(node.law_UV))
    slots = range(min(source.branching, -(-horizon // size)))
    children = (_child(source, level - 1, node, slot, contexts) for slot in slots)
    parts = [_below(source, level - 1, child, horizon - slot * size, contexts) for slot, child in enumerate(children)]
    return np.concatenate(parts)


def _child(source: Fields, level: int, node: Beliefs, slot: int, contexts: int) -> Beliefs | None:
    """Return the beliefs about a child, given its finished siblings; None if there are too many."""
    symbols, rules = source.vocabulary, source.rules
    family_Q, child_Q = _families(source, level, slot)
    row, symbol = np.nonzero(node.law_UV)
    if len(row) * rules > LARGEST_STEP:
        return None
    chance = (node.law_UV[row, symbol][:, None] * source.rule_law()).reshape(-1)
    production = (symbol[:, None] * rules + np.arange(rules)).reshape(-1)
    case, index = np.unique(np.repeat(row, rules) * len(family_Q) + family_Q[production], return_inverse=True)
    if len(case) > contexts:
        return None
    places = index * symbols + child_Q[production]
    joint_UV = np.bincount(places, chance, minlength=len(case) * symbols).reshape(-1, symbols)
    total_U = joint_UV.sum(1)
    return _merged(joint_UV / total_U[:, None], node.weight_U[case // len(family_Q)] * total_U)


@functools.lru_cache(maxsize=64)
def _families(source: Fields, level: int, slot: int) -> tuple[Int[np.ndarray, " Q"], Int[np.ndarray, " Q"]]:
    """Return, per production, a number for its children before this slot, and its child there."""
    written_QC = source.productions()[level].reshape(-1, source.branching)
    family_Q = np.unique(written_QC[:, :slot], axis=0, return_inverse=True)[1].reshape(-1)
    return family_Q, written_QC[:, slot]


def _merged(law_UV: Float[np.ndarray, "U V"], weight_U: Float[np.ndarray, " U"]) -> Beliefs:
    """Return the beliefs with those merged that are equal up to rounding."""
    _, first, index_U = np.unique(np.round(law_UV, DIGITS), axis=0, return_index=True, return_inverse=True)
    return Beliefs(law_UV[first], np.bincount(index_U.reshape(-1), weight_U))
