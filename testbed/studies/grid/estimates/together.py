"""How bias and variance go together over the cells of a grid, and whether the split is one."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.combine import each_level, jointly, largest, magnitude
from testbed.stats.diagnostics import by_group, permuted
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, positive
from testbed.stats.moments import contrast, known
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.bounds import biases
from testbed.studies.grid.variance import variances

FEWEST = 6
"""Sizes that leave a correlation an interval of use: one is left out in turn."""
DEALT = 999
"""Permutations of the null."""


class Columns(NamedTuple):
    """A cell for each size and each D that all sizes have; K on fresh data and V of each, in nats."""

    points: list[tuple[int, int]]
    online_N: Float[np.ndarray, " N"]
    variance_N: Float[np.ndarray, " N"]

    @property
    def controls_NC(self) -> Float[np.ndarray, "N C"]:
        """A column for each D but the first: what is said is said given D."""
        return np.array([[float(d == one) for one in sorted({d for _, d in self.points})[1:]] for _, d in self.points])

    @property
    def groups(self) -> list[int]:
        """The size of each cell."""
        return [size for size, _ in self.points]


def columns(analysis: Analysis, level: float) -> Columns:
    """Return the cells over which bias and variance are correlated.

    Error: NoInformation where no bounds of B exist.
    """
    sizes = sorted(analysis.horizons)
    measured = variances(analysis, sizes, level=level)
    shared = set.intersection(*(set(analysis.stored_tokens[size]) for size in sizes))
    chosen_N = np.array([tokens in shared for _, tokens in measured.points])
    points = [point for point, chosen in zip(measured.points, chosen_N, strict=True) if chosen]
    online = {size: _online(analysis, size) for size in sizes}
    return Columns(points, np.array([online[size] for size, _ in points]), measured.above("value").mean_Q[chosen_N])


def logarithms(found: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Return log V and log K online of every cell.

    Error: NoInformation where sizes are too few for a correlation, or V has no logarithm.
    """
    sizes = len(set(found.groups))
    if sizes < FEWEST:
        raise NoInformation(f"{sizes} sizes leave a correlation without an interval of use; {FEWEST} are needed.")
    if not len(found.points) or found.variance_N.min() <= 0:
        raise NoInformation(
            "V is not above zero at every size and D, so it has no logarithm to correlate; leave out the largest D."
        )
    return np.log(found.variance_N), np.log(positive(found.online_N, "K on fresh data"))


def bias_variance_correlation(analysis: Analysis, level: float) -> Estimate | str:
    """Return the correlation over cells of log K online (B + Ω) with log V, given D.

    Sizes are left out in turn for the interval, as all D of one size share their B; the method tells the share of
    permutations of whole sizes that show as much. K online stands for B, whose bounds would add a width of their own.
    What single cells do to it is in `diagnostics`.
    """
    sizes = len(analysis.horizons)
    if sizes < FEWEST:
        return f"{sizes} sizes leave a correlation without an interval of use; {FEWEST} are needed."
    cells = columns(analysis, level)
    y_N, x_N = logarithms(cells)
    found = by_group(y_N, x_N, cells.controls_NC, cells.groups, level=level)
    null = permuted(y_N, x_N, cells.controls_NC, cells.groups, most=DEALT, seed=0)
    method = f"given D, sizes left out in turn; permutation p = {null.p_value:.2g}"
    return Estimate(value=found.value, low=found.low, high=found.high, level=level, n=found.n, method=method)


def biases_apart(analysis: Analysis, level: float) -> Estimate | str:
    """Return the largest abs(center − B) over stored data, in nats: 0 if there is one split into bias and variance.

    ``center`` is KL(p*‖p̄) of the exact identity, at its jackknifed value and error; B(P) the bias of endless data. Each
    adds up to the same loss with a variance of its own.
    """
    table = analysis.ensembles[analysis.ensembles["role"] == "stored"]
    if not len(table) or (table["replicates"] < 2).any():
        return "some ensemble has fewer than two replicates, so its center has no standard error; or there is none."
    half = each_level(level, 2)
    bias = biases(analysis, sorted({int(size) for size in table["parameters"]}), level=half)
    error_N = positive(table["center_se"], "the centers' standard errors")
    freedom_N = table["replicates"].to_numpy(dtype=float) - 1
    found = known(table["center_jackknife"].to_numpy(dtype=float), error_N, freedom_N)
    each, parts = each_level(half, len(table)), []
    for size, unit_N in zip(table["parameters"], np.eye(len(table)), strict=True):
        two = [contrast(found, unit_N, level=each), bias[int(size)]]
        parts.append(magnitude(jointly(np.array([1.0, -1.0]), two, level=level, method="center less B")))
    return largest(parts, level=level)


def _online(analysis: Analysis, size: int) -> float:
    """Return the mean K on fresh data at the longest horizon."""
    kept = analysis.online(size, analysis.horizons[size][-1])
    return float(np.stack(kept["kl_B"].to_list()).mean())
