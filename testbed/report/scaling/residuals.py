"""Every row of a table with its fit, its residual of log loss and its cell's leverage, as CSV."""

import numpy as np
import pandas as pd

from testbed.stats.scaling.findings import Findings
from testbed.stats.scaling.reading import Read


def residuals(found: Findings, read: Read) -> str:
    """Return a table of rows: line of the file, params, tokens, loss, fitted, residual, leverage.

    The residual is log of loss over fitted. The leverage is that of the row's cell, or of its group where
    groups hold several cells.
    """
    table, law = found.table, found.law
    fitted_N = law.form.loss(law.fitted.coordinate_Q, table.params_N, table.tokens_N)
    frame = pd.DataFrame(
        {
            "line": read.line_N, "params": table.params_N, "tokens": table.tokens_N, "loss": table.loss_N,
            "fitted": fitted_N, "residual": np.log(table.loss_N / fitted_N),
            "leverage": found.leverage.hat_U[table.unit_N],
        }
    )  # fmt: skip
    return str(frame.to_csv(index=False))
