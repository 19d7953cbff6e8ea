"""How the loss itself, not only its variance, goes with the tokens that are stored."""

import numpy as np

from testbed.stats.combine import slope_weights
from testbed.stats.estimate import Estimate
from testbed.stats.identified import NoInformation
from testbed.stats.moments import Moments, contrast, moments, smoothed
from testbed.stats.power_law import power_law
from testbed.studies.grid.analysis import Analysis, block
from testbed.studies.grid.estimates.bias import NOTHING


def data_exponent(analysis: Analysis, level: float) -> Estimate | str:
    """Return the exponent −d log K / d log D of the largest size over its stored D, by least squares of log K.

    K is the loss above ε, as the theory of quanta has it, B(P) of the largest size within it. The method tells the
    p-value of the lack of fit of one power law, the weighed one: where it is small the exponent is a mean of others.

    Error: the noise of log K is that of K over its mean; the more B(P) there is in K, the lower the exponent.
    """
    if not analysis.horizons:
        return NOTHING
    size = max(analysis.horizons)
    tokens = analysis.stored_tokens[size]
    if len(tokens) < 2:
        many = "amount" if len(tokens) == 1 else "amounts"
        return f"{len(tokens)} {many} of stored tokens leave K without a slope; 2 are needed."
    found = moments([block(analysis.stored(size, each)) for each in tokens])
    if (found.mean_Q <= 0).any():
        return "K on stored tokens is zero at some D, so it has no logarithmic slope."
    logs = found.transform(np.diag(1 / found.mean_Q))._replace(mean_Q=np.log(found.mean_Q))
    slope = contrast(logs, -slope_weights(np.log(np.array(tokens, dtype=float)), [0] * len(tokens)), level=level)
    return Estimate(
        value=slope.value, low=slope.low, high=slope.high, level=level, n=slope.n,
        method=f"least squares of log K{_lack_of_fit(np.array(tokens, dtype=float), found, level)}",
    )  # fmt: skip


def _lack_of_fit(tokens_D: np.ndarray, found: Moments, level: float) -> str:
    """Return what is told of the fit of one power law; nothing where two points or unknown noise leave none."""
    try:
        p = power_law(tokens_D, found, [0] * len(tokens_D), working=smoothed(found), level=level).lack_of_fit
    except NoInformation:
        return ""
    return "" if np.isnan(p) else f"; lack of fit p = {p:.2g}"
