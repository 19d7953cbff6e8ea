"""Quanta of knowledge: blocks of bits, each with one of many tasks, whose answer is the parity of the task's bits."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import record, simplex
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.sources.quanta import entropies, kernel
from testbed.sources.quanta.fields import Fields
from testbed.sources.quanta.kernel import Latents, Tables


class Quanta(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
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

    @classmethod
    def exhibit(cls) -> "Quanta":
        """Return sixteen tasks on six bits."""
        return cls(tasks=16, bits=6, subset=2)

    @property
    def alphabet(self) -> int:
        """Return the number of tasks and the two values of a bit."""
        return self.tasks + 2

    @property
    def stationary(self) -> bool:
        """Return whether the sequence is met at a random moment."""
        return self.phase == "uniform"

    def machine(self) -> Machine | Absent:
        """Return the machine of task, place and parity so far."""
        return entropies.machine(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment.

        Given their places, any two tokens are independent, but for a bit and the answer of a task on that bit alone.
        """
        finite.check_lag(lag)
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
        floats = simplex.cast(dtype, simplex.logarithm(law_Q), start_P, prior_Q)
        return Tables(*floats, *simplex.cast(np.int32, self.subsets()), *sampling.laws(law_Q, start_P))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the place and the task of each token."""
        return kernel.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the law of tasks, fair bits, or the answer; with an unknown phase, their mixture up to a task."""
        return kernel.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: closed forms, and with an unknown phase sums over the bits; no budget is used.

        Nothing but the phase and the task of the first block may be hidden, so that the oracle is the rate.
        """
        record.check_length(length)
        return entropies.truth(self, length)
