"""What pictures for documents share: points with bars, drawn by matplotlib."""

from typing import Any

import numpy as np

from testbed.report import intervals


def errorbars(axes: Any, x: Any, found: intervals.Interval, look: dict[str, Any]) -> None:
    """Draw points with bars; where an interval reaches zero, and where a value is only bounded, an open arrow."""
    value_N = np.where(found.bound_N, np.nan, found.value_N)
    axes.errorbar(x, value_N, intervals.bars(found), **look)
    drawn = intervals.arrows(x, found, look["color"])
    if drawn is None:
        return
    axes.plot(np.array(drawn["x"], dtype=float), np.array(drawn["y"], dtype=float), lw=look["lw"], color=look["color"])
    for x_end, y_end, mark in zip(drawn["x"], drawn["y"], drawn["marker"]["symbol"], strict=True):
        if mark != intervals.NONE:
            shape = {intervals.DOWN: "v", intervals.UP: "^", intervals.TICK: "_"}[mark]
            axes.plot([x_end], [y_end], shape, ms=5, mfc="none", color=look["color"])
