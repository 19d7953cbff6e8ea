"""Reference predictors in a figure: thin grey lines, each with its name at the right end."""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

from testbed.report.palette import apart

REFERENCE = "#6b7280"
DASHES = ("4px 3px", "9px 3px", "9px 3px 2px 3px", "2px 3px")
LABEL = 0.065
"""Height of a line's name as a share of its axis."""
ROUNDING = 1e-9
"""K below this is zero."""
BESIDE = " Grey: predictors that learn within the window, without training; the Bayes predictive has $K = 0$."
"""What a caption says of them."""


def levels(figure: Any, references: pd.DataFrame, ends: Sequence[float | int]) -> list[float]:
    """Draw the K of each reference predictor as a level and return those drawn; the axis is to be logarithmic.

    A predictor that is the world's own has K = 0 up to rounding, and no place on such an axis.
    """
    seen = references[references["value"] > ROUNDING]
    for name, value, dash in zip(seen["predictor"], seen["value"], cycle(DASHES), strict=False):
        figure.add_scatter(x=ends, y=[value, value], **_thin(name, dash))
    _names(figure, seen, seen["value"].to_numpy(dtype=float), np.log10)
    return [float(value) for value in seen["value"]]


def curves(figure: Any, references: pd.DataFrame, bayes: pd.DataFrame) -> None:
    """Draw the loss of each reference predictor along the window: its K_t on top of h_t, the columns of ``bayes``."""
    loss = [bayes["h"].to_numpy() + k_L for k_L in references["K_L"]]
    for name, loss_L, dash in zip(references["predictor"], loss, cycle(DASHES), strict=False):
        figure.add_scatter(x=bayes["t"], y=loss_L, **_thin(name, dash))
    _names(figure, references, np.array([loss_L[-1] for loss_L in loss]), np.asarray)


def _thin(name: str, dash: str) -> dict[str, Any]:
    """Return the look of a reference predictor's line."""
    line = {"color": REFERENCE, "width": 1, "dash": dash}
    hover = f"{name}: %{{y:.4g}}<extra></extra>"
    return {"mode": "lines", "name": name, "line": line, "showlegend": False, "hovertemplate": hover}


def _names(figure: Any, references: pd.DataFrame, end_N: np.ndarray, scale: Callable[[Any], Any]) -> None:
    """Name the reference lines right of the figure, where they end, but not on top of each other."""
    if references.empty:
        return
    seen_N = np.concatenate([np.asarray(trace.y, dtype=float) for trace in figure.data])
    place_N = apart(scale(end_N), LABEL * float(np.ptp(scale(seen_N[seen_N > 0]))))
    for name, place in zip(references["predictor"], place_N, strict=True):
        figure.add_annotation(
            text=name, x=1, xref="paper", xanchor="left", xshift=4, y=place, showarrow=False,
            font={"size": 11, "color": REFERENCE},
        )  # fmt: skip
    figure.update_layout(margin={"r": 8 + 5.5 * max(len(name) for name in references["predictor"])})
