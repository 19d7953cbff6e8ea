"""Context-tree weighting against the sum over all suffix trees, and against the best of them."""

import functools
import itertools

import numpy as np
import pytest

from testbed.predictors import ContextTree, Counting
from tests.predictors.shelf import check_mixture, counting_loss, strings, surprise


@functools.lru_cache(maxsize=16)
def trees(depth, alphabet):
    """Every suffix tree (its leaves, each a tuple of symbols from the latest backwards) and its cost Γ in bits."""
    if depth == 0:
        return [(frozenset([()]), 0)]
    found = [(frozenset([()]), 1)]
    for children in itertools.product(trees(depth - 1, alphabet), repeat=alphabet):
        leaves = {(symbol, *leaf) for symbol, (below, _) in enumerate(children) for leaf in below}
        found.append((frozenset(leaves), 1 + sum(cost for _, cost in children)))
    return found


def tree_loss(leaves, tokens, alphabet, pseudo_count):
    """The loss of counting at the leaves; where the past is shorter than the leaf, a context of its own."""
    past = [tuple(tokens[:t][::-1]) for t in range(len(tokens))]
    at = [next((leaf for leaf in leaves if before[: len(leaf)] == leaf), ("beginning", before)) for before in past]
    return counting_loss(at, tokens, alphabet, pseudo_count)


def mixture(depth, alphabet, pseudo_count):
    """−log Σ_S 2^-Γ(S) P_S(x) as a function of x."""

    @functools.lru_cache(maxsize=4096)
    def loss(tokens):
        each = [
            tree_loss(leaves, tokens, alphabet, pseudo_count) + cost * np.log(2)
            for leaves, cost in trees(depth, alphabet)
        ]
        return -np.logaddexp.reduce(-np.array(each))

    return lambda tokens: loss(tuple(tokens))


def test_there_are_as_many_trees_as_there_should_be():
    assert [len(trees(depth, 2)) for depth in range(4)] == [1, 2, 5, 26]
    assert len(trees(2, 3)) == 9
    for depth, alphabet in ((1, 2), (2, 2), (3, 2), (2, 3)):
        assert sum(2.0**-cost for _, cost in trees(depth, alphabet)) == 1
        for leaves, cost in trees(depth, alphabet):
            inner = (len(leaves) - 1) // (alphabet - 1)
            assert cost == inner + sum(len(leaf) < depth for leaf in leaves)


@pytest.mark.parametrize(("depth", "alphabet", "length"), [(1, 2, 5), (2, 2, 6), (3, 2, 5), (1, 3, 4), (2, 3, 4)])
@pytest.mark.parametrize("pseudo_count", [0.5, 1.0])
def test_it_is_the_mixture_of_all_trees(depth, alphabet, length, pseudo_count):
    predictor = ContextTree(depth=depth, pseudo_count=pseudo_count)
    tokens_BL = strings(alphabet, length)
    check_mixture(predictor, mixture(depth, alphabet, pseudo_count), alphabet, tokens_BL)


@pytest.mark.parametrize(("depth", "alphabet"), [(2, 2), (3, 2), (2, 3)])
def test_it_is_the_mixture_on_longer_strings(depth, alphabet):
    law_V = np.array([6, 2, 1][:alphabet]) / sum([6, 2, 1][:alphabet])
    tokens_BL = np.random.default_rng(0).choice(alphabet, (1, 24), p=law_V)
    check_mixture(ContextTree(depth=depth), mixture(depth, alphabet, 0.5), alphabet, tokens_BL)


def uneven(tokens_L, alphabet):
    """A liar: a tree one level deeper, whose prior is another."""
    return ContextTree(depth=3).log_predictive(tokens_L, alphabet)


def test_another_prior_is_noticed():
    for liar in (uneven, Counting(order=2)):
        with pytest.raises(AssertionError):
            check_mixture(liar, mixture(2, 2, 0.5), 2, strings(2, 6))


def within_bound(predict, tokens, depth, alphabet):
    best = min(tree_loss(leaves, tokens, alphabet, 0.5) + cost * np.log(2) for leaves, cost in trees(depth, alphabet))
    return surprise(predict, tokens, alphabet) <= best + 1e-9


def chain(rng, alphabet, length):
    """A sequence whose next law depends on one token after symbol 0 and on two after the others."""
    rows = rng.dirichlet(np.full(alphabet, 0.3), (alphabet, alphabet))
    tokens = [0, 0]
    while len(tokens) < length:
        last, before = tokens[-1], tokens[-2]
        tokens.append(int(rng.choice(alphabet, p=rows[last, before if last else 0])))
    return tokens


@pytest.mark.parametrize(("depth", "alphabet"), [(1, 2), (2, 2), (3, 2), (1, 3), (2, 3)])
def test_the_loss_is_within_the_cost_of_the_best_tree(depth, alphabet):
    rng = np.random.default_rng(1)
    for _ in range(3):
        assert within_bound(ContextTree(depth=depth), chain(rng, alphabet, 300), depth, alphabet)


def test_counting_at_the_deepest_leaves_breaks_the_bound():
    independent = np.random.default_rng(2).choice(3, 200, p=[0.8, 0.1, 0.1]).tolist()
    assert within_bound(ContextTree(depth=2), independent, 2, 3)
    assert not within_bound(Counting(order=2), independent, 2, 3)
