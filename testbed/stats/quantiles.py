"""The interquartile range: a measure of spread that needs no variance."""

import numpy as np
from jaxtyping import Float

QUARTERS = (0.25, 0.75)


def interquartile_range(x_N: Float[np.ndarray, "N"]) -> tuple[float, float]:
    """Return the distance of the two quartiles of independent values, and its standard error.

    The errors of both quartiles are Maritz and Jarrett's; the correlation of the quartiles of any law with a density
    is p(1−q)/√(p(1−p)q(1−q)) = 1/3.

    Error: for large N; within some 3 % at 1000 values, and rough below some 30. NaN or of no meaning where a quartile
    lies on an atom of the law.
    Source: Maritz and Jarrett, A note on estimating the variance of the sample median (JASA 73, 1978).

    >>> spread, error = interquartile_range(np.random.default_rng(0).standard_normal(4000))
    >>> round(spread, 2), round(error, 3)
    (1.35, 0.024)
    """
    from scipy.stats.mstats import mjci

    with np.errstate(invalid="ignore"):  # many equal values leave rounding below zero under a root
        low, high = (float(error) for error in mjci(x_N, prob=list(QUARTERS)))
    first, third = np.quantile(x_N, QUARTERS)
    return float(third - first), float((low**2 + high**2 - 2 / 3 * low * high) ** 0.5)
