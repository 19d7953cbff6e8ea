"""What the page of a grid shows, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from testbed.report.page import Frame
from testbed.report.plots import Drawn


@dataclass(frozen=True, kw_only=True)
class Page(Frame):
    """All that the page of a grid shows, as plain data.

    ``truth`` holds name, value, low, high, error and method; ``estimates``, ``parts`` and ``curves`` are the tables
    of ``testbed.studies.grid.parts``, ``compute`` that of ``testbed.studies.grid.compute``; ``constants`` C_P of the
    joint law of V; ``figures`` those of the measures; ``references`` the lines of ``testbed.studies.grid.references``,
    none for a run without.
    """

    estimates: pd.DataFrame
    parts: pd.DataFrame
    curves: pd.DataFrame
    compute: pd.DataFrame
    constants: Mapping[int, float]
    figures: Sequence[Drawn]
    references: pd.DataFrame
    truth: Sequence[Mapping[str, Any]]
