"""The rise as a logistic curve in log SNR, fitted by quasi-likelihood: errors of both axes, and scatter beyond them."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from testbed.stats.emergence.rises import Rises
from testbed.stats.identified import NoInformation, short

LIKE_NORMAL = math.pi / 8
"""A logistic of width w, blurred by a normal of deviation s, is one of width √(w² + s²·π/8) to within 0.02."""

ENDS = 0.01
"""Variance of the scatter at either end of the rise, in units in which it is ¼ half-way."""

FEWEST, DIFFERENT = 6, 4
REACH, NARROWEST, WIDEST = 3.0, 1e-3, 3.0
"""How far from the middle thresholds are sought, and between which widths, in units of half the range of log SNR."""

LEAST_SCATTER, MOST_SCATTER = 1e-6, 1e4
POINTS, CLOSER, SETTLING = 21, 5, 6
"""Points of a grid along each axis, how often it is drawn closer, and how often the scatter is estimated anew."""

Misfit = Callable[[np.ndarray], np.ndarray]


class Scaled(NamedTuple):
    """Rises with log SNR and its errors in units of half its range, from the middle of it."""

    x_N: np.ndarray
    blur_N: np.ndarray
    rise_N: np.ndarray
    error_N: np.ndarray

    def fitted(self, place_G2: np.ndarray) -> np.ndarray:
        """Return the curves at places (θ, log w)."""
        from scipy.special import expit

        return np.asarray(expit((self.x_N - place_G2[..., :1]) / self._width(place_G2)))

    def slopes(self, place_2: np.ndarray) -> np.ndarray:
        """Return the derivatives of a curve by θ and log w, shape (N, 2)."""
        fitted_N, width_N = self.fitted(place_2), self._width(place_2)
        steep_N = fitted_N * (1 - fitted_N) / width_N
        own_N = (math.exp(place_2[1]) / width_N) ** 2
        return -np.stack([steep_N, steep_N * (self.x_N - place_2[0]) * own_N], axis=1)

    def share(self, place_2: np.ndarray) -> np.ndarray:
        """Return the scatter that errors of log SNR make: all of m(1 − m) for a step, none for a wide curve."""
        return np.asarray(self.blur_N**2 / (self.blur_N**2 + 4 * math.exp(2 * place_2[1])))

    def variance(self, fitted_N: np.ndarray, scatter: float, share_N: np.ndarray) -> np.ndarray:
        """Return e² + φ·(m(1 − m) + ends) + what errors of log SNR make."""
        return np.asarray(self.error_N**2 + scatter * ENDS + (scatter + share_N) * fitted_N * (1 - fitted_N))

    def deviance(self, place_G2: np.ndarray, scatter: float, share_N: np.ndarray) -> np.ndarray:
        """Return −2 × the quasi-likelihood, Σ ∫ (rise − t)/variance(t) dt from ½ to the curve."""
        whole_N = scatter + share_N
        reach_N = np.sqrt(0.25 + (self.error_N**2 + scatter * ENDS) / whole_N)
        share_GN = (self.fitted(place_G2) - 0.5) / reach_N
        gain_GN = (self.rise_N - 0.5) / reach_N * np.arctanh(share_GN) + np.log1p(-(share_GN**2)) / 2
        return np.asarray(-2 * (gain_GN / whole_N).sum(axis=-1))

    def _width(self, place_G2: np.ndarray) -> np.ndarray:
        return np.sqrt(np.exp(2 * place_G2[..., 1:]) + LIKE_NORMAL * self.blur_N**2)


class Curve(NamedTuple):
    """The best curve: its place (θ, log w) in scaled units, its scatter, and what each cell says of it.

    ``pull_N2`` are its derivatives by place, and ``residual_N`` what is left, both in units of the deviation that the
    fit gives a cell.
    """

    scaled: Scaled
    middle: float
    half: float
    place_2: np.ndarray
    scatter: float
    share_N: np.ndarray
    pull_N2: np.ndarray
    residual_N: np.ndarray

    def misfit(self, place_G2: np.ndarray) -> np.ndarray:
        """Return the deviance at places, at the scatter of the best curve."""
        return self.scaled.deviance(place_G2, self.scatter, self.share_N)


def fit(found: Rises) -> Curve:
    """Return the best logistic curve of rises; its scatter φ is such that Pearson's Σ z² is N − 2.

    Error: NoInformation with fewer than 6 cells, or 4 different SNRs.

    >>> from testbed.stats.emergence.rises import rises
    >>> x = np.linspace(-4.0, 4.0, 9)
    >>> found = fit(rises(x, 1 / (1 + np.exp(-x)), (0.0, 1.0)))
    >>> round(found.half * float(np.exp(found.place_2[1])), 2)
    1.0
    """
    x_N = found.x_N
    apart = len(set(x_N.tolist()))
    if len(x_N) < FEWEST or apart < DIFFERENT or np.ptp(x_N) <= 1e-9 * np.abs(x_N).max():
        raise NoInformation(
            f"{len(x_N)} cells at log SNR {short(x_N)} tell no curve; give {FEWEST} or more, at {DIFFERENT} SNRs."
        )
    middle, half = float(x_N.max() + x_N.min()) / 2, float(np.ptp(x_N)) / 2
    asked = Scaled((x_N - middle) / half, found.x_error_N / half, found.rise_N, found.error_N)
    scatter, share_N = 0.05, np.zeros(len(x_N))
    for again in range(SETTLING + 1):
        place_2 = least(lambda at: asked.deviance(at, scatter, share_N), box())  # noqa: B023 - called at once
        if again < SETTLING:
            share_N = asked.share(place_2)
            scatter = _scatter(asked, asked.fitted(place_2), share_N)
    fitted_N = asked.fitted(place_2)
    deviation_N = np.sqrt(asked.variance(fitted_N, scatter, share_N))
    pull_N2 = asked.slopes(place_2) / deviation_N[:, None]
    return Curve(asked, middle, half, place_2, scatter, share_N, pull_N2, (asked.rise_N - fitted_N) / deviation_N)


def box() -> np.ndarray:
    """Return the ends between which θ and log w are sought, in scaled units.

    >>> box().round(1).tolist()
    [[-3.0, 3.0], [-6.9, 1.1]]
    """
    return np.array([[-REACH, REACH], [math.log(NARROWEST), math.log(WIDEST)]])


def grid(box_22: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a box, shape (G, G, 2), and their two axes.

    >>> grid(box())[0].shape
    (21, 21, 2)
    """
    axis_2G = np.linspace(box_22[:, 0], box_22[:, 1], POINTS).T
    return np.stack(np.meshgrid(*axis_2G, indexing="ij"), axis=-1), axis_2G


