"""Partition-tree weighting against the sum over all binary partitions of time, and against the best of them."""

import functools
import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from testbed.predictors import Counting, PartitionTree
from tests.predictors.shelf import check_mixture, counting_loss, predicted, strings, surprise


@functools.lru_cache(maxsize=64)
def partitions(start, level):
    """Every binary partition of 2^level positions from ``start`` (the beginnings of its pieces), and its cost Γ."""
    if level == 0:
        return [((start,), 0)]
    halves = (partitions(start, level - 1), partitions(start + 2 ** (level - 1), level - 1))
    split = [(left + right, 1 + one + other) for (left, one), (right, other) in itertools.product(*halves)]
    return [((start,), 1), *split]


def partition_loss(pieces, tokens, alphabet, order=0, pseudo_count=0.5):
    """The loss of counting that starts afresh in each piece; contexts reach across its beginning."""
    groups = []
    for t in range(len(tokens)):
        piece = max(start for start in pieces if start <= t)
        groups.append((piece, tuple(tokens[t - order : t]) if t >= order else ("beginning", t)))
    return counting_loss(groups, tokens, alphabet, pseudo_count)


def mixture(window, alphabet, **base):
    """−log Σ_P 2^-Γ(P) P_P(x) for the beginnings x of a window."""

    @functools.lru_cache(maxsize=4096)
    def loss(tokens):
        each = [
            partition_loss(pieces, tokens, alphabet, **base) + cost * np.log(2)
            for pieces, cost in partitions(0, math.ceil(math.log2(window)))
        ]
        return -np.logaddexp.reduce(-np.array(each))

    return lambda tokens: loss(tuple(tokens))


def test_there_are_as_many_partitions_as_there_should_be():
    assert [len(partitions(0, level)) for level in range(4)] == [1, 2, 5, 26]
    for level in range(1, 4):
        assert sum(2.0**-cost for _, cost in partitions(0, level)) == 1
        for pieces, cost in partitions(0, level):
            ends = [*pieces[1:], 2**level]
            single = sum(end - start == 1 for start, end in zip(pieces, ends, strict=True))
            assert cost == 2 * len(pieces) - 1 - single


@pytest.mark.parametrize(("alphabet", "length"), [(2, 1), (2, 2), (2, 3), (2, 4), (3, 4), (2, 5)])
@pytest.mark.parametrize("order", [0, 1])
def test_it_is_the_mixture_of_all_partitions(alphabet, length, order):
    predictor = PartitionTree(order=order)
    check_mixture(predictor, mixture(length, alphabet, order=order), alphabet, strings(alphabet, length))


@pytest.mark.parametrize(("alphabet", "length"), [(2, 8), (3, 8), (3, 6)])
@pytest.mark.parametrize("base", [{}, {"pseudo_count": 1.0}, {"order": 1}, {"order": 2}])
def test_it_is_the_mixture_on_longer_windows(alphabet, length, base):
    tokens_BL = np.random.default_rng(0).integers(0, alphabet, (4, length))
    check_mixture(PartitionTree(**base), mixture(length, alphabet, **base), alphabet, tokens_BL)


def longer(tokens_L, alphabet):
    """A liar: the halves are those of a window twice as long."""
    twice_L = jnp.concatenate([jnp.asarray(tokens_L)] * 2)
    return PartitionTree().log_predictive(twice_L, alphabet)[: len(tokens_L)]


def test_another_prior_is_noticed():
    for liar in (longer, Counting()):
        with pytest.raises(AssertionError):
            check_mixture(liar, mixture(4, 2), 2, strings(2, 4))


def within_bound(predict, tokens, alphabet):
    level = math.ceil(math.log2(len(tokens)))
    best = min(partition_loss(pieces, tokens, alphabet) + cost * np.log(2) for pieces, cost in partitions(0, level))
    return surprise(predict, tokens, alphabet) <= best + 1e-9


@pytest.mark.parametrize("alphabet", [2, 3, 26])
@pytest.mark.parametrize("length", [11, 16])
def test_the_loss_is_within_the_cost_of_the_best_partition(alphabet, length):
    rng = np.random.default_rng(1)
    for change in (0, 3, 8):
        laws = rng.dirichlet(np.full(alphabet, 0.05), 2)
        tokens = [int(rng.choice(alphabet, p=laws[int(t >= change)])) for t in range(length)]
        assert within_bound(PartitionTree(), tokens, alphabet)


def test_counting_without_partitions_breaks_the_bound():
    changing = [0] * 8 + [1] * 8
    assert within_bound(PartitionTree(), changing, 2)
    assert not within_bound(Counting(), changing, 2)


def test_it_forgets_a_regime_that_is_over():
    """512 zeros and then ones: soon a one is likely, where counting alone still bets on zeros."""
    tokens_L = np.repeat([0, 1], 512)
    last = {kind: predicted(kind(), [tokens_L], 2)[0, 527, 1] for kind in (Counting, PartitionTree)}
    assert last[PartitionTree] > np.log(0.9) and last[Counting] < np.log(0.1)


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_the_loss_is_within_the_bound_for_any_pieces(pieces):
    """m pieces cost at most the Γ of m(⌈log₂ n⌉ + 1) dyadic ones, each with the KT price of what it holds."""
    rng, length, alphabet = np.random.default_rng(4), 512, 2
    cuts = [0, *sorted(rng.choice(np.arange(1, length), pieces - 1, replace=False).tolist()), length]
    tokens = np.concatenate([rng.random(b - a) < rng.random() for a, b in itertools.pairwise(cuts)]).astype(int)
    best = 0.0
    for a, b in itertools.pairwise(cuts):
        counts = np.bincount(tokens[a:b], minlength=2)
        best -= sum(n * np.log(n / (b - a)) for n in counts if n)
    most = pieces * (9 + 1)
    price = most * (2 * np.log(2) + 0.5 * np.log(length) + np.log(2))
    assert surprise(PartitionTree(), tokens.tolist(), alphabet) <= best + price
