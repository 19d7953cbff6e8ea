"""Reversal of time: a source read backwards."""

from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import msgspec
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws.machines import edge_filter
from testbed.laws.machines.edge_filter import Edges
from testbed.laws.machines.finite import Informed, Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.sources._wrapped import Kind, Wrapper, check_machine, machine_of
from testbed.sources.markov.source import Markov

AHEAD = "the states of the base, met backwards, hold the tokens that are to come"


class Tables(NamedTuple):
    """The class and the tables of the base for sampling, and the edges of the reversed machine for filtering.

    Exchangeable bases predict alike in both directions, and need no edges.
    """

    kind: Kind
    base: Any
    edges: Edges | None


class TimeReversed(Wrapper, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """A stationary source read backwards: its last token comes first."""

    good_for: ClassVar[str] = (
        "Equal entropies by another road: every h_t is that of the base, yet what a reader must remember to reach it"
        " may differ, so that a gap between the two directions is the learner's own."
    )

    def __post_init__(self) -> None:
        if not self.base.stationary:
            raise ValueError(
                f"base={type(self.base).__name__} is not stationary: only a stationary law has one reversal for windows"
                ' of every length; give phase="uniform" to a base of blocks, or use another base.'
            )
        if not self.base.exchangeable:
            check_machine(self.base)

    @classmethod
    def exhibit(cls) -> "TimeReversed":
        """Return a chain of order 2 on three symbols, backwards."""
        return cls(base=Markov(vocabulary=3, order=2, concentration=0.3, smoothing=0.02))

    def machine(self) -> Machine | Absent:
        """Return the machine of the base with every edge turned round: T̃[x, s', s] = π(s)·T[x, s, s'] / π(s')."""
        return self.base.machine() if self.exchangeable else self._reversed()

    def _reversed(self) -> Machine:
        machine = machine_of(self.base)
        flow_E = machine.stationary_S[machine.origin_E] * machine.probability_E
        arriving_S = np.bincount(machine.target_E, flow_E, len(machine.initial_S))
        taken_E = flow_E > 0
        return machine._replace(
            initial_S=machine.stationary_S,
            origin_E=machine.target_E[taken_E],
            symbol_E=machine.symbol_E[taken_E],
            target_E=machine.origin_E[taken_E],
            probability_E=flow_E[taken_E] / arriving_S[machine.target_E[taken_E]],
        )

    def informed(self) -> Informed | Absent:
        """Return those of an exchangeable base; the oracle of any other would know what is to come."""
        return self.base.informed() if self.exchangeable else Absent(AHEAD)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"] | Absent:
        """Return the pair law of the base, transposed."""
        pairs_VV = self.base.pair_law(lag)
        return pairs_VV if isinstance(pairs_VV, Absent) else pairs_VV.T

    def mixing(self) -> Mixing | Absent:
        """Return that of the base: correlations know no direction."""
        return self.base.mixing()

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        edges = None if self.exchangeable else edge_filter.tables_of(self._reversed(), dtype)
        return Tables(Kind(type(self.base)), self.base.tables(dtype), edges)

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Any]:
        """Return one sequence, and the latents of the base in the base's own order of time."""
        tokens_L, latents = tables.kind.source.sample(tables.base, key=key, length=length)
        return jnp.flip(tokens_L), latents

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over the states of the reversed machine."""
        if tables.edges is None:
            return tables.kind.source.log_predictive(tables.base, tokens_L)
        return edge_filter.predicted(tables.edges, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies of the base: a string and its mirror image are equally probable.

        There is no oracle: a state of the base, met from its other side, holds the tokens that are to come.
        Exchangeable bases keep theirs.
        """
        truth = self.base.truth(length, budget=budget)
        return truth if self.exchangeable else msgspec.structs.replace(truth, oracle=Absent(AHEAD))
