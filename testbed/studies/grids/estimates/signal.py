"""What claims on T3 are about: the powers of D and σ², and the rise with P, of SNR by either reading."""

import itertools
from collections.abc import Callable

import numpy as np

from testbed.stats.combine import each_level, smallest
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.moments import contrast, known
from testbed.stats.signal.local import local_slopes
from testbed.stats.signal.plane import Cells, Plane, plane
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.studies.grids.signals import READINGS, Lines, lines

Number = Callable[[GridsAnalysis, float], Estimate]
OWN = 0.5
"""Share of what windows add to log SNR that groups on the same windows do not have in common; a third was measured."""
PAPER = 1.0
"""The power of D in the text of the theorem."""


def _data_power(found: Lines, level: float) -> Estimate:
    """Return a of SNR ∝ D^a, one power on average over these sizes, noises and D, allowing for scatter about it."""
    sizes = len(np.unique(found.cells.params_N))
    return _told(plane(_blurred(found, OWN * float(np.sqrt(sizes))), level=level).tokens)


def _data_departure(found: Lines, level: float) -> Estimate:
    """Return the largest abs(d log SNR / d log D − 1) between neighbouring D, over all sizes and noises at once."""
    return local_slopes(_blurred(found, OWN), PAPER, level=level).departure


def _noise_power(found: Lines, level: float) -> Estimate:
    """Return b of SNR ∝ (σ²)^−b, from means over the same sizes and D at each σ, whose windows are their own.

    Error: what windows add to SNR is taken as common to all groups of a σ, which errs on the wide side.
    """
    return _told(by_noise(found, level).noise)


def _noise_departure(found: Lines, level: float) -> Estimate:
    """Return the largest abs(−d log SNR / d log σ² − 1) between neighbouring σ, over all sizes and D at once.

    Error: planes have windows of their own, whose error counts in full; all intervals hold at once.
    """
    cells = _blurred(found, 1.0)
    along = cells._replace(tokens_N=cells.variance_N, variance_N=cells.tokens_N)
    return local_slopes(along, -PAPER, level=level).departure


def _blurred(found: Lines, share: float) -> Cells:
    """Return the cells with a share of what windows add counted in the error of each."""
    return found.cells._replace(error_N=np.hypot(found.cells.error_N, share * found.window_error_N))


def _size_step(found: Lines, level: float) -> Estimate:
    """Return the least rise of log Φ(P) from one size to the next, all steps holding at once.

    From means over the same D and σ at each size, so that no law in D is assumed: a rise on average over these.
    """
    noises = len(np.unique(found.cells.variance_N))
    means = _means(found, found.cells.params_N)
    windows = OWN * float(np.sqrt(np.mean(found.window_error_N**2) / noises))
    means = means._replace(error_N=np.hypot(means.error_N, windows))
    if len(means.params_N) < 2:
        raise NoInformation("one P has no step to the next; train models of two sizes or more.")
    seen, unit_NN = known(means.log_snr_N, means.error_N, means.freedom_N), np.eye(len(means.params_N))
    each = each_level(level, len(unit_NN) - 1)
    return smallest([contrast(seen, b - a, level=each) for a, b in itertools.pairwise(unit_NN)], level=level)


def by_noise(found: Lines, level: float) -> Plane:
    """Return the plane through the means at each σ²."""
    return plane(_with_windows(found), level=level)


def _with_windows(found: Lines) -> Cells:
    """Return the means at each σ², whose errors count what windows add, once."""
    means = _means(found, found.cells.variance_N)
    groups = [found.cells.variance_N == each for each in means.variance_N]
    windows_N = np.array([np.mean(found.window_error_N[own_N] ** 2) for own_N in groups])
    return means._replace(error_N=np.sqrt(means.error_N**2 + windows_N))


def _means(found: Lines, by_N: np.ndarray) -> Cells:
    """Return the mean of log SNR at each value of P or of σ², over the same others and D; errors count replicates."""
    cells = found.cells
    values = np.unique(by_N)
    groups = [by_N == each for each in values]
    others_N = cells.params_N if by_N is cells.variance_N else cells.variance_N
    designs = {tuple(sorted(zip(cells.tokens_N[own].tolist(), others_N[own].tolist(), strict=True))) for own in groups}
    if len(designs) > 1:
        raise NoInformation("means were not seen over the same designs, so that they do not compare; train all groups.")
    square = [cells.error_N[own_N] ** 2 for own_N in groups]
    freedoms = [
        float(s_N.sum()) ** 2 / float(np.sum(s_N**2 / cells.freedom_N[own_N]))
        for s_N, own_N in zip(square, groups, strict=True)
    ]
    same = np.ones(len(values))
    return Cells(
        np.array([cells.log_snr_N[own_N].mean() for own_N in groups]),
        np.array([np.sqrt(s_N.sum()) / len(s_N) for s_N in square]),
        np.array(freedoms),
        same,
        same if by_N is cells.variance_N else values,
        values if by_N is cells.variance_N else same,
    )


def _told(found: Estimate | str) -> Estimate:
    if isinstance(found, str):
        raise NoInformation(found)
    return found


def _of(reading: str, name: str, number: Callable[[Lines, float], Estimate]) -> Number:
    """Return an estimate of one reading, called after both."""

    def estimate(analysis: GridsAnalysis, level: float) -> Estimate:
        return number(lines(analysis, reading), level)

    estimate.__name__ = f"{reading}_{name}"
    estimate.__doc__ = f"SNR across {reading}: {str(number.__doc__).removeprefix('Return ')}"
    return estimate


NUMBERS = {
    "data_power": _data_power, "data_departure": _data_departure, "noise_power": _noise_power,
    "noise_departure": _noise_departure, "size_step": _size_step
}  # fmt: skip
OF_SIGNAL = [_of(reading, name, number) for reading in READINGS for name, number in NUMBERS.items()]
