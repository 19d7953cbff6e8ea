"""What gives the world: bits, tasks and their law; and the numbers that follow."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from testbed.laws import record, simplex, zipf_law
from testbed.laws.source import Source

LARGEST_HIDDEN = 20


def _unranked(rank_Q: Int[np.ndarray, " Q"], things: int, size: int) -> Int[np.ndarray, "Q K"]:
    """Return the subsets with these numbers in the combinatorial number system, in ascending order."""
    columns: list[Int[np.ndarray, " Q"]] = []
    for count in range(size, 0, -1):
        below = np.array([math.comb(thing, count) for thing in range(things)])
        chosen_Q = np.searchsorted(below, rank_Q, side="right") - 1
        columns.insert(0, chosen_Q)
        rank_Q = rank_Q - below[chosen_Q]
    return np.stack(columns, axis=1)


class Fields(Source, frozen=True, kw_only=True):
    """What gives the world."""

    tasks: int = 32
    """Number of tasks."""
    bits: int = 8
    """Number of bits of a block."""
    subset: int = 3
    """Number of bits that a task adds up."""
    alpha: float = 0.4
    """Exponent α of the tasks' law, P(task) ∝ (task+1)^-(1+α)."""
    seed: int = 0
    """Seed of the draw of the tasks' bits."""
    phase: Literal["aligned", "uniform"] = "aligned"
    """Whether a block begins at the first position, or the sequence is met at a random moment."""

    def __post_init__(self) -> None:
        simplex.at_least("tasks", self.tasks, 2, "a single task is a single quantum")
        simplex.at_least("subset", self.subset, 1, "an answer needs a bit to depend on")
        simplex.at_least("bits", self.bits, self.subset, f"a task adds up subset={self.subset} of them")
        simplex.laid_out(f"tasks={self.tasks} with subset={self.subset}", self.tasks * self.subset)
        simplex.laid_out(f"bits={self.bits}", self.bits)
        simplex.seed(self.seed)
        zipf_law.check("alpha", self.alpha, self.tasks)
        zipf_law.check("1+alpha", 1 + self.alpha, self.tasks)
        simplex.one_of("phase", self.phase, ("aligned", "uniform"))
        rest = self.bits - self.subset
        log_choices = math.lgamma(self.bits + 1) - math.lgamma(self.subset + 1) - math.lgamma(rest + 1)
        if log_choices >= 63 * math.log(2):
            choices = record.large(log_choices / math.log(10))
            raise ValueError(f"bits={self.bits}: {choices} subsets are too many to draw from; lower bits or subset.")
        if self.stationary and self.bits > LARGEST_HIDDEN:
            raise ValueError(
                f"bits={self.bits}: at most {LARGEST_HIDDEN} are supported with phase='uniform', as the truth sums over"
                " all their values; lower bits or choose phase='aligned'."
            )

    @property
    def period(self) -> int:
        """Return the number of tokens of a block."""
        return self.bits + 2

    def task_law(self) -> Float[np.ndarray, " Q"]:
        """Return the probabilities of the tasks, float64."""
        return zipf_law.law(self.tasks, 1 + self.alpha)

    def subsets(self) -> Int[np.ndarray, "Q K"]:
        """Return the bits that each task adds up, in ascending order."""
        choices = math.comb(self.bits, self.subset)
        rank_Q = np.random.default_rng(self.seed).choice(choices, self.tasks, replace=self.tasks > choices)
        return _unranked(rank_Q, self.bits, self.subset)

    def bias(self, learned: int) -> float:
        """Return the loss per token above the truth of one who solves the `learned` most frequent tasks and no other.

        It gives both answers to the others the probability 1/2, so that the loss is ln 2/(bits+2) · Σ_{j > learned}
        P(j). For α > 0 it falls as learned^-α while 1 << learned << tasks.
        """
        zipf_law.check_count("learned", learned, self.tasks)
        return np.log(2) / self.period * zipf_law.beyond(self.task_law(), learned)

    def unseen(self, tokens: int, examples: int = 1) -> float:
        """Return the expected loss per token above the truth of one who solves each task met often enough.

        That is `examples` times in the whole blocks of `tokens` tokens; for `examples` = 1 the loss is
        ln 2/(bits+2) · Σ_j P(j)·(1 - P(j))^blocks. It falls as tokens^-α/(1+α) as long as many tasks are unsolved.
        """
        zipf_law.check_count("tokens", tokens)
        simplex.at_least("examples", examples, 1, "a task is met before it is solved")
        return np.log(2) / self.period * zipf_law.unseen(self.task_law(), tokens // self.period, examples)
