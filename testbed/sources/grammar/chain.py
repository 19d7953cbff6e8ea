"""Closed forms of hierarchical grammars: laws of one and of two tokens, mixing, sentences as a machine."""

import functools
import itertools

import numpy as np
from jaxtyping import Float, Int

from testbed.laws.machines.finite import Informed, Machine
from testbed.laws.record import Absent, Mixing
from testbed.sources.grammar.fields import Fields

LARGEST_MACHINE = 2**14


def pair_law(source: Fields, lag: int) -> Float[np.ndarray, "V V"]:
    """Return P(X_0 = a, X_lag = b) at a random moment of the long run, lag >= 0.

    Error: rounding of about depth·(V + R) operations.
    """
    laws_PV = place_laws(source)[0]
    places = len(laws_PV)
    if lag == 0:
        return np.diag(laws_PV.mean(0))
    other = np.arange(max(places - lag, 0), places)
    apart_VV = laws_PV[other].T @ laws_PV[(other + lag) % places]
    return np.asarray((apart_VV + _within(source, lag)) / places)


def mixing(source: Fields) -> Mixing:
    """Return whether correlations end with the tree or come back for ever, because a token's law tells its place.

    Error: laws and covariances that differ by less than 1e-12 count as equal.
    """
    laws_PV = place_laws(source)[0]
    places = len(laws_PV)
    periods = [shift for shift in range(1, places + 1) if places % shift == 0]
    period = next(each for each in periods if np.abs(laws_PV - np.roll(laws_PV, each, axis=0)).max() < 1e-12)
    if period > 1:
        return Mixing(decay="periodic", value=float(period))
    apart_VV = np.outer(laws_PV[0], laws_PV[0])
    lags = range(places - 1, 0, -1)
    last = next((lag for lag in lags if np.abs(pair_law(source, lag) - apart_VV).max() > 1e-12), 0)
    return Mixing(decay="finite" if last else "independent", value=float(last))


@functools.lru_cache(maxsize=16)
def place_laws(source: Fields) -> list[Float[np.ndarray, "P V"]]:
    """Return for each level, tokens first, the law of the symbol of each node of a tree."""
    laws = [np.full((1, source.vocabulary), 1 / source.vocabulary)]
    for level in range(source.depth - 1, -1, -1):
        step_CVV = _steps(source, level)
        laws.insert(0, np.einsum("pv,cvw->pcw", laws[0], step_CVV).reshape(-1, source.vocabulary))
    return laws


def _steps(source: Fields, level: int) -> Float[np.ndarray, "C V V"]:
    """Return P(symbol of child c | symbol of its parent), for children of this level."""
    child_CVR1 = np.moveaxis(source.productions()[level], 2, 0)[..., None]
    return np.asarray(((child_CVR1 == np.arange(source.vocabulary)) * source.rule_law()[:, None]).sum(2))


@functools.lru_cache(maxsize=16)
def _descents(source: Fields) -> list[Float[np.ndarray, "P V V"]]:
    """Return for each level below the root, tokens first, P(leaf j of a node | symbol of the node)."""
    descents = [np.eye(source.vocabulary)[None]]
    for level in range(source.depth - 1):
        leaf_CPVV = _steps(source, level)[:, None] @ descents[-1][None]
        descents.append(leaf_CPVV.reshape(-1, source.vocabulary, source.vocabulary))
    return descents


def _within(source: Fields, lag: int) -> Float[np.ndarray, "V V"]:
    """Return the sum of the laws of all pairs of leaves of one tree that lie `lag` apart."""
    total_VV = np.zeros((source.vocabulary, source.vocabulary))
    for level, leaf_PVV in enumerate(_descents(source)):
        nodes_V = place_laws(source)[level + 1].sum(0)
        for left, right in itertools.combinations(range(source.branching), 2):
            shift = lag - (right - left) * len(leaf_PVV)
            first, last = max(0, -shift), min(len(leaf_PVV), len(leaf_PVV) - shift)
            if first < last:
                siblings_VV = _siblings(source, level, nodes_V, (left, right))
                ahead_PVV = siblings_VV[None] @ leaf_PVV[first + shift : last + shift]
                total_VV += np.tensordot(leaf_PVV[first:last], ahead_PVV, axes=((0, 1), (0, 1)))
    return total_VV


