"""Recalling facts, by the rank of their keys."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.measure.capabilities import _conditions
from testbed.measure.capabilities._capability import Capability, Judged, Questions, right_among
from testbed.measure.uncovered import Uncovered
from testbed.sources import Facts, Source


class Key(NamedTuple):
    """The right answer of each question among the answers, the first of which is the symbol number `facts`."""

    right_Q: Int[np.ndarray, " Q"]
    facts: int
    answers: int


class Recall(Capability):
    """The right answer after a key, by decade of the key's rank; the most frequent key has rank 1.

    Right is what the table says, whether or not the answer that came was confused. Sharp: is the likeliest of all
    answers right; smooth: the probability of the right answer among all answers, so that who takes an answer for a key
    is judged by what he holds of answers. Chance holds all answers for equally likely. Keys that lie before the window
    are not asked for; a key that noise replaced is, and the Bayes score tells what can be known then.
    """

    thing: ClassVar[str] = "facts to recall"
    kinds: ClassVar[tuple[type[Source], ...]] = (Facts,)

    @staticmethod
    def conditions(world: Any, length: int) -> tuple[str, ...]:
        """Return the decades of the ranks."""
        return _conditions.decades(world.facts)

    @staticmethod
    def questions(behind: Uncovered) -> Questions:
        """Return a question for each answer whose key lies in the window."""
        world = behind.world
        row_Q, column_Q = np.nonzero(behind.latents.fact_L[:, 1:] >= 0)
        fact_Q = behind.latents.fact_L[row_Q, column_Q + 1]
        key = Key(world.right_answers()[fact_Q], world.facts, world.answers)
        return Questions(row_Q, column_Q + 1, _conditions.decade(fact_Q + 1), key)

    @staticmethod
    def judged(key: Key, logp_QV: Float[np.ndarray, "Q V"]) -> Judged:
        """Return how the answers of the table fare among all answers."""
        return right_among(logp_QV[:, key.facts :], key.right_Q)

    @staticmethod
    def chance(key: Key) -> Judged:
        """Return one over the number of answers."""
        return Judged(*(np.full(len(key.right_Q), 1 / key.answers) for _ in range(2)))
