"""Solving parities, by the number of the task."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.measure.capabilities import _conditions
from testbed.measure.capabilities._capability import Capability, Judged, Questions, right_among
from testbed.measure.uncovered import Uncovered
from testbed.sources import Quanta, Source


class Key(NamedTuple):
    """The right bit of each question; the last two symbols are zero and one."""

    right_Q: Int[np.ndarray, " Q"]


class Parities(Capability):
    """The answer of a task, the parity of its own bits among those before it; tasks are counted from 1 by frequency.

    Each task is a condition by itself, or, where there are more than 64, each decade of their ranks. Sharp: is the
    likelier of the two bits right; smooth: the probability of the right one among the two. Chance is one half. Blocks
    that begin before the window are not asked for. With noise, right is the parity of the bits as written.
    """

    thing: ClassVar[str] = "parities to solve"
    kinds: ClassVar[tuple[type[Source], ...]] = (Quanta,)

    @staticmethod
    def conditions(world: Any, length: int) -> tuple[str, ...]:
        """Return the tasks, or the decades of their ranks."""
        if world.tasks > _conditions.ONE_BY_ONE:
            return _conditions.decades(world.tasks)
        return tuple(str(rank) for rank in range(1, world.tasks + 1))

    @staticmethod
    def questions(behind: Uncovered) -> Questions:
        """Return a question for each answer whose whole block lies in the window."""
        world, last = behind.world, behind.world.period - 1
        row_Q, column_Q = np.nonzero(behind.latents.place_L[:, last:] == last)
        column_Q = column_Q + last
        task_Q = behind.latents.task_L[row_Q, column_Q].astype(np.int64)
        condition_Q = task_Q if world.tasks <= _conditions.ONE_BY_ONE else _conditions.decade(task_Q + 1)
        return Questions(row_Q, column_Q, condition_Q, Key(behind.clean_BL[row_Q, column_Q] - world.tasks))

    @staticmethod
    def judged(key: Key, logp_QV: Float[np.ndarray, "Q V"]) -> Judged:
        """Return how the parities fare among zero and one."""
        return right_among(logp_QV[:, -2:], key.right_Q)

    @staticmethod
    def chance(key: Key) -> Judged:
        """Return one half."""
        return Judged(*(np.full(len(key.right_Q), 0.5) for _ in range(2)))
