"""What a planter of an estimate is, and how far from an edge it plants."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from testbed.studies.grid.surface import Surface

ENDLESS = (-math.inf, math.inf)
NATS = 0.05
"""Least distance of a planted value from the edge of its region, of what is in nats: this share of the mean B."""
NUMBER = 0.02
"""The same, of pure numbers."""


@dataclass(frozen=True)
class Planter:
    """The true value that an estimate has on a surface, and the surface on which it has another one."""

    true: Callable[[Surface], float]
    bent: Callable[[Surface, float], Surface]
    domain: tuple[float, float] = ENDLESS
    """Between which values it can lie."""
    nats: bool = True
    """Whether it is in nats, or a pure number."""
    sizes: int = 1
    """Sizes without which it has no value."""
    tokens: int = 1
    """Stored D without which it has no value."""
    falls: bool = False
    """Whether it is about the falls of K in training, which need a reference that counts single tokens."""

    def least(self, surface: Surface) -> float:
        """Return the least distance from the edge at which a value inside or outside is planted."""
        return NATS * float(surface.bias_P.mean()) if self.nats else NUMBER
