"""V(P, D) = E[K] − B(P) of stored tokens: where it is, and how it falls, whatever B is between its bounds."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from testbed.stats.combine import each_level, magnitude
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.moments import Moments, contrast, moments, smoothed
from testbed.stats.power_law import PowerLaw, power_law
from testbed.stats.ratio import fieller
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.bounds import above, biases

STEEPEST = 50.0
"""Local exponents beyond this are told as endless."""


class Variances(NamedTuple):
    """The points (P, D), the moments of K at each, and B of each size: half of 1 − level for either."""

    points: list[tuple[int, int]]
    divergences: Moments
    bias: dict[int, Estimate]
    level: float

    @property
    def half(self) -> float:
        """Return the level at which the intervals of K are to hold, all at once, B's being spent."""
        return each_level(self.level, 2)

    def above(self, end: str) -> Moments:
        """Return the moments of V if B stood at one end of its interval ("low", "high"), or at its value."""
        bias_N = np.array([getattr(self.bias[size], end) for size, _ in self.points])
        return self.divergences._replace(mean_Q=self.divergences.mean_Q - bias_N)

    def pairs(self) -> list[tuple[int, int]]:
        """Return the places of each two neighbouring D of one size."""
        return [(i, i + 1) for i, (here, there) in enumerate(pairwise(self.points)) if here[0] == there[0]]

    def of(self, place: int, *, level: float) -> Estimate:
        """Return V at one point; not negative, as B is the least loss."""
        loss = contrast(self.divergences, np.eye(len(self.points))[place], level=level)
        return above(loss, self.bias[self.points[place][0]], self.level)


def variances(analysis: Analysis, sizes: Sequence[int], *, level: float) -> Variances:
    """Return V(P, D) at every stored D of ``sizes``.

    The expectations are over data draws and initialisations, under the stopping rule of the run, at the learning rate
    chosen for that D; what points share of the noise (the evaluation sequences) is carried as covariance.

    Error: NoInformation where no bounds of B exist. What training leaves undone on stored tokens is booked here.
    """
    points = [(size, tokens) for size in sizes for tokens in analysis.stored_tokens.get(size, [])]
    if not points:
        raise NoInformation("no run on stored tokens finished, so nothing is known of V; add grid.tokens.")
    bias = biases(analysis, sorted({size for size, _ in points}), level=each_level(level, 2))
    return Variances(points, moments([block(analysis.stored(*point)) for point in points]), bias, level)


def local_exponents(measured: Variances) -> list[tuple[int, int, Estimate]]:
    """Return (size, larger D, β) with β = −d log V / d log D between neighbouring D; all intervals hold at once.

    Every pair is told, also where V may be zero, which leaves β without an end: nothing is dropped. Each interval is
    Fieller's for the ratio of two V, at the least and the greatest B, between which β is monotone.
    """
    pairs = measured.pairs()
    each = each_level(measured.half, max(len(pairs), 1))
    return [(*measured.points[j], _exponent(measured, (i, j), each)) for i, j in pairs]


def _exponent(measured: Variances, pair: tuple[int, int], level: float) -> Estimate:
    """Return β between two points."""
    log_ratio = float(np.log(measured.points[pair[1]][1] / measured.points[pair[0]][1]))
    ends = [_ends(measured.above(end), pair, log_ratio, level) for end in ("low", "high")]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    first, second = measured.above("value").mean_Q[list(pair)]
    guess = float(np.log(first / second)) / log_ratio if first > 0 and second > 0 else np.inf
    value = next((x for x in (min(max(guess, low), high), low, high) if np.isfinite(x)), 0.0)
    method = "Fieller over the bounds of B, Bonferroni"
    return Estimate(value=value, low=low, high=high, level=measured.level, n=measured.divergences.n, method=method)


def _ends(values: Moments, pair: tuple[int, int], log_ratio: float, level: float) -> tuple[float, float]:
    """Return between which β lie that the data allow at one B."""
    two = values.transform(np.eye(len(values.mean_Q))[list(pair)])
    sides = [contrast(two, unit_2, level=level) for unit_2 in np.eye(2)]
    if sides[0].high <= 0:
        return -np.inf, np.inf
    if sides[1].high <= 0:  # V is zero for more data, or below its own noise
        return (0.0 if sides[0].low > 0 else -np.inf), np.inf
    least, most = np.exp(-STEEPEST * log_ratio), np.exp(STEEPEST * log_ratio)
    found = fieller(two.mean_Q[::-1], np.eye(2)[::-1], two, level=level, bounds=(float(least), float(most)))
    if found is None:
        return -np.inf, np.inf
    low, high = (-float(np.log(end)) / log_ratio for end in reversed(found))
    return (-np.inf if low <= -STEEPEST else low), (np.inf if high >= STEEPEST else high)


def departures(measured: Variances) -> list[Estimate]:
    """Return abs(β − 1) of every local exponent."""
    return [
        magnitude(
            Estimate(
                value=found.value - 1, low=found.low - 1, high=found.high - 1, level=found.level, n=found.n,
                method=found.method,
            )
        )
        for _, _, found in local_exponents(measured)
    ]  # fmt: skip


def law(measured: Variances, end: str) -> PowerLaw:
    """Return the law V = C_P·D^−β with one β for all sizes, if B stood at one end of its interval.

    Error: NoInformation where no size has two D, or where V tells no exponent.
    """
    sizes = [size for size, _ in measured.points]
    several_N = np.array([sizes.count(size) > 1 for size in sizes])
    if not several_N.any():
        raise NoInformation("no size has stored runs at two numbers of tokens, so V has no slope.")
    chosen_NQ = np.eye(len(sizes))[several_N]
    x_N = np.array([float(tokens) for _, tokens in measured.points])[several_N]
    groups = [size for size, several in zip(sizes, several_N, strict=True) if several]
    working = smoothed(measured.divergences).transform(chosen_NQ)
    values = measured.above(end).transform(chosen_NQ)
    return power_law(x_N, values, groups, working=working._replace(mean_Q=values.mean_Q), level=measured.half)
