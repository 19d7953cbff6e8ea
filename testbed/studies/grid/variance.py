"""V(P, D) = E[K] − B(P) of stored tokens: where it is, and how it falls, whatever B is between its bounds."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import lsq_linear, minimize_scalar
from scipy.special import fdtrc

from testbed.stats.combine import each_level, magnitude
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.mean import fieller
from testbed.stats.moments import Moments, contrast, moments, smoothed
from testbed.stats.power_law import SEARCHED, PowerLaw, full_rank, power_law
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.bounds import above, biases

STEEPEST = 50.0
"""Local exponents beyond this are told as endless."""
LACK_OF_FIT = 1e-3
"""Below this p-value of the lack-of-fit test, at every B that is possible, V follows no power law."""
TRIED = 71
"""Exponents among which a law that fits is searched."""


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
    points, chosen_NQ = _several(measured)
    values = measured.above(end).transform(chosen_NQ)
    working = smoothed(measured.divergences).transform(chosen_NQ)._replace(mean_Q=values.mean_Q)
    x_N, groups = np.array([float(tokens) for _, tokens in points]), [size for size, _ in points]
    return power_law(x_N, values, groups, working=working, level=measured.half)


def pooled(measured: Variances) -> Estimate:
    """Return the exponent β of V = C_P·D^−β that fits best over all sizes that were measured.

    The interval holds the intervals at the least and the greatest B; where V at the greatest B is zero at some D, which
    is a steeper law than any, it has no upper end.

    Error: NoInformation where no such law fits at any B between its bounds. Local exponents that differ may cancel in
    it where noise hides their lack of fit.
    """
    laws = {end: law(measured, end) for end in ("low", "value", "high") if measured.above(end).mean_Q.min() > 0}
    if not laws:
        raise NoInformation("V is not above zero at every D even at the least B, so that no exponent describes it.")
    p = max(found.lack_of_fit for found in laws.values())
    if p < LACK_OF_FIT and (p := lack_of_fit(measured)) < LACK_OF_FIT:
        values = [found.value for _, _, found in local_exponents(measured)]
        run = f"local exponents run from {min(values):.3g} to {max(values):.3g}"
        raise NoInformation(f"no single exponent describes V: lack of fit p = {p:.2g} at most, {run}.")
    each = [found.exponent for found in laws.values()]
    return Estimate(
        value=(laws["value"] if "value" in laws else laws["low"]).exponent.value,
        low=min(part.low for part in each),
        high=max(part.high for part in each) if "high" in laws else np.inf,
        level=measured.level,
        n=each[0].n,
        method=f"{each[0].method}, over the bounds of B",
    )


def lack_of_fit(measured: Variances) -> float:
    """Return the p-value of K = B_P + C_P·D^−β where every B_P within its bounds, every C_P and one β fit best.

    Error: no degree of freedom is counted for B, so that the p-value errs on the high side; 1 where none is left.
    """
    points, chosen_NQ = _several(measured)
    found = smoothed(measured.divergences).transform(chosen_NQ)
    sizes, covariance_NN = sorted({size for size, _ in points}), found.covariance()
    freedom, spare = float(found.freedom_F[found.block_F >= 0].sum()), len(points) - len(sizes) - 1
    if not (freedom and spare and full_rank(covariance_NN)):
        return 1.0
    whiten_NN = np.linalg.inv(np.linalg.cholesky(covariance_NN))
    own_NS = np.array([[float(size == own) for own in sizes] for size, _ in points])
    log_N = np.log([tokens for _, tokens in points])
    free_S = np.full(len(sizes), np.inf)
    low_2S, high_2S = (
        np.array([[getattr(measured.bias[size], end) for size in sizes], sign * free_S])
        for end, sign in (("low", -1.0), ("high", 1.0))
    )
    high_2S = np.maximum(high_2S, np.nextafter(low_2S, np.inf))  # an interval of no width is none to the solver

    def misfit(exponent: float) -> float:
        basis_NC = np.hstack([own_NS, own_NS * np.exp(-exponent * (log_N - log_N.mean()))[:, None]])
        bounds = (low_2S.ravel(), high_2S.ravel())
        return 2 * float(lsq_linear(whiten_NN @ basis_NC, whiten_NN @ found.mean_Q, bounds).cost)

    grid_E = np.linspace(*SEARCHED, TRIED)
    best = int(np.argmin([misfit(exponent) for exponent in grid_E]))
    between = (grid_E[max(best - 1, 0)], grid_E[min(best + 1, TRIED - 1)])
    square = float(minimize_scalar(misfit, bounds=between, method="bounded").fun)
    return float(fdtrc(spare, freedom, square / spare))


def _several(measured: Variances) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Return the points of the sizes that have several D, and what selects them."""
    sizes = [size for size, _ in measured.points]
    several_N = np.array([sizes.count(size) > 1 for size in sizes])
    if not several_N.any():
        raise NoInformation("no size has stored runs at two numbers of tokens, so V has no slope.")
    chosen = [point for point, several in zip(measured.points, several_N, strict=True) if several]
    return chosen, np.eye(len(sizes))[several_N]
