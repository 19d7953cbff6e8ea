"""From what was seen at one point to rows of numbers: the size of the noise, and its shape."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from testbed.stats import normality
from testbed.stats.combine import each_level, largest
from testbed.stats.distance import FEWEST, NO_SPREAD, Distance, distance, ordered
from testbed.stats.identified import told
from testbed.stats.normality import Normality
from testbed.stats.quantiles import interquartile_range
from testbed.stats.streaming import Sums, total, variance, variance_within
from testbed.studies.noise.analysis import GIVEN, PARTS
from testbed.studies.noise.measures.observe import RANDOM
from testbed.studies.noise.measures.seen import Seen

LEVEL = 0.95
"""Level of the intervals of the true distance."""

JOINT = 1000
"""Sequences that the multivariate test takes, as its time grows with their square."""

FLAT = 1e-5
"""Smallest over largest singular value below which vectors lie in a line and the rest is float32's rounding."""

BLUR = 2.0**-20
"""Deviation, as a share of the length of the mean, below which a spread is float32's rounding."""

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

    NaN where a vector is not finite, so that its T is unknown.

    Error: as `stats.streaming.variance_within` and `variance`.
    """
    for place in places(seen):
        groups = seen.groups(place.at)
        for given in GIVEN:
            found = told(variance_within)(groups) if given == "query" else told(_variance)(groups)
            value, error = (np.nan, np.nan) if isinstance(found, str) else found
            yield {
                "layer": place.layer,
                "part": place.part,
                "given": given,
                "sequences": sum(each.vectors for each in groups),
                "variance": value,
                "error": error,
                "effective": float(seen.effective_N[place.layer - 1]),
            }


def shapes(seen: Seen) -> Iterator[Row]:
    """Yield the shape of every projection: distance to the normal law with its floor, tests, and quantiles.

    Given the query, each query token's projections are standardised by their own mean and deviation, and put together:
    for Gaussian noise the empirical process of each group tends to Lilliefors' own, and so does their sum.

    Error: ``distance``, the tests and the quantiles are those of the mixture over queries, in which opposite shapes
    cancel: noise skewed to the right given one query and to the left given another can pass for Gaussian.
    ``distance_apart`` is the largest true distance of any one query. Its interval holds it at the level or more often;
    its value is lifted by noise, to the floor of the smallest group and beyond if there are many. Many small groups
    make the tests reject too often, that of kurtosis first, which is too low by 6/(S + 1) in groups of S sequences: at
    5 %, it rejects 8 % of Gaussian noise in 16 groups of 120, and half in 60 groups of 25, where Lilliefors' rejects
    13 %.
    """
    for place in places(seen):
        covariance_MM = _covariance(seen, place)
        length = float(np.linalg.norm(seen.centre_VOM[:, place.at], axis=-1).max())
        blur = BLUR * length + FLAT * float(np.trace(covariance_MM)) ** 0.5
        for index in range(seen.projected_BOR.shape[2]):
            name = f"random {index + 1}" if index < RANDOM else f"principal {index - RANDOM + 1}"
            for given in GIVEN:
                groups = _projection(seen, place.at, index, given)
                row: Row = {"layer": place.layer, "part": place.part, "given": given, "direction": name}
                row |= _shape([each for each in groups if not _flat(each, blur)])
                row |= _spreads(seen.direction_OMR[place.at, :, index], covariance_MM, groups, given)
                yield row | (_quartiles(groups) if index == 0 and np.isfinite(row["distance"]) else {})


def joint(seen: Seen) -> Iterator[Row]:
    """Yield the multivariate test of the two leading projections given the query, of some sequences.

    Each query token's vectors are whitened by their own covariance, and put together: one query's correlation may be
    another's reversed, and neither is that of all.

    Error: a query whose noise lies in a line, but for the rounding of float32, or is not finite, is left out; ``count``
    tells how many sequences remain.
    """
    for place in places(seen):
        x_BM = _whitened(_groups(seen, seen.projected_BOR[:, place.at, RANDOM:].astype(np.float64)))
        x_BM = x_BM[:: max(-(-len(x_BM) // JOINT), 1)]  # every query has its share
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


def _variance(groups: Sequence[Sums]) -> tuple[float, float]:
    return variance(total(groups))


def _covariance(seen: Seen, place: Place) -> Float[np.ndarray, "M M"]:
    """Return the covariance of all vectors, NaN where one is not finite."""
    whole = told(total)(seen.groups(place.at))
    return np.full((seen.centre_VOM.shape[2],) * 2, np.nan) if isinstance(whole, str) else whole.covariance_MM()


def _flat(x_B: Float[np.ndarray, " B"], blur: float) -> bool:
    """Return whether values spread by no more than rounding; what is not finite does not, so that it shows."""
    return bool(np.isfinite(x_B).all()) and not x_B.std() > blur


def _projection(seen: Seen, place: int, index: int, given: str) -> list[Float[np.ndarray, "_"]]:
    """Return one projection of the kept sequences: in groups of 20 or more with one query token, or all together."""
    y_B = seen.projected_BOR[:, place, index].astype(np.float64)
    if given == "nothing":
        centre_V = seen.centre_VOM[:, place] @ seen.direction_OMR[place, :, index]
        return [y_B + (centre_V - centre_V.mean())[seen.query_B]]
    return _groups(seen, y_B)


def _groups(seen: Seen, y_B: Float[np.ndarray, " B ..."]) -> list[Float[np.ndarray, "_ ..."]]:
    """Return the rows of each query token that was met in 20 sequences or more."""
    groups = [y_B[seen.query_B == symbol] for symbol in np.unique(seen.query_B)]
    return [group for group in groups if len(group) >= FEWEST]


def _whitened(groups: Sequence[Float[np.ndarray, "_ M"]]) -> Float[np.ndarray, "_ _"]:
    """Return all vectors, each group's less its mean and divided by the Cholesky factor of its covariance."""
    off = [group - group.mean(0) for group in groups if np.isfinite(group).all()]
    full = [each_BM for each_BM in off if np.linalg.matrix_rank(each_BM, rtol=FLAT) == each_BM.shape[1]]
    factors = [
        np.linalg.cholesky(np.cov(each_BM, rowvar=False, ddof=1).reshape(each_BM.shape[1], -1)) for each_BM in full
    ]
    white = [np.linalg.solve(factor_MM, each_BM.T).T for factor_MM, each_BM in zip(factors, full, strict=True)]
    return np.concatenate(white or [np.zeros((0, 1))])


