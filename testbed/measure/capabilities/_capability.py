"""The contract of a capability: questions about windows whose right answers are known, and how an answer is judged."""

import abc
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.measure.uncovered import Uncovered
from testbed.sources import Source

SAME = 1e-9
"""Log-probabilities that differ by less are a tie."""


class Questions(NamedTuple):
    """Sequence, position and condition of each of Q questions, and the key by which answers are judged.

    The question at position t is put to the prediction of token t from those before it.
    """

    row_Q: Int[np.ndarray, " Q"]
    column_Q: Int[np.ndarray, " Q"]
    condition_Q: Int[np.ndarray, " Q"]
    key: Any


class Judged(NamedTuple):
    """The sharp and the smooth score of each question."""

    sharp_Q: Float[np.ndarray, " Q"]
    smooth_Q: Float[np.ndarray, " Q"]


class Capability(abc.ABC):
    """What can be asked of a world; all members are pure functions of float64 numpy arrays, and see no model."""

    thing: ClassVar[str]
    """What a world lacks that has it not, as in "facts has no regimes to name"."""
    kinds: ClassVar[tuple[type[Source], ...]]
    """The worlds, without noise and inflation, that it is asked of."""

    @classmethod
    def has(cls, world: Source) -> bool:
        """Return whether a world, without noise and inflation, has the capability."""
        return isinstance(world, cls.kinds)

    @staticmethod
    @abc.abstractmethod
    def conditions(world: Any, length: int) -> tuple[str, ...]:
        """Return the names of the conditions under which windows of this length are asked, in their order.

        They are those of the world, whatever the draw: a condition may have no question in some windows.
        """

    @staticmethod
    @abc.abstractmethod
    def questions(behind: Uncovered) -> Questions:
        """Return the questions on these windows."""

    @staticmethod
    @abc.abstractmethod
    def judged(key: Any, logp_QV: Float[np.ndarray, "Q V"]) -> Judged:
        """Return the scores of answers that are read off log-probabilities of the symbols of the world."""

    @staticmethod
    @abc.abstractmethod
    def chance(key: Any) -> Judged:
        """Return the expected scores of one who knows all but the capability."""


def right_among(logp_QA: Float[np.ndarray, "Q A"], right_Q: Int[np.ndarray, " Q"]) -> Judged:
    """Return whether the likeliest of the A possible answers is right, and the probability of the right one among them.

    Ties share. One who excludes all possible answers prefers none of them.

    >>> found = right_among(np.log([[0.1, 0.1, 0.2], [0.3, 0.3, 0.1]]), np.array([2, 0]))
    >>> found.sharp_Q.tolist(), found.smooth_Q.round(3).tolist()
    ([1.0, 0.5], [0.5, 0.429])
    """
    excluded_Q1 = (logp_QA == -np.inf).all(axis=1, keepdims=True)
    logp_QA = np.where(excluded_Q1, 0.0, logp_QA)
    row_Q = np.arange(len(logp_QA))
    log_share_Q = logp_QA[row_Q, right_Q] - np.logaddexp.reduce(logp_QA, axis=1)
    top_QA = likeliest(logp_QA)
    return Judged(top_QA[row_Q, right_Q] / top_QA.sum(axis=1), np.exp(log_share_Q))


def likeliest(logp_QA: Float[np.ndarray, "Q A"]) -> np.ndarray:
    """Return which answers nothing is likelier than, as truth values.

    >>> likeliest(np.log([[0.2, 0.4, 0.4]])).tolist()
    [[False, True, True]]
    """
    return np.asarray(logp_QA >= logp_QA.max(axis=1, keepdims=True) - SAME)
