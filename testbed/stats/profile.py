"""Profiles of weighted least squares: a parameter's best value, and every value the data do not reject."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from testbed.stats.identified import NoInformation, numbers

POINTS, ROUNDS = 33, 2  # a step of a grid, divided into sixteen so often, is a 256th of itself


def profile(
    misfit: Callable[[np.ndarray], np.ndarray], grid_G: Float[np.ndarray, "G"], *, allowed: float
) -> tuple[float, float, float]:
    """Return the minimiser of a misfit and the ends of ``{x : misfit(x) ≤ least + allowed}``, within a rising grid.

    Where the last point of the grid is not rejected, the end is infinite. For weighted squares with all else minimised
    out, ``allowed`` is the squared critical value. The misfit takes an array of values, and returns one of its shape.

    Error: the hull, where the set has holes; what lies between two points of the grid and is rejected on both is lost.

    >>> value, low, high = profile(lambda x: (x - 1) ** 2, np.linspace(-3.0, 3.0, 7), allowed=4.0)
    >>> round(value, 6), round(low, 6), high
    (1.0, -1.0, inf)
    """
    from scipy.optimize import brentq

    grid_G, at_G = _checked(grid_G), misfit(grid_G)
    if np.isnan(at_G).any() or not np.isfinite(at_G).any() or not allowed >= 0:
        raise NoInformation(f"the misfit is not finite on a grid, or may rise by {allowed}: there is no best fit.")
    value, best = (float(part) for part in least(misfit, grid_G, at_G))
    limit = best + allowed
    inside = [value, *(float(point) for point in grid_G[at_G <= limit])]

    def excess(x: float) -> float:
        return float(misfit(np.array([x]))[0]) - limit

    def end(outermost: float, beyond: np.ndarray, endless: float) -> float:
        if not len(beyond):
            return endless
        return float(brentq(excess, outermost, float(beyond[np.abs(beyond - outermost).argmin()])))

    low, high = min(inside), max(inside)
    return value, end(low, grid_G[grid_G < low], -np.inf), end(high, grid_G[grid_G > high], np.inf)


def least(
    misfit: Callable[[np.ndarray], np.ndarray], grid_G: Float[np.ndarray, "*R G"], at_G: Float[np.ndarray, "*R G"]
) -> tuple[Float[np.ndarray, "*R"], Float[np.ndarray, "*R"]]:
    """Return the minimiser next to the best point of a rising grid, and its misfit; given the misfit on the grid.

    Leading axes R are problems of their own, solved at once: the misfit takes values of shape (*R, any number) and
    returns as many. The two steps around the best point are divided anew twice, and a parabola finds the rest.

    Error: of the order of 10⁻⁶ of a step of the grid in the minimiser, and less in the misfit; another minimum that
    falls between two points is missed.

    >>> grid = np.array([0.0, 1.0, 2.0])
    >>> [float(part.round(6)) for part in least(lambda x: (x - 0.8) ** 2, grid, (grid - 0.8) ** 2)]
    [0.8, 0.0]
    """
    share_P = np.linspace(0, 1, POINTS)
    for _ in range(ROUNDS):
        ends_R2, _ = _around(grid_G, at_G, (-1, 1))
        grid_G = ends_R2[..., :1] + (ends_R2[..., 1:] - ends_R2[..., :1]) * share_P
        at_G = misfit(grid_G)
    three_R3, at_R3 = _around(grid_G, at_G, (-1, 0, 1))
    vertex_R1 = _vertex(three_R3, at_R3)
    both_R2, at_R2 = np.concatenate([three_R3[..., 1:2], vertex_R1], axis=-1), misfit(vertex_R1)
    best_R2, found_R2 = _around(both_R2, np.concatenate([at_R3[..., 1:2], at_R2], axis=-1), (0,))
    return best_R2[..., 0], found_R2[..., 0]


def _checked(grid_G: np.ndarray) -> np.ndarray:
    """Return a grid that rises, or refuse it."""
    grid_G = numbers(grid_G, "the grid")
    if len(grid_G) < 3 or not (np.diff(grid_G) > 0).all():
        raise ValueError(f"a grid of {len(grid_G)} points does not rise through 3 or more; give one that does.")
    return grid_G


def _around(grid_G: np.ndarray, at_G: np.ndarray, steps: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the points so many steps from each best one, or the grid's ends, and the misfit there."""
    place_RS = np.clip(at_G.argmin(axis=-1, keepdims=True) + np.array(steps), 0, grid_G.shape[-1] - 1)
    return np.take_along_axis(grid_G, place_RS, axis=-1), np.take_along_axis(at_G, place_RS, axis=-1)


def _vertex(x_R3: np.ndarray, y_R3: np.ndarray) -> np.ndarray:
    """Return the vertex of the parabola through a least point and its neighbours, or the point if all are alike."""
    (before, middle, after), step = np.moveaxis(y_R3, -1, 0), (x_R3[..., 2] - x_R3[..., 0]) / 2
    bend = before - 2 * middle + after
    inside = np.isfinite(bend) & (bend > 0)
    off = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=inside)
    return np.asarray(np.clip(x_R3[..., 1] + off * step, x_R3[..., 0], x_R3[..., 2]))[..., None]
