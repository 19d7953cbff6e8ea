"""What a longer context is worth: E[loss], ε_n and K against the context length n, the paper's §5.1."""

import itertools

import numpy as np
import pandas as pd

from testbed.stats.combine import each_level, largest, smallest
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.moments import Moments, contrast, joined, known, moments
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grids.analysis import GridsAnalysis, alone

TABLE = ["world", "sigma", "context", "parameters", "role", "tokens", "horizon", "epsilon", "K", "loss", "low", "high"]
CERTAIN = 1e6
"""Degrees of freedom of what is computed."""


def context_step(analysis: GridsAnalysis, level: float) -> Estimate:
    """Return the largest change of E[loss] from one context length to the next, at the largest size, in nats.

    The loss is ε_n + K(n) of fresh data at the longest horizon: ε_n exact, K over replicates and windows. Below zero,
    every lengthening of the context lowers the loss.

    Error: conservative, as all intervals hold at once (Bonferroni).
    """
    lengths, losses = _losses(analysis)
    each = each_level(level, len(lengths) - 1)
    unit_NN = np.eye(len(lengths))
    return largest([contrast(losses, b - a, level=each) for a, b in itertools.pairwise(unit_NN)], level=level)


def context_bend(analysis: GridsAnalysis, level: float) -> Estimate:
    """Return the least rise of the slope of E[loss] over log n from one step in n to the next, at the largest size.

    Above zero, returns of a longer context diminish: every doubling brings less than the one before it.

    Error: as `context_step`.
    """
    lengths, losses = _losses(analysis)
    log_N, unit_NN = np.log(lengths), np.eye(len(lengths))
    slopes = [(unit_NN[i + 1] - unit_NN[i]) / (log_N[i + 1] - log_N[i]) for i in range(len(lengths) - 1)]
    each = each_level(level, max(len(slopes) - 1, 1))
    bends = [contrast(losses, b - a, level=each) for a, b in itertools.pairwise(slopes)]
    return smallest(bends, level=level)


def context_excess(analysis: GridsAnalysis, level: float) -> Estimate:
    """Return the largest change of K from one context length to the next, at the largest size, in nats.

    Above zero somewhere, models use a longer context worse than they used the shorter one.

    Error: as `context_step`.
    """
    lengths, losses = _losses(analysis, share=0.0)
    each = each_level(level, len(lengths) - 1)
    unit_NN = np.eye(len(lengths))
    return largest([contrast(losses, b - a, level=each) for a, b in itertools.pairwise(unit_NN)], level=level)


def table(analysis: GridsAnalysis, *, level: float) -> pd.DataFrame:
    """Return ε_n, K and E[loss] of every group at its longest horizon, with the interval of the loss."""
    rows: list[dict[str, object]] = []
    for place, own in zip(analysis.places, analysis.planes, strict=True):
        for (size, role, tokens, horizon), group in own.kept.groupby(["parameters", "role", "tokens", "horizon"]):
            found = contrast(_with_truth([own], [group], 1.0), np.ones(1), level=level)
            about = {"parameters": size, "role": role, "tokens": tokens, "horizon": horizon}
            value = {"epsilon": own.epsilon, "K": found.value - own.epsilon, "loss": found.value}
            rows.append(place.columns | about | value | {"low": found.low, "high": found.high})
    return pd.DataFrame(rows, columns=TABLE)


def _losses(analysis: GridsAnalysis, share: float = 1.0) -> tuple[list[int], Moments]:
    """Return the context lengths, rising, and ``share``·ε_n + K(n) of the largest size on fresh data at each."""
    alone(analysis, "context lengths")
    if len(analysis.study.all_contexts) < 3:
        raise NoInformation(f"the run has {len(analysis.study.all_contexts)} context lengths: returns take three.")
    order = np.argsort([place.context for place in analysis.places])
    planes = [analysis.planes[at] for at in order]
    groups = []
    for own in planes:
        own.check_whole()
        size = max(own.horizons)
        groups.append(own.online(size, own.horizons[size][-1]))
    return sorted(analysis.study.all_contexts), _with_truth(planes, groups, share)


def _with_truth(planes: list[Analysis], groups: list[pd.DataFrame], share: float) -> Moments:
    """Return ``share``·ε + K of groups, each of a plane: planes have windows and draws of their own."""
    found = None
    for own, group in zip(planes, groups, strict=True):
        each = moments([block(group)])
        truth = known(np.array([own.epsilon]), np.array([own.epsilon_error]), np.array([CERTAIN]))
        both = joined(each, truth).transform(np.array([[1.0, share]]))
        found = both if found is None else joined(found, both)
    if found is None:
        raise NoInformation("no plane has a finished run.")
    return found
