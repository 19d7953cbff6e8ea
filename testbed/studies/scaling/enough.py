"""Whether a grid has the cells that a claim about a fit needs: told before the run, which would end in no verdict."""

import numpy as np
import pandas as pd

from testbed.stats.identified import NoInformation
from testbed.stats.scaling.resamples import LEAST
from testbed.studies.scaling.analysis import FORM, fitted_table, held_out
from testbed.studies.scaling.asked import Asked
from testbed.studies.scaling.estimates import OF_ONE
from testbed.verdict import Claim

FORECASTS = ("forecast_cost",)
"""Those of `OF_ONE` that fit only what is not held out."""


def check(study: Asked, frame: pd.DataFrame) -> None:
    """Refuse the first claim that compares fits to more cells than the grid has, unless it is exploratory.

    Resampling needs four cells more than parameters, and E, a factor and an exponent are not told by two sizes, or D.

    Error: ValueError that names the claim, what it needs, and what to do.
    """
    for claim in study.claims:
        if claim.quantity not in OF_ONE or claim.exploratory:
            continue
        free = int(claim.about == "free")
        cells, sides = _fitted(study, frame, claim)
        for found, needed, what in (
            (cells, len(FORM.names) - 1 + free + LEAST, "cells"),
            (sides, 2 + free, "sizes or D"),
        ):
            if found < needed:
                beside = " beside those held out" if claim.quantity in FORECASTS else ""
                raise ValueError(
                    f"claim {claim.id}: the grid has {found} {what}{beside}, and fits of E {claim.about} need {needed};"
                    " take a grid of more sizes or D, choose other claims with --claims, or declare it"
                    " exploratory=True."
                )


def _fitted(study: Asked, frame: pd.DataFrame, claim: Claim) -> tuple[int, int]:
    """Return how many cells the claim's fits are fitted to, and how many sizes or D, whichever are fewer."""
    try:
        table = fitted_table(study, frame)
    except NoInformation:
        return 0, 0
    kept_N = ~(held_out(study, table) & (claim.quantity in FORECASTS))
    if not kept_N.any():
        return 0, 0
    left = table.rows(kept_N)
    return len(left.first_C), min(len(np.unique(along_N)) for along_N in (left.params_N, left.tokens_N))
