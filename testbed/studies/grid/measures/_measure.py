"""The contract of a measure: asked of stored parameters after training, so that a new one trains nothing again."""

import abc
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from testbed.report.plots import Drawn
from testbed.stats.estimate import Estimate
from testbed.studies.grid.analysis import Analysis

Pairs = Iterable[tuple[np.ndarray, np.ndarray]]
"""For each evaluation sequence log p*_LV of the Bayes predictive and log p_RLV of every replicate, float64."""


class Measure(abc.ABC):
    """What is read off an ensemble: the replicates that share size, role and D, with their kept parameters."""

    estimates: ClassVar[dict[str, Callable[[Analysis, float], Estimate | str]]] = {}
    """Numbers that claims can be about, by name, from ``analysis.measured[<file name>]`` and a level."""

    @staticmethod
    @abc.abstractmethod
    def observe(pairs: Pairs) -> list[dict[str, Any]]:
        """Return the rows that one ensemble adds to the table of this measure, as plain numbers and strings."""

    @staticmethod
    def figures(analysis: Analysis) -> Iterable[Drawn]:
        """Return what the measure adds to the page, from ``analysis.measured[<file name>]``; nothing by default."""
        return ()
