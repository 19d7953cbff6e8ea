"""What compute is best spent on: P and D of least loss at C = k·P·D, with bands from resamples."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation, positive
from testbed.stats.profile import least
from testbed.stats.scaling.forms import Form
from testbed.stats.scaling.resamples import Resampled
from testbed.stats.scaling.table import Losses

REACH, STEP = 20.0, 0.125
"""How far beyond the sizes of the table the best size is sought, in log P, and in what steps."""


class Frontier(NamedTuple):
    """For K amounts of compute the best P and D and their loss; the exponents of P and D in C over their range."""

    flops_K: np.ndarray
    params: tuple[Estimate, ...]
    tokens: tuple[Estimate, ...]
    loss: tuple[Estimate, ...]
    params_exponent: Estimate
    tokens_exponent: Estimate
    flops_per: float


def flops_per(table: Losses) -> float:
    """Return k of C = k·P·D: the geometric mean over rows of the FLOPs that are told, 6 where none are.

    >>> from testbed.stats.scaling.table import losses
    >>> flops_per(losses([1, 2], [1, 2], [1, 1]))
    6.0
    """
    ratio_N = table.flops_N / (table.params_N * table.tokens_N)
    return float(np.exp(np.log(ratio_N).mean())) if table.told_flops else 6.0


def best(
    form: Form, coordinate_RQ: Float[np.ndarray, "R Q"], flops_K: Float[np.ndarray, "K"], per: float,
    sizes: tuple[float, float],
) -> tuple[Float[np.ndarray, "R K"], Float[np.ndarray, "R K"]]:  # fmt: skip
    """Return log P and log loss where the loss is least along C = per·P·D, for R fits and K amounts of compute.

    Sought between e^−20 times the smaller and e^20 times the larger of ``sizes``, and further by as much as C/per lies
    beyond their squares; where it lies at an end, log P is infinite.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> theta = np.array([[1.0, 0.0, 0.0, 0.5, 0.5]])
    >>> best(FORMS["chinchilla"], theta, np.array([600.0]), 6.0, (1.0, 100.0))[0].round(6).tolist() == [[2.302585]]
    True
    """
    low, high = (float(np.log(size)) for size in sizes)
    found, values = [], []
    for work in np.log(flops_K / per).tolist():

        def along(log_RX: np.ndarray, log_work: float = work) -> np.ndarray:
            return form.log_loss(coordinate_RQ, log_RX, log_work - log_RX)[0]

        grid_S = np.arange(low - REACH - max(0.0, 2 * low - work), high + REACH + max(0.0, work - 2 * high), STEP)
        grid_RS = np.broadcast_to(grid_S, (len(coordinate_RQ), len(grid_S)))
        at_RS = along(grid_RS)
        place_R, value_R = least(along, grid_RS, at_RS)
        lowest_R = at_RS.argmin(axis=1)
        place_R = np.where(lowest_R == 0, -np.inf, np.where(lowest_R == len(grid_S) - 1, np.inf, place_R))
        found.append(place_R)
        values.append(value_R)
    return np.stack(found, axis=1), np.stack(values, axis=1)


def frontier(
    form: Form, coordinate_Q: Float[np.ndarray, "Q"], resampled: Resampled, table: Losses,
    flops_K: Float[np.ndarray, "K"], *, level: float,
) -> Frontier:  # fmt: skip
    """Return the compute-optimal P, D and loss, with bands from fits to resamples.

    For E + A·P^−α + B·D^−β it is ``P = ((αA)/(βB))^(1/(α+β)) · (C/k)^(β/(α+β))``; the exponents in C are those between
    the first and the last amount. Each band covers one P, D or loss, not the whole curve.

    Error: that of the resamples; and of the form, far beyond the table. `NoInformation` where a form reads only one of
    P and D, or its loss has no least value along C.
    Source: Hoffmann et al. (2022), eq. 4.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.table import losses
    >>> theta = np.array([1.0, 0.0, 0.0, 0.6, 0.2])
    >>> alike = Resampled(np.tile(theta, (50, 1)), np.full(5, 31.0), 36, "test")
    >>> table = losses([1, 100], [1, 100], [3.0, 2.0])
    >>> found = frontier(FORMS["chinchilla"], theta, alike, table, np.array([1e3, 1e6]), level=0.95)
    >>> round(found.params_exponent.value, 6), round(found.tokens_exponent.value, 6)
    (0.25, 0.75)
    """
    if len(form.reads) < 2:
        raise NoInformation(f"{form.name} reads {form.reads[0]} alone; what compute is best for needs a form of both.")
    flops_K, per = positive(flops_K, "flops"), flops_per(table)
    if len(flops_K) < 2 or not (np.diff(flops_K) > 0).all():
        raise ValueError(f"flops {flops_K[:4].tolist()} must be two or more, rising; e.g. 1e18 1e21.")
    sizes = float(table.params_N.min()), float(table.params_N.max())
    every_RQ = np.concatenate([coordinate_Q[None], resampled.coordinate_RQ])
    params_RK, log_RK = best(form, every_RQ, flops_K, per, sizes)
    if not np.isfinite(params_RK[0]).all():
        raise NoInformation(
            f"{form.name} as fitted has no least loss along C = {per:.3g}·P·D: from e^−{REACH:g} of the smallest size"
            f" to e^{REACH:g} of the largest it falls to one end, as one of P and D pays for nothing; add runs that"
            " differ in it."
        )
    tokens_RK = np.log(flops_K / per) - params_RK
    span = float(np.log(flops_K[-1] / flops_K[0]))
    with np.errstate(invalid="ignore"):
        slope_R = (params_RK[:, -1] - params_RK[:, 0]) / span
    slope_R = np.where(np.isnan(slope_R), np.inf, slope_R)
    share = _interval(slope_R[:, None], resampled, level, scale=False)[0]
    return Frontier(
        flops_K, _interval(params_RK, resampled, level), _interval(tokens_RK, resampled, level),
        _interval(log_RK, resampled, level), share,
        Estimate(value=1 - share.value, low=1 - share.high, high=1 - share.low, level=level, n=share.n,
                 method=share.method), per,
    )  # fmt: skip


def _interval(value_RK: np.ndarray, found: Resampled, level: float, *, scale: bool = True) -> tuple[Estimate, ...]:
    """Return estimates of numbers, of which logarithms are given if ``scale``; the first row is the fit itself."""
    finite_RK = np.clip(value_RK[1:], -1e300, 1e300)  # an infinite one is beyond any that is finite
    estimates = []
    for value, (low, high) in zip(value_RK[0].tolist(), found.ends(finite_RK, level).T.tolist(), strict=True):
        ends = value, min(low, value), max(high, value)
        shown = [float(np.exp(min(end, 700.0))) if scale else end for end in ends]
        shown = [end if abs(raw) < 1e100 else (np.inf if raw > 0 else shown[0] * 0.0 if scale else -np.inf)
                 for end, raw in zip(shown, ends, strict=True)]  # fmt: skip
        estimates.append(
            Estimate(value=shown[0], low=shown[1], high=shown[2], level=level, n=found.units, method=found.told)
        )
    return tuple(estimates)
