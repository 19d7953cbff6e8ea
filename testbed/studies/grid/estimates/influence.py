"""What stands behind the correlation of bias and variance: the line through the cells, and what each does to it."""

import numpy as np
import pandas as pd

from testbed.stats.diagnostics import partial, regression
from testbed.stats.identified import told
from testbed.studies.grid.analysis import Analysis
from testbed.studies.grid.estimates.together import Columns, bias_variance_correlation, columns, logarithms

COLUMNS = [
    *("parameters", "tokens", "K_online", "V", "log_K_online", "log_V", "fitted", "residual", "studentised"),
    *("leverage", "cook", "partial", "correlation", "low", "high", "level", "n", "method", "sentence"),
]


def diagnostics(analysis: Analysis, *, level: float) -> pd.DataFrame:
    """Return a row for each size and each D that all sizes share, in the columns `COLUMNS`.

    log V is fitted by log K online and the D; ``residual`` is what is left, ``studentised`` the same in units of its
    own error, found without the cell; ``partial`` the correlation that all cells show, ``correlation`` the same with
    the interval that is judged. Where no line can be told its numbers are NaN, and ``sentence`` says why.

    Error: none beyond that of `testbed.stats.diagnostics`; no rows where V is not known at all.
    """
    cells = told(columns)(analysis, level)
    if isinstance(cells, str):
        return pd.DataFrame(columns=COLUMNS)
    sizes, tokens = zip(*cells.points, strict=True) if cells.points else ((), ())
    seen = {"parameters": sizes, "tokens": tokens, "K_online": cells.online_N, "V": cells.variance_N}
    line = told(_line)(cells, level)
    if isinstance(line, str):
        return pd.DataFrame(seen | {"sentence": line}).reindex(columns=COLUMNS)
    judged = told(bias_variance_correlation)(analysis, level)
    interval = (
        {"sentence": judged}
        if isinstance(judged, str)
        else {"correlation": judged.value, "low": judged.low, "high": judged.high, "n": judged.n}
        | {"level": level, "method": judged.method, "sentence": ""}
    )
    return pd.DataFrame(seen | line | interval).reindex(columns=COLUMNS)


def _line(cells: Columns, level: float) -> dict[str, object]:
    """Return the columns that a regression of log V on log K online, given D, has for each cell."""
    y_N, x_N = logarithms(cells)
    found = regression(y_N, x_N, cells.controls_NC, level=level)
    design_NQ = np.column_stack([np.ones(len(y_N)), cells.controls_NC, x_N])
    fitted_N = design_NQ @ np.linalg.lstsq(design_NQ, y_N, rcond=None)[0]
    return {
        "log_K_online": x_N,
        "log_V": y_N,
        "fitted": fitted_N,
        "residual": y_N - fitted_N,
        "studentised": found.residual_N,
        "leverage": found.leverage_N,
        "cook": found.cook_N,
        "partial": partial(y_N, x_N, cells.controls_NC, level=level).value,
    }
