"""What is asked of the losses of a grid: how laws are fitted, what is assumed of ε, what is held out."""

from typing import Any, Literal

import msgspec

from testbed.ground.rules import require, require_between
from testbed.stats.estimate import check_level
from testbed.study import Study

TRUTH = "truth"
ABOUT = ("free", "low", "high", "rate", "unigrams")
"""What may be assumed of the irreducible loss in place of the truth."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the world of a grid, in nats per token, and whether its run can be trusted."""

    name: str
    """Name of the grid's experiment."""
    cells_sha256: str
    """What tells its losses from those of other grids."""
    epsilon: float
    """ε of the window: the irreducible loss."""
    epsilon_error: float
    """How wrong ε can be."""
    rate: float | None
    """Entropy rate; None where it is not known."""
    unigrams: float
    """h_1, the entropy of a single token."""
    failed: tuple[str, ...]
    """Checks of the grid's run that failed."""


class Asked(Study, frozen=True, kw_only=True):
    """Fits of Chinchilla's form to the losses of a finished grid; nothing is trained."""

    grid: str = ""
    """Folder of a finished grid, e.g. runs/demo; where it lies takes no part in the identity, what it holds does."""
    cells_sha256: str = ""
    """Digest of the grid's losses; looked up when the study is run, and refused if given and another."""
    data: Literal["stored", "fresh"] = "stored"
    """Which runs are fitted: those on D stored tokens, or those on fresh tokens at every horizon."""
    objective: Literal["log-squares", "squares", "huber"] = "log-squares"
    """What a fit minimises; see docs/scaling_laws.md."""
    interval: Literal["cells", "seeds", "profile"] = "cells"
    """How the interval of a free E is made: cells resampled, seeds resampled within cells, or a profile of squares."""
    level: float = 0.95
    """Level of the intervals whose coverage is counted."""
    wrong: float = 0.05
    """Share of ε by which the wrong values `low` and `high` are off."""
    held: Literal["size", "data"] = "size"
    """What is forecast: the largest size, or the most data, fitted to the rest."""
    surfaces: int = 200
    """Surfaces simulated from the fit with E pinned to the truth, to count how often intervals cover ε."""
    resamples: int = 200
    """Resamples behind each interval."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        super().__post_init__()
        check_level(self.level)
        require(0 < self.wrong <= 0.5, "wrong", self.wrong, "a share in (0, 0.5]", "e.g. 0.05")
        require_between("surfaces", self.surfaces, 20, 100_000, "200")
        require_between("resamples", self.resamples, 100, 100_000, "200")
        fits = self.interval != "profile" or self.objective != "huber"
        require(fits, "interval", self.interval, "of squares, not of huber", "resample cells, or fit log-squares")

    def identity(self) -> dict[str, Any]:
        """Return what two runs must share: which losses are fitted, not where they lie."""
        shared = super().identity()
        return {name: shared[name] for name in shared if name != "grid"}

    def assumed(self, world: World) -> dict[str, float | None]:
        """Return the values of E that are pinned, by name: the truth and the others; None for a free fit."""
        low, high = (world.epsilon * (1 + sign * self.wrong) for sign in (-1, 1))
        values = {TRUTH: world.epsilon, "free": None, "low": low, "high": high, "unigrams": world.unigrams}
        return values | ({} if world.rate is None else {"rate": world.rate})
