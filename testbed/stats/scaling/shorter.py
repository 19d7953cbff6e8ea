"""Whether a term can be left out of a form: fits without it, and how much of a rise of the objective is chance."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.fit import Fitted, fit
from testbed.stats.scaling.problem import Problem
from testbed.stats.scaling.table import Losses

WEAK = 50.0
"""F of a term, over its absence, below which resamples of a fit miss the truth more often than they say."""


class Shorter(NamedTuple):
    """The best fit without what hangs on one parameter, the parameter, and how many parameters went with it."""

    name: str
    fitted: Fitted
    dropped: int


class Noise(NamedTuple):
    """What twice a rise of the objective by one parameter of chance is on average, and the units beyond parameters."""

    variance: float
    freedom: int


def shortened(asked: Problem) -> list[Shorter]:
    """Return the best fits with each term left out that is not pinned, and can be.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 4.0 ** np.arange(5)
    >>> asked = problem(FORMS["power_tokens"], losses(x, x, 1 + x**-0.5), OBJECTIVES["huber"])
    >>> [(each.name, each.dropped) for each in shortened(asked)]
    [('B', 2)]
    """
    found = []
    for place, parameter in enumerate(asked.form.parameters):
        if parameter.absent is None or not asked.lower_Q[place] <= parameter.absent < asked.upper_Q[place]:
            continue
        lower_Q, upper_Q = asked.lower_Q.copy(), asked.upper_Q.copy()
        lower_Q[place] = upper_Q[place] = parameter.absent
        try:
            short = fit(asked._replace(lower_Q=lower_Q, upper_Q=upper_Q))
        except NoInformation:
            continue
        _, slope_NQ = asked.residuals(short.coordinate_Q)
        length_Q = np.linalg.norm(slope_NQ, axis=0)
        idle_Q = ~(length_Q > 1e-12 * length_Q.max(initial=0.0)) & ~asked.pinned_Q
        idle_Q[place] = True
        found.append(Shorter(parameter.name, short, int(idle_Q.sum())))
    return found


def noise_of(asked: Problem, table: Losses, fitted: Fitted) -> Noise:
    """Return how much the objective of a fit rises by chance: Σ_G(Σ ψ)²/(N·E[ψ′]) · G/(G − Q) over G groups of rows.

    ψ is the derivative of a row's term by its residual, and E[ψ′] the share of residuals inside of delta if they are
    Gaussian with the deviation that their median size tells; for squares it is 1.

    Error: takes groups of one size; `NoInformation` where no group is left over.
    Source: Huber and Ronchetti (2009), sections 7.6 and 13.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(12.0) ** 2)))
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["log-squares"])
    >>> 3e-7 < noise_of(asked, table, fit(asked)).variance < 6e-7
    True
    """
    from scipy.special import erf

    residual_N, _ = asked.residuals(fitted.coordinate_Q)
    pull_G = np.bincount(table.group_N, asked.objective.weights(residual_N) * residual_N)
    rows, groups = len(residual_N), len(pull_G)
    freedom = groups - asked.free
    if freedom < 1:
        raise NoInformation(
            f"{groups} groups leave nothing over for {asked.free} parameters; a spread needs one more, so add some, or"
            " pin a parameter."
        )
    bend = 1.0
    if not asked.objective.squares:
        size = 1.4826 * float(np.median(np.abs(residual_N))) * np.sqrt(rows / max(rows - asked.free, 1))
        bend = float(erf(asked.objective.delta / max(size * np.sqrt(2.0), 1e-300)))
    return Noise(float(pull_G @ pull_G) / (rows * bend) * groups / freedom, freedom)


def strengths(
    asked: Problem, table: Losses, fitted: Fitted, short: Sequence[Shorter]
) -> Mapping[str, tuple[float, float]]:
    """Return F of each term that can be left out, and its p-value, by the name of its parameter.

    F is twice the rise of the objective without the term, over the parameters that go with it and over `noise_of`.

    Error: an exponent that is free where its factor is none makes F somewhat too large by chance.

    >>> from testbed.stats.scaling.fit import fit
    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.problem import problem
    >>> from testbed.stats.scaling.table import losses
    >>> x = 2.0 ** np.arange(12)
    >>> table = losses(x, x, (1 + x**-0.5) * np.exp(0.001 * np.cos(np.arange(12.0) ** 2)))
    >>> asked = problem(FORMS["power_tokens"], table, OBJECTIVES["log-squares"])
    >>> strengths(asked, table, fit(asked), shortened(asked))["B"][1] < 1e-6
    True
    """
    from scipy.special import fdtrc

    noise, found = noise_of(asked, table, fitted), {}
    for each in short:
        rise = max(2 * (each.fitted.objective - fitted.objective), 0.0)
        ratio = rise / each.dropped / noise.variance if noise.variance > 0 else np.inf if rise > 0 else 0.0
        found[each.name] = (ratio, float(fdtrc(each.dropped, noise.freedom, ratio)) if np.isfinite(ratio) else 0.0)
    return found
