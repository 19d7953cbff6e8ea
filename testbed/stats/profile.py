"""Profiles of weighted least squares: a parameter's best value, and every value the data do not reject."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float


def profile(
    misfit: Callable[[float], float], grid_G: Float[np.ndarray, "G"], *, allowed: float
) -> tuple[float, float, float]:
    """Return the minimiser of a misfit and the ends of ``{x : misfit(x) ≤ least + allowed}``, within a rising grid.

    Where the last point of the grid is not rejected, the end is infinite. For weighted squares with all else minimised
    out, ``allowed`` is the squared critical value.

    Error: the hull, where the set has holes; what lies between two points of the grid and is rejected on both is lost.

    >>> value, low, high = profile(lambda x: (x - 1) ** 2, np.linspace(-3.0, 3.0, 7), allowed=4.0)
    >>> round(value, 6), round(low, 6), high
    (1.0, -1.0, inf)
    """
    from scipy.optimize import brentq

    at_G = np.array([misfit(float(point)) for point in grid_G])
    value = least(misfit, grid_G, at_G)
    limit = misfit(value) + allowed
    inside = [value, *(float(point) for point in grid_G[at_G <= limit])]

    def end(outermost: float, beyond: np.ndarray, endless: float) -> float:
        if not len(beyond):
            return endless
        return float(brentq(lambda x: misfit(x) - limit, outermost, float(beyond[np.abs(beyond - outermost).argmin()])))

    low, high = min(inside), max(inside)
    return value, end(low, grid_G[grid_G < low], -np.inf), end(high, grid_G[grid_G > high], np.inf)


def least(misfit: Callable[[float], float], grid_G: Float[np.ndarray, "G"], at_G: Float[np.ndarray, "G"]) -> float:
    """Return the minimiser next to the best point of a rising grid, given the misfit at its points.

    Error: 10⁻⁷ in the minimiser, and less in the misfit; another minimum that falls between two points is missed.

    >>> grid = np.array([0.0, 1.0, 2.0])
    >>> round(least(lambda x: (x - 0.8) ** 2, grid, (grid - 0.8) ** 2), 6)
    0.8
    """
    from scipy.optimize import minimize_scalar

    best = int(at_G.argmin())
    around = float(grid_G[max(best - 1, 0)]), float(grid_G[min(best + 1, len(grid_G) - 1)])
    near = float(minimize_scalar(misfit, bounds=around, method="bounded", options={"xatol": 1e-7}).x)
    return near if misfit(near) < at_G[best] else float(grid_G[best])
