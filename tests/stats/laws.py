"""A law of intervals: they cover at their level, to within the noise of the simulation."""

from collections.abc import Callable
from typing import Any

import jaxtyping
import numpy as np

from testbed.stats.estimate import Estimate

SIGMAS = 4.0  # a true coverage at the level fails once in 3·10⁴ tests


def repeated(draw: Callable[[], Any], simulations: int) -> list[Any]:
    """What is drawn so often; shapes are checked the first time, as they stay the same."""
    first = draw()
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        return [first, *(draw() for _ in range(simulations - 1))]
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def coverage(draw: Callable[[np.random.Generator], tuple[Estimate, float]], *, simulations: int, seed: int) -> float:
    """The fraction of drawn intervals that hold their truth."""
    rng = np.random.default_rng(seed)
    drawn = repeated(lambda: draw(rng), simulations)
    return float(np.mean([found.low <= truth <= found.high for found, truth in drawn]))


def covers(draw, *, level: float, simulations: int = 400, seed: int = 0) -> bool:
    """Whether the intervals cover at least at their level."""
    found = coverage(draw, simulations=simulations, seed=seed)
    return found >= level - SIGMAS * np.sqrt(level * (1 - level) / simulations)
