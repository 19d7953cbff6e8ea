"""What claims on T3 are about: the powers of D and σ², and the rise with P, of SNR by either reading."""

from collections.abc import Callable

import numpy as np

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.signal.local import local_slopes
from testbed.stats.signal.plane import Cells, Plane, plane
from testbed.studies.grids.analysis import GridsAnalysis
from testbed.studies.grids.signals import READINGS, Lines, lines

Number = Callable[[GridsAnalysis, float], Estimate]
PAPER = 1.0
"""The power of D in the text of the theorem."""


def _data_power(found: Lines, level: float) -> Estimate:
    """Return a of SNR ∝ D^a, one power for all sizes and noises, allowing for scatter about it."""
    return _told(plane(found.cells, level=level).tokens)


def _data_departure(found: Lines, level: float) -> Estimate:
    """Return the largest abs(d log SNR / d log D − 1) between neighbouring D, over all sizes and noises at once."""
    return local_slopes(found.cells, PAPER, level=level).departure


def _noise_power(found: Lines, level: float) -> Estimate:
    """Return b of SNR ∝ (σ²)^−b, from means over the same sizes and D at each σ, whose windows are their own.

    Error: what windows add to SNR is taken as common to all groups of a σ, which errs on the wide side.
    """
    return _told(by_noise(found, level).noise)


def _noise_departure(found: Lines, level: float) -> Estimate:
    """Return the largest abs(−d log SNR / d log σ² − 1) between neighbouring σ, over means as in the power of σ².

    Error: as the power of σ²; all intervals hold at once.
    """
    means = _means(found)
    return local_slopes(
        means._replace(tokens_N=means.variance_N, variance_N=means.params_N), -PAPER, level=level
    ).departure


def _size_step(found: Lines, level: float) -> Estimate:
    """Return the least rise of log Φ(P) from one size to the next, all steps holding at once."""
    return _told(plane(found.cells, level=level).least_rise)


def by_noise(found: Lines, level: float) -> Plane:
    """Return the plane through the means at each σ²."""
    return plane(_means(found), level=level)


def _means(found: Lines) -> Cells:
    """Return the mean of log SNR over sizes and D at each σ²; its error counts replicates, and the windows once."""
    cells = found.cells
    variances = np.unique(cells.variance_N)
    groups = [cells.variance_N == each for each in variances]
    designs = {
        tuple(sorted(zip(cells.tokens_N[own].tolist(), cells.params_N[own].tolist(), strict=True))) for own in groups
    }
    if len(designs) > 1:
        raise NoInformation("the noises were not seen at the same sizes and D, so that their means do not compare.")
    values, errors, freedoms = [], [], []
    for own_N in groups:
        square_N = cells.error_N[own_N] ** 2
        replicates = float(square_N.sum()) / len(square_N) ** 2
        windows = float(np.mean(found.window_error_N[own_N] ** 2))
        values.append(float(cells.log_snr_N[own_N].mean()))
        errors.append(np.sqrt(replicates + windows))
        freedoms.append(float(square_N.sum()) ** 2 / float(np.sum(square_N**2 / cells.freedom_N[own_N])))
    same = np.ones(len(variances))
    return Cells(np.array(values), np.array(errors), np.array(freedoms), same, same, variances)


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
