"""How K on fresh data falls in training, where it stays at the in-context unigram for a while: what is planted."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from testbed.predictors import AnyPredictor
from testbed.sources import AnySource
from testbed.studies.grid.estimates.plateaus import TOLERANCE, counts_tokens, spent

LEVELS = 1 + TOLERANCE * np.array([3.0, 1.0, -1.0, -3.0])
"""Edges of the bands about the plateau, over the level of the in-context unigram."""
GUESSED = (0.4, 0.12, 0.05, 0.2, 0.05, 0.18)
"""Shares of log T that are guessed: before the first fall, and on each of the five stretches."""
DONE, WINDOWS = 0.7, 256
"""Share of log T after which training is guessed to be done; windows on which the level is computed."""


@dataclass(frozen=True)
class Falls:
    """A course in log₁₀ step that is straight from level to level: uniform, four edges of bands, and the end.

    ``start`` is the log₁₀ step at which K leaves the uniform law, ``decades_5`` what each stretch takes; over seeds the
    start has the deviation ``scatter``, and stretches have that share ``stretched``, the third one of its own.
    """

    uniform: float
    unigram: float
    start: float
    decades_5: tuple[float, ...]
    scatter: float = 0.1
    stretched: float = 0.2

    def knots(self, end: float) -> Float[np.ndarray, " 6"]:
        """Return the levels between which K goes."""
        return np.maximum([self.uniform, *(self.unigram * LEVELS), end], end)

    def when(self, level: float, end: float) -> float:
        """Return log₁₀ of the step at which K passes a level."""
        times_6 = self.start + np.append(0.0, np.cumsum(self.decades_5))
        return float(np.interp(-level, -self.knots(end), times_6))

    def course(self, log_C: Float[np.ndarray, " C"], end: float) -> Float[np.ndarray, " C"]:
        """Return K at these log₁₀ steps."""
        times_6 = self.start + np.append(0.0, np.cumsum(self.decades_5))
        return np.interp(log_C, times_6, self.knots(end))

    def drawn(self, rng: np.random.Generator) -> "Falls":
        """Return the course of one seed: every time has the mean that it has here."""
        shift, all_of_them, plateau = rng.standard_normal(3)
        scale = math.sqrt(math.log1p(self.stretched**2))
        slower, longer = (math.exp(scale * each - scale**2 / 2) for each in (all_of_them, plateau))
        decades = [each * (longer if place == 2 else slower) for place, each in enumerate(self.decades_5)]
        return dataclasses.replace(self, start=self.start + self.scatter * shift, decades_5=tuple(decades))

    def seen(self, log_C: Float[np.ndarray, " C"], k_RC: Float[np.ndarray, "R C"]) -> "Falls":
        """Return the course through the mean times of runs; this one where they did not come to an end."""
        edges = self.unigram * LEVELS
        if not (
            len(k_RC) and np.isfinite(k_RC).all() and k_RC[:, -1].max() < edges[-1] and k_RC[:, 0].min() > edges[0]
        ):
            return self
        inner = [float(spent(log_C, k_RC, low, high).mean()) for high, low in pairwise(edges)]
        begun = (self.uniform + edges[0]) / 2
        first = 2 * float(spent(log_C, k_RC, edges[0], begun).mean())
        last = float(spent(log_C, k_RC, 1.2 * float(k_RC[:, -1].mean()), edges[-1]).mean())
        start = float(log_C[0] + spent(log_C, k_RC, edges[0], np.inf).mean()) - first
        decades = [max(each, 0.02) for each in (first, *inner, last)]
        return dataclasses.replace(self, start=max(start, 0.02), decades_5=tuple(decades))


def guessed(references: Sequence[AnyPredictor], world: AnySource, length: int, steps: int) -> Falls | None:
    """Return the guess of a course; None where no reference counts single tokens, or where counting is no plateau."""
    counting = next((each for each in references if counts_tokens(each)), None)
    if counting is None:
        return None
    uniform, unigram = _levels(counting, world, length)
    if not 0 < unigram * LEVELS[0] < uniform:
        return None
    start, *decades = DONE * math.log10(steps) * np.array(GUESSED)
    return Falls(uniform, unigram, float(start), tuple(map(float, decades)))


@functools.lru_cache(maxsize=8)
def _levels(counting: AnyPredictor, world: AnySource, length: int) -> tuple[float, float]:
    """Return K of the uniform law and of counting."""
    from testbed.measure.regret import regrets  # late: it loads the kernels

    bayes, own = regrets(world, length, predictors=[counting], sequences=WINDOWS)
    return math.log(world.alphabet) - bayes["loss"], own["regret"]