def _siblings(
    source: Fields, level: int, parent_V: Float[np.ndarray, " V"], pair: tuple[int, int]
) -> Float[np.ndarray, "V V"]:
    """Return the joint law of two children of a node, times the weights of its symbol."""
    child_VRC = source.productions()[level]
    joint_VV = np.zeros((source.vocabulary, source.vocabulary))
    np.add.at(joint_VV, tuple(child_VRC[..., slot] for slot in pair), np.outer(parent_V, source.rule_law()))
    return joint_VV


def informed(source: Fields) -> Informed:
    """Return the laws of a token given the symbol above it and what that has written so far."""
    above_V = place_laws(source)[1].mean(0)
    chance_X = np.outer(above_V, source.rule_law()).reshape(-1) / source.branching
    written_XC = source.productions()[0].reshape(-1, source.branching)
    known_XD = np.column_stack([np.repeat(np.arange(source.vocabulary), source.rules), written_XC])
    parts = []
    for place in range(source.branching):
        states, state_X = np.unique(known_XD[:, : place + 1], axis=0, return_inverse=True)
        joint_SV = np.zeros((len(states), source.vocabulary))
        np.add.at(joint_SV, (state_X.reshape(-1), written_XC[:, place]), chance_X)
        parts.append(joint_SV[joint_SV.any(1)])
    weight_S = np.concatenate([part.sum(1) for part in parts])
    return Informed(weight_S, np.concatenate(parts) / weight_S[:, None])


def machine(source: Fields) -> Machine | Absent:
    """Return the machine whose states are the beginnings of sentences, the empty one first."""
    size = source.nodes * np.log(source.rules) + np.log(source.vocabulary * source.leaves)
    if size > np.log(LARGEST_MACHINE) + 1e-9:
        return Absent(f"too many sentences: they are listed up to {LARGEST_MACHINE} tokens in all")
    sentence_BP, chance_B = _sentences(source)
    weights: list[np.ndarray] = [np.ones(1)]
    edges, state_B, start = [], np.zeros(len(chance_B), int), 0
    for place in range(source.leaves):
        beginnings = np.unique(sentence_BP[:, : place + 1], axis=0, return_index=True, return_inverse=True)
        first, following_B = beginnings[1], beginnings[2].reshape(-1)
        weights.append(np.bincount(following_B, chance_B))
        origin, end = state_B[first], start + len(weights[-2])
        target = end + np.arange(len(first)) if place + 1 < source.leaves else np.zeros(len(first), int)
        edges.append((start + origin, sentence_BP[first, place], target, weights[-1] / weights[-2][origin]))
        state_B, start = following_B, end
    weights_S = np.concatenate(weights[:-1]) / source.leaves
    initial_S = weights_S if source.phase == "uniform" else np.eye(len(weights_S))[0]
    return Machine(source.vocabulary, initial_S, weights_S, *map(np.concatenate, zip(*edges, strict=True)))


def _sentences(source: Fields) -> tuple[Int[np.ndarray, "B P"], Float[np.ndarray, " B"]]:
    """Return every sentence that can occur and its probability, by writing out all derivations."""
    nodes_BP, chance_B = np.arange(source.vocabulary)[:, None], np.full(source.vocabulary, 1 / source.vocabulary)
    for child_VRC in source.productions()[::-1]:
        choice_KP = np.array(list(itertools.product(range(source.rules), repeat=nodes_BP.shape[1])))
        chance_B = np.outer(chance_B, source.rule_law()[choice_KP].prod(1)).reshape(-1)
        written = child_VRC[nodes_BP[:, None, :], choice_KP[None]]
        nodes_BP = written.reshape(len(chance_B), -1)
    return nodes_BP[chance_B > 0], chance_B[chance_B > 0]
