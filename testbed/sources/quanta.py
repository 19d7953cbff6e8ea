"""Quanta of knowledge: blocks of bits, each with one of many tasks, whose answer is the parity of the task's bits."""

import math
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed import catalog
from testbed.sources import _draws, _laws, _machine, _quanta_kernel, _truth, _zipf
from testbed.sources._machine import Machine
from testbed.sources._quanta_kernel import Latents, Tables
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Mixing, Truth

LARGEST_HIDDEN = 20


class Quanta(Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Multitask sparse parity: a task token, `bits` fair bits, and the parity of those bits that the task adds up.

    Tasks are the symbols 0..tasks-1 and come with P(task) ∝ (task+1)^-(1+alpha); the last two symbols are zero and
    one. The bits of each task are drawn once, under `seed`; no two tasks have the same ones if there are enough
    choices. All that can be learned is the answers, task by task: a quantum each.

    Source: Michaud, Liu, Girit and Tegmark (2023), "The quantization model of neural scaling", arXiv 2303.13506.
    """

    good_for: ClassVar[str] = (
        "Skills that are learned all or nothing, from frequent to rare: the smooth power laws of the loss are sums of"
        " abrupt steps, with the exponent α in parameters and α/(1+α) in tokens."
    )

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
        _laws.at_least("tasks", self.tasks, 2, "a single task is a single quantum")
        _laws.at_least("subset", self.subset, 1, "an answer needs a bit to depend on")
        _laws.at_least("bits", self.bits, self.subset, f"a task adds up subset={self.subset} of them")
        _laws.laid_out(f"tasks={self.tasks} with subset={self.subset}", self.tasks * self.subset)
        _laws.laid_out(f"bits={self.bits}", self.bits)
        _laws.seed(self.seed)
        _zipf.check("alpha", self.alpha, self.tasks)
        _zipf.check("1+alpha", 1 + self.alpha, self.tasks)
        _laws.one_of("phase", self.phase, ("aligned", "uniform"))
        rest = self.bits - self.subset
        log_choices = math.lgamma(self.bits + 1) - math.lgamma(self.subset + 1) - math.lgamma(rest + 1)
        if log_choices >= 63 * math.log(2):
            choices = _truth.large(log_choices / math.log(10))
            raise ValueError(f"bits={self.bits}: {choices} subsets are too many to draw from; lower bits or subset.")
        if self.stationary and self.bits > LARGEST_HIDDEN:
            raise ValueError(
                f"bits={self.bits}: at most {LARGEST_HIDDEN} are supported with phase='uniform', as the truth sums over"
                " all their values; lower bits or choose phase='aligned'."
            )

    @classmethod
    def exhibit(cls) -> "Quanta":
        """Return sixteen tasks on six bits."""
        return cls(tasks=16, bits=6, subset=2)

    @property
    def alphabet(self) -> int:
        """Return the number of tasks and the two values of a bit."""
        return self.tasks + 2

    @property
    def period(self) -> int:
        """Return the number of tokens of a block."""
        return self.bits + 2

    @property
    def stationary(self) -> bool:
        """Return whether the sequence is met at a random moment."""
        return self.phase == "uniform"

    def task_law(self) -> Float[np.ndarray, " Q"]:
        """Return the probabilities of the tasks, float64."""
        return _zipf.law(self.tasks, 1 + self.alpha)

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
        _zipf.check_count("learned", learned, self.tasks)
        return np.log(2) / self.period * _zipf.beyond(self.task_law(), learned)

    def unseen(self, tokens: int, examples: int = 1) -> float:
        """Return the expected loss per token above the truth of one who solves each task met often enough.

        That is `examples` times in the whole blocks of `tokens` tokens; for `examples` = 1 the loss is
        ln 2/(bits+2) · Σ_j P(j)·(1 - P(j))^blocks. It falls as tokens^-α/(1+α) as long as many tasks are unsolved.
        """
        _zipf.check_count("tokens", tokens)
        _laws.at_least("examples", examples, 1, "a task is met before it is solved")
        return np.log(2) / self.period * _zipf.unseen(self.task_law(), tokens // self.period, examples)

    def machine(self) -> Machine | Absent:
        """Return the machine of task, place and parity so far."""
        from testbed.sources import _quanta_truth  # late, as it is about this class

        return _quanta_truth.machine(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment.

        Given their places, any two tokens are independent, but for a bit and the answer of a task on that bit alone.
        """
        _machine.check_lag(lag)
        places_PV = np.pad(np.full((self.period, 2), 0.5), ((0, 0), (self.tasks, 0)))
        places_PV[0] = np.pad(self.task_law(), (0, 2))
        if lag == 0:
            return np.diag(places_PV.mean(0))
        pairs_VV = places_PV.T @ np.roll(places_PV, -lag, axis=0) / self.period
        if self.subset == 1 and lag <= self.bits:
            same = float(self.task_law() @ (self.subsets()[:, 0] == self.bits - lag)) / self.period
            pairs_VV[-2:, -2:] += same * (np.eye(2) / 2 - 0.25)
        return np.asarray(pairs_VV)

    def mixing(self) -> Mixing:
        """Return the period in which tasks come back."""
        return Mixing(decay="periodic", value=float(self.period))

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        law_Q, start_P = self.task_law(), np.eye(self.period)[0]
        if self.stationary:
            start_P = np.full(self.period, 1 / self.period)
        prior_Q = law_Q if self.stationary else law_Q[:0]
        floats = _laws.cast(dtype, _laws.logarithm(law_Q), start_P, prior_Q)
        return Tables(*floats, *_laws.cast(np.int32, self.subsets()), *_draws.laws(law_Q, start_P))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the place and the task of each token."""
        return _quanta_kernel.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the law of tasks, fair bits, or the answer; with an unknown phase, their mixture up to a task."""
        return _quanta_kernel.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: closed forms, and with an unknown phase sums over the bits; no budget is used.

        Nothing but the phase and the task of the first block may be hidden, so that the oracle is the rate.
        """
        from testbed.sources import _quanta_truth  # late, as it is about this class

        _truth.check_length(length)
        return _quanta_truth.truth(self, length)


def _unranked(rank_Q: Int[np.ndarray, " Q"], things: int, size: int) -> Int[np.ndarray, "Q K"]:
    """Return the subsets with these numbers in the combinatorial number system, in ascending order."""
    columns: list[Int[np.ndarray, " Q"]] = []
    for count in range(size, 0, -1):
        below = np.array([math.comb(thing, count) for thing in range(things)])
        chosen_Q = np.searchsorted(below, rank_Q, side="right") - 1
        columns.insert(0, chosen_Q)
        rank_Q = rank_Q - below[chosen_Q]
    return np.stack(columns, axis=1)
