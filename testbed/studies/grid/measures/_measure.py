"""The contract of a measure: asked of stored parameters after training, so that a new one trains nothing again."""

import abc
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from testbed.measure.contexts import Reference
from testbed.report.plots import Drawn
from testbed.sources import Source
from testbed.stats.estimate import Estimate
from testbed.studies.grid.analysis import Analysis

Value = TypeVar("Value")

Pairs = Iterator[tuple[np.ndarray, np.ndarray]]
"""For each evaluation sequence log p*_LV of the Bayes predictive and log p_RLV of every replicate, float64."""


@runtime_checkable
class Ensemble(Protocol):
    """The replicates that share size, role and D, with their kept parameters, on the sequences that are reported."""

    @property
    def world(self) -> Source:
        """What they were trained on, and are asked about."""

    @property
    def windows(self) -> Reference:
        """The sequences, the Bayes predictive on them, and what is latent in them."""

    @property
    def seeds(self) -> list[tuple[int, int]]:
        """Draw and initialisation of each replicate."""

    def pairs(self) -> Pairs:
        """Yield log p* and the log p of every replicate, sequence by sequence."""

    def states(self) -> Iterator[np.ndarray]:
        """Yield what each layer hands on, replicate by replicate: states_NBLM, row t read tokens before t."""

    def once(self, make: Callable[[Source, Reference], Value]) -> Value:
        """Return what ``make`` tells of world and windows, which all ensembles of a run share: it is made once."""


class Measure(abc.ABC):
    """What is read off an ensemble."""

    estimates: ClassVar[dict[str, Callable[[Analysis, float], Estimate | str]]] = {}
    """Numbers that claims can be about, by name, from ``analysis.measured[<file name>]`` and a level."""

    @staticmethod
    @abc.abstractmethod
    def observe(ensemble: Ensemble) -> list[dict[str, Any]]:
        """Return the rows that one ensemble adds to the table of this measure, as plain numbers and strings."""

    @staticmethod
    def figures(analysis: Analysis) -> Iterable[Drawn]:
        """Return what the measure adds to the page, from ``analysis.measured[<file name>]``; nothing by default."""
        return ()
