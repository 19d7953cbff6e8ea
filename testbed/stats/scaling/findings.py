"""All that is told of a table of losses: the law, its frontier, isoFLOP profiles, single cells, and other forms."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from testbed.stats.identified import told
from testbed.stats.scaling.cautions import cautions, check_terms
from testbed.stats.scaling.compare import Compared, compare
from testbed.stats.scaling.forms import Form
from testbed.stats.scaling.isoflop import IsoFlop, isoflop
from testbed.stats.scaling.law import Law
from testbed.stats.scaling.leverage import Leverage, leverage
from testbed.stats.scaling.optimal import Frontier, frontier
from testbed.stats.scaling.resamples import RESAMPLES, by_cells
from testbed.stats.scaling.table import Losses

AMOUNTS, BEYOND = 5, 10.0
"""Amounts of compute that a frontier tells if none are asked for, and how far beyond the table the last one is."""


class Findings(NamedTuple):
    """What is told of a table; a sentence stands where something cannot be."""

    table: Losses
    law: Law
    leverage: Leverage
    frontier: Frontier | str
    isoflop: IsoFlop | str
    compared: Sequence[Compared] | str
    cautions: Sequence[str]


def findings(
    table: Losses, law: Law, *, level: float, seed: int = 0, resamples: int = RESAMPLES,
    flops: Sequence[float] = (), others: Sequence[Form] = (), within: Mapping[str, tuple[float, float]] | None = None,
) -> Findings:  # fmt: skip
    """Return the law with all that follows from it; bands of the frontier are by resamples of cells or of groups.

    >>> from testbed.stats.scaling.forms import FORMS
    >>> from testbed.stats.scaling.law import scaling_law
    >>> from testbed.stats.scaling.objectives import OBJECTIVES
    >>> from testbed.stats.scaling.table import losses
    >>> x, y = (each.ravel() for each in np.meshgrid(4.0 ** np.arange(5), 4.0 ** np.arange(5)))
    >>> seen = (1 + 2 * x**-0.5 + 3 * y**-0.3) * np.exp(0.001 * np.cos(np.arange(25.0) ** 2))
    >>> table = losses(x, y, seen)
    >>> law = scaling_law(table, FORMS["chinchilla"], OBJECTIVES["log-squares"], interval="profile", level=0.95)
    >>> found = findings(table, law, level=0.95, resamples=100)
    >>> 0.3 < found.frontier.params_exponent.value < 0.45
    True
    """
    amounts_K = np.array(flops or _amounts(table), dtype=np.float64)

    def best() -> Frontier:
        check_terms(law.without)
        found = law.resampled or by_cells(law.asked, table, law.fitted, seed=seed, resamples=resamples)
        return frontier(law.form, law.fitted.coordinate_Q, found, table, amounts_K, level=level)

    def others_beside() -> list[Compared]:
        return compare([law.form, *others], table, law.asked.objective, within or {}, level=level, seed=seed)

    found = told(best)()
    return Findings(
        table, law, leverage(law.asked, table, law.fitted), found, told(isoflop)(table, level=level),
        told(others_beside)() if others else (), cautions(table, law, found),
    )  # fmt: skip


def _amounts(table: Losses) -> list[float]:
    least, most = float(table.flops_N.min()), float(table.flops_N.max()) * BEYOND
    return [float(each) for each in np.geomspace(least, most, AMOUNTS)]
