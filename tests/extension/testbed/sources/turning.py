"""A wheel of symbols that turns by one place a token, and now and then stops anywhere."""

from typing import ClassVar, NamedTuple

import numpy as np

from testbed.ground import catalog
from testbed.laws import simplex
from testbed.laws.entropies import of_machine
from testbed.laws.machines import edge_filter, finite
from testbed.sources import Budget, Machine, Source, Truth


class Latents(NamedTuple):
    """The places of the wheel before the tokens."""

    state_L: object


class Turning(Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """A symbol is followed by the next one, or with probability `slip` by any one of them."""

    good_for: ClassVar[str] = "An example of a world that is added from outside: a Markov chain with a closed form."

    vocabulary: int
    """Number of symbols V."""
    slip: float = 0.1
    """Probability that the next symbol is any one."""

    def __post_init__(self) -> None:
        simplex.at_least("vocabulary", self.vocabulary, 2, "a wheel has two places or more")
        simplex.laid_out(f"vocabulary={self.vocabulary}", self.vocabulary**2)
        simplex.fraction("slip", self.slip)

    @classmethod
    def exhibit(cls) -> "Turning":
        """Return four symbols."""
        return cls(vocabulary=4)

    @property
    def alphabet(self) -> int:
        """Return V."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return True: the wheel starts anywhere."""
        return True

    def machine(self) -> Machine:
        """Return the chain of the last symbols."""
        count = self.vocabulary
        follow = (1 - self.slip) * np.roll(np.eye(count), 1, axis=1) + self.slip / count
        law = np.full(count, 1 / count)
        return finite.from_matrices(np.eye(count)[:, None, :] * follow.T[:, :, None], law, law)

    def tables(self, dtype=np.float32):
        """Return the numbers of the law."""
        return edge_filter.tables_of(self.machine(), dtype)

    @staticmethod
    def sample(tables, *, key, length):
        """Return one sequence, and the places before its tokens."""
        tokens_L, state_L = edge_filter.sampled(tables, key=key, length=length)
        return tokens_L, Latents(state_L)

    @staticmethod
    def log_predictive(tables, tokens_L):
        """Return log P(X_t = v | X_<t)."""
        return edge_filter.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies, by sums over beliefs."""
        return of_machine.truth(self, length, budget)
