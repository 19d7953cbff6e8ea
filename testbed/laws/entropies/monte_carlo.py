"""Means of independent samples that lie between known ends, and intervals that hold however skewed they are."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.laws import effort
from testbed.laws.record import NORMAL_QUANTILE, Quantity

FEWEST = 30
"""Least number of independent samples that an interval is given for."""
CHUNK = 2**20
"""Numbers that are held at a time."""
PRECISION, ROUNDING = 1e-4, 1e-12
"""Relative error of the tilt that solves for an end of an interval; how close to its end a mean is there."""

Samples = Float[np.ndarray, "B L"]


class Span(NamedTuple):
    """Two numbers between which every sample lies for certain, the same for all columns or one for each."""

    low: float | Float[np.ndarray, " L"]
    high: float | Float[np.ndarray, " L"]


def count(tokens: int | float, window: int) -> int:
    """Return how many windows are sampled for so many tokens, at least as many as tell their own error."""
    return max(FEWEST, int(tokens) // window)


def expected(deviation: float, rows: int, span: Span) -> float:
    """Return about how wide the interval of the mean of so many samples of that standard deviation is."""
    unseen = -math.log(0.025) * float(np.max(span.high) - np.min(span.low)) / max(rows, 1)
    return math.hypot(2 * NORMAL_QUANTILE * deviation / math.sqrt(max(rows, 1)), unseen)


def mean(samples_B: Float[np.ndarray, " B"], span: Span) -> Quantity:
    """Return the mean of independent samples with its standard error and a 95 % interval; see `means`."""
    return means(samples_B[:, None], span)[0]


def means(samples_BL: Samples, span: Span) -> tuple[Quantity, ...]:
    """Return the mean of each column of independent rows with its standard error and a 95 % interval.

    The interval holds two: Student's, with B - 1 degrees of freedom, and Gaffke's, of which no law between the ends of
    `span` is known that it fails to cover. The upper end of the latter is the 97.5 % quantile of Σ_b w_b·x_b, the
    weights w uniform on the simplex and one sample at the end of the span added to the B that were drawn. So what has a
    chance of 1/B and was never met is counted in; where B is large, both are the normal interval.

    Error: the quantile is a saddlepoint approximation, off by less than 1 % of its distance from the mean. ValueError
    for fewer than FEWEST rows.
    Source: Gaffke (2005), "Three test statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative
    variable"; Learned-Miller and Thomas (2020), arXiv 1905.06208; Lugannani and Rice (1980) for the approximation.
    """
    rows = len(samples_BL)
    if rows < FEWEST:
        raise ValueError(f"{rows} samples: an interval takes at least {FEWEST}; draw more of them.")
    from scipy.special import stdtrit  # late: reading a configuration needs no scipy

    mean_L, error_L = samples_BL.mean(0), samples_BL.std(0, ddof=1) / np.sqrt(rows)
    margin_L = stdtrit(rows - 1, 0.975) * error_L
    least_L, most_L = (np.broadcast_to(np.asarray(end, np.float64), mean_L.shape) for end in span)
    low_L = np.maximum(np.minimum(mean_L - margin_L, -_upper(-samples_BL, -least_L)), least_L)
    high_L = np.minimum(np.maximum(mean_L + margin_L, _upper(samples_BL, most_L)), most_L)
    columns = zip(mean_L.tolist(), low_L.tolist(), high_L.tolist(), error_L.tolist(), strict=True)
    return tuple(_quantity(*column) for column in columns)


def _quantity(value: float, low: float, high: float, error: float) -> Quantity:
    """Return an interval around a mean that rounding may have put a little outside of the span."""
    return Quantity(value=value, low=min(low, value), high=max(high, value), method="Monte Carlo", error=error)


def _upper(samples_BL: Samples, most_L: Float[np.ndarray, " L"]) -> Float[np.ndarray, " L"]:
    """Return the upper ends of Gaffke's intervals of samples that are `most_L` at most."""
    columns, count, ends = max(1, CHUNK // len(samples_BL)), len(most_L), []
    for start in range(0, count, columns):
        effort.step(f"intervals of {count} means", start, count)
        part = slice(start, start + columns)
        ends.append(_upper_of(samples_BL[:, part], most_L[part]))
    return np.concatenate(ends)


def _upper_of(samples_BL: Samples, most_L: Float[np.ndarray, " L"]) -> Float[np.ndarray, " L"]:
    """Return the same, all columns at a time; samples are measured from their mean in units of its gap to the most."""
    from scipy.optimize.elementwise import find_root  # late: reading a configuration needs no scipy

    mean_L = samples_BL.mean(0)
    gap_L, upper_L = most_L - mean_L, most_L.copy()
    index_C = np.flatnonzero(gap_L > ROUNDING * (1 + np.abs(most_L)))
    if not len(index_C):
        return upper_L
    share_BC = np.minimum((samples_BL[:, index_C] - mean_L[index_C]) / gap_L[index_C], 1.0)

    def beyond(tilt_C: Float[np.ndarray, " C"], column_C: Int[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
        return _tilted(share_BC[:, column_C], tilt_C)[1] - NORMAL_QUANTILE

    places_C = np.arange(len(index_C))
    ends = np.zeros(len(index_C)), np.full(len(index_C), 1 - 1e-12)
    found_C = find_root(beyond, ends, args=(places_C,), tolerances={"xrtol": PRECISION}).x
    upper_L[index_C] = mean_L[index_C] + gap_L[index_C] * _tilted(share_BC, found_C)[0]
    return upper_L


def _tilted(
    share_BC: Float[np.ndarray, "B C"], tilt_C: Float[np.ndarray, " C"]
) -> tuple[Float[np.ndarray, " C"], Float[np.ndarray, " C"]]:
    """Return the number u that a tilt leads to, and the normal quantile of P(Σ w·x <= u).

    One sample is 1, the others are `share_BC`. As w ∝ independent exponentials E, that is P(Σ E·(x - u) <= 0), with
    K(θ) = -Σ ln(1 - θ·(x - u)) for its cumulants. The tilt is θ/(1 + θ·u) at the saddlepoint.
    """
    rest_BC, last_C = 1 - tilt_C * share_BC, 1 / (1 - tilt_C)
    weight_BC = 1 / rest_BC
    place_C = ((weight_BC * share_BC).sum(0) + last_C) / (weight_BC.sum(0) + last_C)
    own_C = (len(share_BC) + 1) * np.log1p(-tilt_C * place_C)
    cumulant_C = own_C + np.log(last_C) - np.log(rest_BC).sum(0)
    spread_C = ((share_BC - place_C) * weight_BC) ** 2
    size_C = tilt_C * np.sqrt(spread_C.sum(0) + ((1 - place_C) * last_C) ** 2)
    root_C = np.sqrt(np.maximum(-2 * cumulant_C, 0))
    far_C = root_C > 1e-3
    safe_C = np.where(far_C, root_C, 1.0)
    quantile_C = safe_C + np.log(np.where(far_C, size_C, 1.0) / safe_C) / safe_C
    return place_C, np.where(far_C, quantile_C, 0.0)
