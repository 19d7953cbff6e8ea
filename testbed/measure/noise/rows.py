"""From what was seen at one point to rows of numbers: the size of the noise, and its shape."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from testbed.measure.noise.analysis import GIVEN, PARTS
from testbed.measure.noise.observe import RANDOM, Seen
from testbed.stats import normality
from testbed.stats.distance import FEWEST, NO_SPREAD, Distance, distance
from testbed.stats.normality import Normality
from testbed.stats.quantiles import interquartile_range
from testbed.stats.streaming import total, variance, variance_within

LEVEL = 0.95
"""Level of the intervals of the true distance."""

JOINT = 1000
"""Sequences that the multivariate test takes, as its time grows with their square."""

NORMAL_Q = np.linspace(-3, 3, 61)
"""Normal quantiles beside which those of a sample are told."""

Row = dict[str, Any]


class Place(NamedTuple):
    """An observed vector: where it is on the axis O, and the layer (from 1) and part that it stands for."""

    at: int
    layer: int
    part: str


def places(seen: Seen) -> list[Place]:
    """Return what the axis O of a sighting stands for."""
    count = seen.second_VOWW.shape[1]
    return [Place(index, index // len(PARTS) + 1, PARTS[index % len(PARTS)]) for index in range(count)]


def levels(seen: Seen) -> Iterator[Row]:
    """Yield T of every observed vector, given the query token and given nothing, with its standard error.

    Error: as `stats.streaming.variance_within` and `variance`.
    """
    for place in places(seen):
        groups = seen.groups(place.at)
        whole = total(groups)
        for given in GIVEN:
            value, error = variance_within(groups) if given == "query" else variance(whole)
            yield {
                "layer": place.layer,
                "part": place.part,
                "given": given,
                "sequences": whole.vectors,
                "variance": value,
                "error": error,
                "effective": float(seen.effective_N[place.layer - 1]),
            }


def shapes(seen: Seen) -> Iterator[Row]:
    """Yield the shape of every projection: distance to the normal law with its floor, tests, and quantiles.

    Given the query, each query token's projections are standardised by their own mean and deviation, and put together:
    for Gaussian noise the empirical process of each group tends to Lilliefors' own, and so does their sum.
    """
    for place in places(seen):
        for index in range(seen.projected_BOR.shape[2]):
            name = f"random {index + 1}" if index < RANDOM else f"principal {index - RANDOM + 1}"
            for given in GIVEN:
                groups = _projection(seen, place.at, index, given)
                row: Row = {"layer": place.layer, "part": place.part, "given": given, "direction": name} | _shape(
                    groups
                )
                row |= _spreads(seen, place.at, index, groups[0] if given == "nothing" else None)
                yield row | (_quartiles(groups) if index == 0 and np.isfinite(row["distance"]) else {})


def joint(seen: Seen) -> Iterator[Row]:
    """Yield the multivariate test of the two leading projections given the query, of some sequences."""
    for place in places(seen):
        axes = range(RANDOM, seen.projected_BOR.shape[2])
        columns = [_standardised(_projection(seen, place.at, index, "query")) for index in axes]
        stride = -(-len(columns[0]) // JOINT)  # every query has its share
        x_BM = np.stack(columns, axis=1)[:: max(stride, 1)]
        found = normality.henze_zirkler(x_BM) if len(x_BM) >= FEWEST else NO_SPREAD
        if isinstance(found, Normality):
            yield {
                "layer": place.layer,
                "part": place.part,
                "given": "query",
                "dimensions": x_BM.shape[1],
                "count": len(x_BM),
                "statistic": found.statistic,
                "p_value": found.p_value,
            }


def _projection(seen: Seen, place: int, index: int, given: str) -> list[Float[np.ndarray, "_"]]:
    """Return one projection of the kept sequences: in groups of 20 or more with one query token, or all together."""
    y_B = seen.projected_BOR[:, place, index].astype(np.float64)
    if given == "nothing":
        centre_V = seen.centre_VOM[:, place] @ seen.direction_OMR[place, :, index]
        return [y_B + (centre_V - centre_V.mean())[seen.query_B]]
    groups = [y_B[seen.query_B == symbol] for symbol in np.unique(seen.query_B)]
    return [group for group in groups if len(group) >= FEWEST]


def _standardised(groups: Sequence[Float[np.ndarray, "_"]]) -> Float[np.ndarray, " B"]:
    """Return all values, each group's less its mean and over its deviation."""
    return np.concatenate([_unit(group) for group in groups] or [np.zeros(0)])


def _unit(x_B: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
    deviation = x_B.std(ddof=1)
    return np.asarray((x_B - x_B.mean()) / (deviation if deviation > 0 else 1.0))


def _shape(groups: Sequence[Float[np.ndarray, "_"]]) -> Row:
    """Return all that is told of one projection; NaN where it has no spread."""
    x_B = _standardised(groups)
    row: Row = {"count": len(x_B)} | dict.fromkeys(_NUMBERS, np.nan) | {"quantiles": [np.nan] * len(NORMAL_Q)}
    found = distance(x_B, level=LEVEL) if len(x_B) >= FEWEST else NO_SPREAD
    if not isinstance(found, Distance):
        return row
    row |= {"distance": found.estimate.value, "distance_low": found.estimate.low, "distance_high": found.estimate.high}
    row |= {"distance_error": found.error, "floor": found.floor, "floor_95": found.floor_95}
    for test in (normality.lilliefors, normality.anderson_darling, normality.skewness, normality.kurtosis):
        result = test(x_B)
        if isinstance(result, Normality):
            row[f"{test.__name__}_p"] = result.p_value
            if test.__name__ in row:
                row[test.__name__] = result.statistic
    return row | {"quantiles": np.quantile(_unit(x_B), ndtr(NORMAL_Q)).tolist()}


def _quartiles(groups: Sequence[Float[np.ndarray, "_"]]) -> Row:
    """Return the interquartile range around each group's median, which is told of the first direction alone."""
    spread, error = interquartile_range(np.concatenate([each - np.median(each) for each in groups]))
    return {"iqr": spread, "iqr_error": error}


def _spreads(seen: Seen, place: int, index: int, y_B: Float[np.ndarray, " B"] | None) -> Row:
    """Return the variance along a direction twice: of the kept projections, and from the sums over all sequences."""
    if y_B is None:
        return {"projected": np.nan, "summed": np.nan}
    direction_M = seen.direction_OMR[place, :, index]
    covariance_MM = total(seen.groups(place)).covariance_MM()
    return {"projected": float(y_B.var(ddof=1)), "summed": float(direction_M @ covariance_MM @ direction_M)}


_NUMBERS = (
    "distance",
    "distance_low",
    "distance_high",
    "distance_error",
    "floor",
    "floor_95",
    "lilliefors_p",
    "anderson_darling_p",
    "skewness",
    "skewness_p",
    "kurtosis",
    "kurtosis_p",
    "iqr",
    "iqr_error",
)