def _standardised(groups: Sequence[Float[np.ndarray, "_"]]) -> Float[np.ndarray, " B"]:
    """Return all values, each group's less its mean and over its deviation."""
    with np.errstate(invalid="ignore"):  # values that are not finite
        return np.concatenate([_unit(group) for group in groups] or [np.zeros(0)])


def _unit(x_B: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
    deviation = x_B.std(ddof=1)
    return np.asarray((x_B - x_B.mean()) / (deviation if deviation > 0 else 1.0))


def _shape(groups: Sequence[Float[np.ndarray, "_"]]) -> Row:
    """Return all that is told of one projection; NaN where it has no spread beyond rounding."""
    x_B = _standardised(groups)
    row: Row = {"count": len(x_B)} | dict.fromkeys(_NUMBERS, np.nan) | {"quantiles": [np.nan] * len(NORMAL_Q)}
    found = distance(x_B, level=LEVEL) if len(x_B) >= FEWEST else NO_SPREAD
    if not isinstance(found, Distance):
        return row
    row |= {"distance": found.estimate.value, "distance_low": found.estimate.low, "distance_high": found.estimate.high}
    row |= {"distance_error": found.error, "floor": found.floor, "floor_95": found.floor_95} | _apart(groups)
    for test in (normality.lilliefors, normality.anderson_darling, normality.skewness, normality.kurtosis):
        result = test(x_B)
        if isinstance(result, Normality):
            row[f"{test.__name__}_p"] = result.p_value
            if test.__name__ in row:
                row[test.__name__] = result.statistic
    rank_Q = ndtr(NORMAL_Q) * (len(x_B) - 1)
    return row | {"quantiles": np.interp(rank_Q, np.arange(len(x_B)), ordered(x_B)).tolist()}


def _apart(groups: Sequence[Float[np.ndarray, "_"]]) -> Row:
    """Return the largest true distance of the groups, each of which is taken by itself."""
    found = [distance(group, level=each_level(LEVEL, len(groups))) for group in groups]
    part = largest([each.estimate for each in found if isinstance(each, Distance)], level=LEVEL)
    return {"distance_apart": part.value, "distance_apart_low": part.low, "distance_apart_high": part.high}


def _quartiles(groups: Sequence[Float[np.ndarray, "_"]]) -> Row:
    """Return the interquartile range around each group's median, which is told of the first direction alone."""
    spread, error = interquartile_range(np.concatenate([each - np.median(each) for each in groups]))
    return {"iqr": spread, "iqr_error": error}


def _spreads(
    direction_M: Float[np.ndarray, "M"],
    covariance_MM: Float[np.ndarray, "M M"],
    groups: Sequence[Float[np.ndarray, "_"]],
    given: str,
) -> Row:
    """Return the variance along a direction twice: of the kept projections, and from the sums over all sequences."""
    if given == "query":
        return {"projected": np.nan, "summed": np.nan}
    with np.errstate(invalid="ignore"):  # values that are not finite
        projected = float(groups[0].var(ddof=1))
    return {"projected": projected, "summed": float(direction_M @ covariance_MM @ direction_M)}


_NUMBERS = (
    "distance",
    "distance_low",
    "distance_high",
    "distance_error",
    "distance_apart",
    "distance_apart_low",
    "distance_apart_high",
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
