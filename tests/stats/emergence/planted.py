"""Worlds whose threshold, width and scatter are planted, seen as a grid of runs is: noise on both axes, seeds."""

import numpy as np
from scipy.special import expit

from testbed.stats.emergence.rises import rises

THETA, CHANCE, CEILING = 0.3, 0.1, 0.7


def decades(width, scatter=0.0):
    """The width of the mean curve, from a tenth to nine tenths."""
    return np.sqrt(width**2 + np.pi / 8 * scatter**2) * 2 * np.log(9) / np.log(10)


def columns(rng, cells=24, width=0.4, scatter=0.15, x_error=0.1, errors=(0.01, 0.05), seeds=None, centre=THETA):
    """log SNR, score, errors of both, names of groups: thresholds of groups scatter, errors are unequal."""
    true_N = np.linspace(-3, 3, cells) + rng.uniform(-0.1, 0.1, cells)
    group_N = np.arange(cells) % (seeds or cells)
    shift_N = scatter * rng.standard_normal(group_N.max() + 1)[group_N]
    x_error_N, error_N = x_error * rng.uniform(0.5, 2, cells), (CEILING - CHANCE) * rng.uniform(*errors, cells)
    rise_N = expit((true_N + shift_N - centre) / width)
    score_N = CHANCE + (CEILING - CHANCE) * rise_N + error_N * rng.standard_normal(cells)
    return true_N + x_error_N * rng.standard_normal(cells), score_N, x_error_N, error_N, group_N.tolist()


def world(rng, ends=(CHANCE, CEILING), **plan):
    x_N, score_N, x_error_N, error_N, groups = columns(rng, **plan)
    return rises(x_N, score_N, ends, (x_error_N, error_N), groups if plan.get("seeds") else None)
