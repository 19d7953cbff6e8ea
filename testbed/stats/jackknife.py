"""The jackknife: bias and standard error of a statistic from its values with one replicate left out."""

import numpy as np
from jaxtyping import Float

from testbed.stats.estimate import Estimate, critical
from testbed.stats.identified import NoInformation, alike, numbers


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
    without_R = numbers(without_R, "the statistic with one left out")
    value, error = corrected(whole, without_R)
    half = critical(level, len(without_R) - 1.0) * error
    return Estimate(
        value=value, low=value - half, high=value + half, level=level, n=len(without_R), method="jackknife t"
    )


def extrapolated(
    whole: float, without_R: Float[np.ndarray, "R"], without_RR: Float[np.ndarray, "R R"], *, level: float
) -> Estimate:
    """Return a statistic that is 0 at least, freed of its 1/R and 1/R² bias, with an interval that knows its bend.

    ``value = ½·R²·whole − (R−1)²·mean(without_R) + ½·(R−2)²·mean(without_RR)``, the limit R → ∞ of the parabola in 1/R
    through the statistic of all and its means with one and with two replicates left out (off the diagonal of
    ``without_RR``). The interval reaches t·se below it, se Tukey's standard error, and t·se + t²·q above: the square
    |m|² of a mean of independent vectors of covariance Σ has the slope 2m, so that where m is near zero by chance, se
    is too. There q = tr(Σ²)^½/R, the deviation of its bent part, read from the second differences of the statistic. For
    one number the upper end is that of (|m| + t·se(m))².

    Error: leaves a bias of order 1/R³. Covers 93 % (a slope that outweighs the bend) to 100 % (none) at 95 %, from 3
    replicates on; without q as little as 79 %, where the bias of the statistic is of the size of its limit.
    Source: Schucany, Gray and Owen (JASA 66, 1971) for the value.

    >>> size = [1 + 1 / m + 1 / m**2 for m in (2, 3, 4)]
    >>> apart = np.array([-0.1, 0.1, -0.1, 0.1])
    >>> round(extrapolated(size[2], size[1] + apart, np.full((4, 4), size[0]), level=0.95).value, 9)
    1.0
    """
    without_R = numbers(without_R, "the statistic with one left out")
    without_RR = numbers(without_RR, "the statistic with two left out", axes=2)
    count = len(without_R)
    if count < 3:
        raise ValueError(f"{count} replicates do not leave two out; give 3 or more, or use the plain jackknife.")
    alike(rows=len(without_RR), columns=without_RR.shape[-1], replicates=count)
    _, error = corrected(whole, without_R)
    if not error > 0:
        raise NoInformation("no replicate changes the statistic, as copies of one do; give replicates of their own.")
    apart_RR = ~np.eye(count, dtype=bool)
    two = float(without_RR[apart_RR].mean())
    value = (count**2 * whole - 2 * (count - 1) ** 2 * float(without_R.mean()) + (count - 2) ** 2 * two) / 2
    times = critical(level, count - 1.0)
    above = times * error + times**2 * _bend(whole, without_R, np.where(apart_RR, without_RR, 0.0))
    return Estimate(
        value=value, low=value - times * error, high=value + above, level=level, n=count,
        method="second-order jackknife, bend counted",
    )  # fmt: skip


def _bend(whole: float, without_R: np.ndarray, without_RR: np.ndarray) -> float:
    """Return tr(Σ²)^½/R of a statistic that is the square of a mean, from its values with one and two left out.

    With S the sum of R vectors x, R²·whole − (R−1)²·(without_r + without_s) + (R−2)²·without_rs = 2 x_r·x_s; the
    diagonal follows from S·x_r. Centring both ways frees these products of the mean and of what is linear.
    """
    count, freedom = len(without_R), len(without_R) - 1
    one_R = (count - 1) ** 2 * without_R
    product_RR = count**2 * whole - one_R[:, None] - one_R + (count - 2) ** 2 * without_RR
    np.fill_diagonal(product_RR, 0.0)
    np.fill_diagonal(product_RR, 2 * (count**2 * whole - one_R - product_RR.sum(1)))
    centred_RR = product_RR - product_RR.mean(0)
    centred_RR = (centred_RR - centred_RR.mean(1, keepdims=True)) / (2 * freedom)
    squared = np.sum(centred_RR**2) - np.trace(centred_RR) ** 2 / freedom
    return float(np.sqrt(max(squared, 0.0) * freedom**2 / ((freedom - 1) * (freedom + 2)))) / count


def corrected(whole: float, without_R: Float[np.ndarray, "R"]) -> tuple[float, float]:
    """Return the jackknifed value and its standard error.

    >>> corrected(2.0, np.array([2.5, 2.0, 1.5]))[0]
    2.0
    """
    numbers([whole], "the statistic")
    without_R = numbers(without_R, "the statistic with one left out")
    count = len(without_R)
    if count < 2:
        raise ValueError(f"{count} replicate cannot be left out; a jackknife needs at least 2.")
    value = count * whole - (count - 1) * without_R.mean()
    error = np.sqrt((count - 1) / count * np.sum((without_R - without_R.mean()) ** 2))
    return float(value), float(error)
