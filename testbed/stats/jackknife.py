"""The jackknife: bias and standard error of a statistic from its values with one replicate left out."""

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import numbers


def jackknife(whole: float, without_R: Float[np.ndarray, "R"], *, level: float) -> Estimate:
    """Return the statistic freed of its 1/R bias, with Tukey's interval on R − 1 degrees of freedom.

    ``value = R·whole − (R−1)·mean(without)`` and ``se² = (R−1)/R · Σ (without − mean)²``.

    Error: removes bias of order 1/R and leaves order 1/R²; fails for statistics that are not smooth (a median).
    Source: Quenouille (1956), Tukey (1958).

    >>> values = np.array([1.0, 2.0, 4.0])
    >>> biased = np.array([values[[1, 2]].var(), values[[0, 2]].var(), values[[0, 1]].var()])
    >>> round(jackknife(float(values.var()), biased, level=0.95).value, 9), round(float(values.var(ddof=1)), 9)
    (2.333333333, 2.333333333)
    """
    value, error = corrected(whole, without_R)
    half = critical(level, len(without_R) - 1.0) * error
    return Estimate(
        value=value, low=value - half, high=value + half, level=level, n=len(without_R), method="jackknife t"
    )


def corrected(whole: float, without_R: Float[np.ndarray, "R"]) -> tuple[float, float]:
    """Return the jackknifed value and its standard error.

    >>> corrected(2.0, np.array([2.5, 2.0, 1.5]))[0]
    2.0
    """
    numbers([whole], "the statistic")
    count, without_R = len(without_R), numbers(without_R, "the statistic with one left out")
    if count < 2:
        raise ValueError(f"{count} replicate cannot be left out; a jackknife needs at least 2.")
    value = count * whole - (count - 1) * without_R.mean()
    error = np.sqrt((count - 1) / count * np.sum((without_R - without_R.mean()) ** 2))
    return float(value), float(error)
