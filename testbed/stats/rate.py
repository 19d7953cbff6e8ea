"""The rate at which the distance to the normal law falls with n, where it can be seen above its floor."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Num

from testbed.stats.distance import Distance
from testbed.stats.estimate import Estimate, check_level
from testbed.stats.identified import abscissae, alike, check_curve, positive
from testbed.stats.profile import least, profile

RATES_G = np.linspace(-1.0, 3.0, 61)
EXCESS = 1.4
UNDETERMINED = "undetermined: at the floor every rate fits"


class Rate(NamedTuple):
    """The exponent r of D = c·n^−r, the constant c at the best fit, and the lack-of-fit p-value.

    ``above_floor`` counts the distances that fewer than one Gaussian sample in twenty would show.
    """

    exponent: Estimate
    constant: float
    lack_of_fit: float
    above_floor: int


class _Fit(NamedTuple):
    """Distances with floors and errors, at n scaled by its geometric mean."""

    log_n_N: np.ndarray
    distance_N: np.ndarray
    floor_N: np.ndarray
    error_N: np.ndarray

    def misfit(self, rate_R: np.ndarray, log_constant_RG: np.ndarray) -> np.ndarray:
        """Return the weighted squares of the expected distances of G laws of each of R rates."""
        true_RGN = np.exp(EXCESS * (log_constant_RG[..., None] - (rate_R[:, None] * self.log_n_N)[:, None]))
        expected_RGN = (self.floor_N**EXCESS + true_RGN) ** (1 / EXCESS)
        return np.sum(((self.distance_N - expected_RGN) / self.error_N) ** 2, axis=-1)

    def constants(self, rate_R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the best log c of each of R rates, and its weighted squares."""
        reach_R = np.abs(rate_R) * np.abs(self.log_n_N).max()
        ends = np.log(self.floor_N.min()) - 5 - reach_R, np.log(2 * self.distance_N.max()) + reach_R
        grid_RG = np.linspace(*ends, 80, axis=-1)
        misfit = functools.partial(self.misfit, rate_R)
        return least(misfit, grid_RG, misfit(grid_RG))

    def at_rate(self, rate_R: np.ndarray) -> np.ndarray:
        return self.constants(rate_R)[1]


def distance_rate(n_N: Num[np.ndarray, "N"], distances: Sequence[Distance], *, level: float) -> Rate:
    """Return the rate r of a true distance c·n^−r, from measured distances that noise lifts to their floors.

    The expected distance is ``(floor^a + (c·n^−r)^a)^{1/a}`` with a = 1.4, so that distances at the floor say only that
    the true ones are smaller. The interval holds every rate in [−1, 3] whose weighted squares, with c at its best, are
    within the squared critical value of the least; an end that nothing rejects is infinite.

    Error: a = 1.4 is fitted to simulations, within a quarter of a standard error near the floor; well above it the
    excess of a maximum of N values over the true one falls with the cube root of that (Kim and Pollard 1990), for which
    squares (a = 2) are too small. Covers more often than its level near the floor. The rate is that of the law, which
    in the range of n at hand need not be its limit.

    >>> def seen(value):
    ...     whole = Estimate(value=value, low=0.0, high=1.0, level=0.95, n=4000, method="test")
    ...     return Distance(whole, 0.005, 0.01, 0.014)
    >>> n = 4.0 ** np.arange(1, 5)
    >>> found = distance_rate(n, [seen(float(0.3 * k**-0.5)) for k in n], level=0.95)
    >>> found.exponent.low < 0.5 < found.exponent.high, found.above_floor
    (True, 4)
    >>> distance_rate(n, [seen(0.01)] * 4, level=0.95).exponent.method
    'undetermined: at the floor every rate fits'
    """
    from scipy.special import chdtrc, chdtri

    check_level(level)
    alike(lengths=len(n_N), distances=len(distances))
    n_N = abscissae(n_N, "lengths")
    check_curve(n_N)
    value_N = positive([each.estimate.value for each in distances], "distances")
    scale = float(np.log(n_N).mean())
    fit = _Fit(
        np.log(n_N) - scale,
        value_N,
        positive([each.floor for each in distances], "floors"),
        positive([each.error for each in distances], "errors"),
    )
    rate, low, high = profile(fit.at_rate, RATES_G, allowed=float(chdtri(1, 1 - level)))
    log_constant, squares = (float(part[0]) for part in fit.constants(np.array([rate])))
    method = UNDETERMINED if np.isinf(low) and np.isinf(high) else "profile of the distance above its floor"
    estimate = Estimate(
        value=rate, low=low, high=high, level=level, n=min(each.estimate.n for each in distances), method=method
    )
    above = int(np.sum(value_N > [each.floor_95 for each in distances]))
    lack_of_fit = float(chdtrc(len(n_N) - 2, squares))
    return Rate(estimate, float(np.exp(log_constant + rate * scale)), lack_of_fit, above)
