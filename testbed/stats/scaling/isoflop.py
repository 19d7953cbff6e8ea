"""IsoFLOP profiles: at each amount of compute a parabola of loss in log P, its least point, and the power of those."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from testbed.stats.estimate import Estimate, check_level, critical
from testbed.stats.identified import NoInformation
from testbed.stats.scaling.table import Losses, averaged

ALIKE = 0.1
"""Largest gap of log FLOPs between runs of one profile."""


class Profile(NamedTuple):
    """Cells of one amount of compute, the parabola's coefficients in log P (highest first), and its best P and loss.

    ``params`` is a sentence, and ``loss`` absent, where the parabola has no least point among the sizes.
    """

    flops: float
    params_C: np.ndarray
    loss_C: np.ndarray
    parabola_3: np.ndarray
    params: Estimate | str
    loss: float | None


class IsoFlop(NamedTuple):
    """The profiles by rising compute, and the exponents of the best P and D in C (sentences where there are none)."""

    profiles: tuple[Profile, ...]
    params_exponent: Estimate | str
    tokens_exponent: Estimate | str


def isoflop(table: Losses, *, level: float) -> IsoFlop:
    """Return the profiles of all amounts of compute at which four sizes or more were trained; no form is assumed.

    Runs belong to one amount where their FLOPs differ by less than 10 % from the next. Loss is a parabola in log P, by
    least squares over cells; the interval of its vertex −b/(2c) is Fieller's. The exponent of the best P in C is the
    slope of least squares over the vertices, with Student's t.

    Error: a parabola is not the law, so vertices are biased where sizes reach far to one side; amounts are few, so the
    exponents' intervals are wide. `NoInformation` where no amount of compute has four sizes.
    Source: Hoffmann et al. (2022), approach 2; Fieller (1954).

    >>> from testbed.stats.scaling.table import losses
    >>> log_p = np.tile(np.arange(5.0), 3)
    >>> log_c = np.repeat([6.0, 8.0, 10.0], 5)
    >>> y = 2 + 0.1 * (log_p - 0.5 * log_c + 2) ** 2 + 0.001 * np.cos(np.arange(15.0) ** 2)
    >>> table = losses(np.exp(log_p), np.exp(log_c - log_p), y)
    >>> found = isoflop(table, level=0.95)
    >>> [round(each.params.value, 1) for each in found.profiles], round(found.params_exponent.value, 2)
    ([2.7, 7.4, 20.1], 0.5)
    """
    check_level(level)
    first_C = table.first_C
    log_C, log_P = np.log(table.flops_N[first_C]), np.log(table.params_N[first_C])
    loss_C = averaged(table.loss_N, table.cell_N)
    order_C = np.argsort(log_C, kind="stable")
    amount_C = np.cumsum(np.diff(log_C[order_C], prepend=log_C[order_C[0]]) > ALIKE)
    profiles = []
    for amount in range(int(amount_C[-1]) + 1):
        own = order_C[amount_C == amount]
        if len(set(log_P[own].tolist())) >= 4:
            profiles.append(_profile(float(np.exp(log_C[own].mean())), log_P[own], loss_C[own], level))
    if not profiles:
        raise NoInformation(
            "no amount of compute has four sizes, which a parabola with a spread needs; train four sizes or more at"
            " equal FLOPs."
        )
    slope = _exponent(profiles, level)
    if isinstance(slope, str):
        return IsoFlop(tuple(profiles), slope, slope)
    other = Estimate(
        value=1 - slope.value, low=1 - slope.high, high=1 - slope.low, level=level, n=slope.n, method=slope.method
    )
    return IsoFlop(tuple(profiles), slope, other)


def _profile(flops: float, log_P: np.ndarray, loss_C: np.ndarray, level: float) -> Profile:
    centre = float(log_P.mean())
    design_C3 = np.vander(log_P - centre, 3)
    coefficient_3, *_ = np.linalg.lstsq(design_C3, loss_C, rcond=None)
    bend, tilt, level_loss = (float(each) for each in coefficient_3)
    shown_3 = np.array([bend, tilt - 2 * bend * centre, level_loss - tilt * centre + bend * centre**2])
    vertex = -tilt / (2 * bend) if bend > 0 else np.inf
    if not log_P.min() - centre <= vertex <= log_P.max() - centre:
        why = "lies outside of the sizes that were trained" if bend > 0 else "is none, as the parabola bends down"
        return Profile(flops, np.exp(log_P), loss_C, shown_3, f"the least loss {why}", None)
    spare = len(loss_C) - 3
    left = loss_C - design_C3 @ coefficient_3
    covariance_33 = np.linalg.inv(design_C3.T @ design_C3) * float(left @ left) / spare
    low, high = _fieller(bend, tilt, vertex, covariance_33, critical(level, float(spare)) ** 2)
    ends = [float(np.exp(centre + end)) if np.isfinite(end) else end for end in (low, high)]
    params = Estimate(
        value=float(np.exp(centre + vertex)), low=max(ends[0], 0.0), high=ends[1], level=level, n=len(loss_C),
        method="parabola in log P, Fieller interval",
    )  # fmt: skip
    return Profile(flops, np.exp(log_P), loss_C, shown_3, params, level_loss - tilt**2 / (4 * bend))


def _fieller(bend: float, tilt: float, vertex: float, covariance_33: np.ndarray, squared: float) -> tuple[float, float]:
    """Return the ends of {m: (b + 2cm)² ≤ t²·Var(b + 2cm)}, infinite where the bend may be none."""
    own, both, other = covariance_33[0, 0], covariance_33[0, 1], covariance_33[1, 1]
    square = 4 * (bend**2 - squared * own)
    if square <= 0:
        return -np.inf, np.inf
    half, rest = 2 * (bend * tilt - squared * both), tilt**2 - squared * other
    root = float(np.sqrt(max(half**2 - square * rest, 0.0)))
    return min((-half - root) / square, vertex), max((-half + root) / square, vertex)


def _exponent(profiles: Sequence[Profile], level: float) -> Estimate | str:
    from scipy.stats import linregress

    told = [(each.flops, each.params.value) for each in profiles if isinstance(each.params, Estimate)]
    if len(told) < 3:
        return f"{len(told)} amounts of compute have a least loss inside; an exponent with a spread needs 3"
    log_x, log_y = np.log(np.array(told)).T
    line = linregress(log_x, log_y)
    half = critical(level, len(told) - 2.0) * float(line.stderr)
    slope = float(line.slope)
    return Estimate(
        value=slope, low=slope - half, high=slope + half, level=level, n=len(told), method="line through vertices, t"
    )
