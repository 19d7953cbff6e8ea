"""Planted surfaces: Chinchilla's, on a grid of sizes and tokens with seeds, and noise in log loss."""

import numpy as np

from testbed.stats.scaling.forms import FORMS
from testbed.stats.scaling.table import losses

FORM = FORMS["chinchilla"]
COORDINATE = np.array([1.69, np.log(406.4), np.log(410.7), 0.34, 0.28])
TRUTH = dict(zip(FORM.names, FORM.values(COORDINATE).tolist(), strict=True))
NOISES = (0.001, 0.003, 0.01, 0.03)


def grid(sizes=6, seeds=2):
    """P and D of every row."""
    params, tokens = np.geomspace(4e7, 1e10, sizes), np.geomspace(1e9, 1e12, sizes)
    return np.repeat(params, sizes * seeds), np.tile(np.repeat(tokens, seeds), sizes)


def planted(noise, rng, *, sizes=6, seeds=2):
    """A table of losses with Gaussian noise of this standard deviation in log loss."""
    params, tokens = grid(sizes, seeds)
    return losses(params, tokens, exact(params, tokens) * np.exp(noise * rng.standard_normal(len(params))))


def exact(params, tokens):
    return FORM.loss(COORDINATE, params, tokens)
