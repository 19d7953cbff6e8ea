"""The predictors that every law is tested on, and the two ways the tests run them."""

import functools

import jax
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.predictors import ContextTree, Counting, PartitionTree
from tests.sources.worlds import QUICK

SHELF = catalog.shelf("testbed.predictors")

EXAMPLES = (
    Counting(),
    Counting(order=1, pseudo_count=1.0),
    Counting(order=3, pseudo_count=0.1),
    ContextTree(depth=1),
    ContextTree(depth=3, pseudo_count=0.25),
    PartitionTree(),
    PartitionTree(order=1, pseudo_count=1.0),
)

every_predictor = pytest.mark.parametrize("predictor", EXAMPLES, ids=lambda predictor: predictor.label)


def predicted(predict, tokens_BL, alphabet, *, wide=True):
    """The predictions of a predictor, or of a liar's kernel, on a batch, in float64 or float32."""
    with jax.enable_x64(wide):
        return np.asarray(_compiled(predict, alphabet)(np.asarray(tokens_BL, np.int32)))


def surprise(predict, tokens_L, alphabet):
    """−log q of a whole sequence."""
    logq_LV = predicted(predict, [tokens_L], alphabet)[0]
    return -sum(logq_LV[t, token] for t, token in enumerate(tokens_L))


def strings(alphabet, length):
    """Every string, one a row."""
    return np.indices((alphabet,) * length).reshape(length, -1).T


@functools.lru_cache(maxsize=128)
def _compiled(predict, alphabet):
    kernel = getattr(predict, "log_predictive", predict)
    return jax.jit(jax.vmap(functools.partial(kernel, alphabet=alphabet)), compiler_options=QUICK)


def counting_loss(groups, tokens, alphabet, pseudo_count=0.5):
    """−log of the probability of counting in groups: ``groups[t]`` names the counts that token t is read from.

    Each token has the law (n_v + β) / (n + βV), step by step, in plain Python.
    """
    counts, loss = {}, 0.0
    for group, token in zip(groups, tokens, strict=True):
        seen = counts.setdefault(group, [0] * alphabet)
        loss -= np.log((seen[token] + pseudo_count) / (sum(seen) + pseudo_count * alphabet))
        seen[token] += 1
    return loss


def check_mixture(predict, mixture, alphabet, tokens_BL):
    """Every conditional of a mixture, given as −log of the probability of a string, to 1e-10."""
    rows_BLV = predicted(predict, tokens_BL, alphabet)
    for tokens_L, logq_LV in zip(tokens_BL.tolist(), rows_BLV, strict=True):
        for t in range(len(tokens_L)):
            wanted_V = [mixture(tokens_L[:t]) - mixture([*tokens_L[:t], symbol]) for symbol in range(alphabet)]
            np.testing.assert_allclose(logq_LV[t], wanted_V, atol=1e-10)