def least(misfit: Misfit, box_22: np.ndarray) -> np.ndarray:
    """Return where a misfit is least within a box: every point of a grid is a start, and the grid is drawn closer.

    Error: some 10⁻³ of the box over 10⁵; another minimum that falls between two points is missed.

    >>> least(lambda place: ((place - 0.5) ** 2).sum(-1), box()).round(3).tolist()
    [0.5, 0.5]
    """
    for _ in range(CLOSER):
        place_GG2, axis_2G = grid(box_22)
        best_2 = np.unravel_index(np.argmin(misfit(place_GG2)), place_GG2.shape[:2])
        box_22 = np.array(
            [axis_G[[max(at - 2, 0), min(at + 2, POINTS - 1)]] for axis_G, at in zip(axis_2G, best_2, strict=True)]
        )
    return np.asarray(place_GG2[best_2])


def _scatter(asked: Scaled, fitted_N: np.ndarray, share_N: np.ndarray) -> float:
    """Return the scatter at which Pearson's sum of squares is as large as its freedom."""
    from scipy.optimize import brentq

    square_N = (asked.rise_N - fitted_N) ** 2

    def excess(log_scatter: float) -> float:
        return float(np.sum(square_N / asked.variance(fitted_N, math.exp(log_scatter), share_N))) - len(fitted_N) + 2

    ends = math.log(LEAST_SCATTER), math.log(MOST_SCATTER)
    for end, sign in zip(ends, (1, -1), strict=True):
        if sign * excess(end) <= 0:
            return math.exp(end)
    return math.exp(brentq(excess, *ends))
