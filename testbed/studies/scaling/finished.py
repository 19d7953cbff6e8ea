"""From the folder of a study to its analysis, and to the tables that judging leaves."""

import numpy as np
import pandas as pd

from testbed.stats.estimate import Estimate
from testbed.stats.identified import told
from testbed.stats.scaling.law import Law
from testbed.store import Store, StoreError
from testbed.studies.scaling import simulations
from testbed.studies.scaling.analysis import COLUMNS, FORM, LOSSES, WORLD, ScalingAnalysis, held_out, law
from testbed.studies.scaling.asked import TRUTH, Asked, World
from testbed.studies.scaling.forecasts import forecast

FITS, RESIDUALS = "fits.parquet", "residuals.parquet"
FIT_COLUMNS = [
    *("assumed", "E", "E_low", "E_high", "A", "A_low", "A_high", "B", "B_low", "B_high"),
    *("alpha", "alpha_low", "alpha_high", "beta", "beta_low", "beta_high"),
    *("status", "agreeing", "scatter", "lack_of_fit", "condition", "cells", "held", "forecast_error", "sentence"),
]
RESIDUAL_COLUMNS = ["assumed", "parameters", "tokens", "loss", "fitted", "residual", "held"]


def analysis(study: Asked, store: Store) -> ScalingAnalysis:
    """Return what a study holds, ready to be asked.

    Error: StoreError if the run is not finished, or damaged.
    """
    if not all(map(store.holds, (LOSSES, WORLD, simulations.TABLE))):
        raise StoreError(
            f"{store.folder} is not finished: judging needs the grid's losses and every simulation; run it to its end."
        )
    return ScalingAnalysis(
        study=study,
        losses=store.read_frame(LOSSES, tuple(COLUMNS)),
        world=store.read_json(WORLD, World),
        simulations=store.read_frame(simulations.TABLE, tuple(simulations.COLUMNS)),
    )


def derived(analysis: ScalingAnalysis, *, level: float) -> dict[str, pd.DataFrame]:
    """Return the fits under every assumption about E, and the residuals of those with the truth and with a free E."""
    names = list(analysis.study.assumed(analysis.world))
    return {
        FITS: pd.DataFrame([_fit_row(analysis, name, level) for name in names], columns=FIT_COLUMNS),
        RESIDUALS: _residuals(analysis),
    }


def _fit_row(analysis: ScalingAnalysis, name: str, level: float) -> dict[str, object]:
    """Return what is told of the fit under an assumption: numbers, or NaN and the sentence that says why not."""
    row: dict[str, object] = {**dict.fromkeys(FIT_COLUMNS, np.nan), "assumed": name, "held": analysis.study.held}
    fitted = _law(analysis, name, level)
    if isinstance(fitted, str):
        return row | {"status": "refused", "cells": 0, "sentence": fitted}
    ends = {key: _ends(fitted, key) for key in FORM.names}
    foretold = told(forecast)(analysis, name)
    return row | {
        **{key: value for key, (value, _, _) in ends.items()},
        **{f"{key}_low": low for key, (_, low, _) in ends.items()},
        **{f"{key}_high": high for key, (_, _, high) in ends.items()},
        "status": fitted.status,
        "agreeing": fitted.fitted.agreeing,
        "scatter": fitted.scatter,
        "lack_of_fit": np.nan if fitted.lack_of_fit is None else fitted.lack_of_fit,
        "condition": fitted.design.condition,
        "cells": len(analysis.table.first_C),
        "forecast_error": np.nan if isinstance(foretold, str) else foretold.error,
        "sentence": foretold if isinstance(foretold, str) else "",
    }


def _law(analysis: ScalingAnalysis, name: str, level: float) -> Law | str:
    return told(lambda: law(analysis.study, analysis.world, analysis.table, name, level=level))()


def _ends(fitted: Law, name: str) -> tuple[float, float, float]:
    """Return a parameter with its interval; of one that is pinned, the value three times."""
    found: Estimate | None = fitted.parameters.get(name)
    return (fitted.pinned[name],) * 3 if found is None else (found.value, found.low, found.high)


def _residuals(analysis: ScalingAnalysis) -> pd.DataFrame:
    """Return each fitted loss beside two fits: residual is log of seen over fitted, held whether it was forecast."""
    parts = []
    for name in (TRUTH, "free"):
        fitted = _law(analysis, name, analysis.study.level)
        if isinstance(fitted, str):
            continue
        table = analysis.table
        fitted_N = FORM.loss(fitted.fitted.coordinate_Q, table.params_N, table.tokens_N)
        columns = {"parameters": table.params_N, "tokens": table.tokens_N, "loss": table.loss_N, "fitted": fitted_N}
        residual_N = np.log(table.loss_N / fitted_N)
        own = pd.DataFrame(columns).assign(assumed=name, residual=residual_N, held=held_out(analysis.study, table))
        parts.append(own[RESIDUAL_COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=RESIDUAL_COLUMNS)
