"""Inflation of an alphabet: every symbol gets copies that mean the same."""

import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import simplex
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Informed, Machine
from testbed.laws.record import UNIT_ROUNDOFF, Absent, Budget, Mixing, Quantity, Truth
from testbed.sources._wrapped import Kind, Wrapper
from testbed.sources.markov.source import Markov


class Tables(NamedTuple):
    """The class and the tables of the base, and the log-probability (nats) of each of the K copies of a symbol."""

    kind: Kind
    base: Any
    log_copy_K: Float[Array, " K"]


class Inflated(Wrapper, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """A source whose every symbol v is written as one of its copies v·K, …, v·K + K-1, chosen afresh each time."""

    good_for: ClassVar[str] = (
        "A larger vocabulary at no new structure: every entropy rises by exactly ln K, so that what else changes is"
        " the price of the vocabulary itself."
    )

    factor: int
    """Number K of copies of each symbol."""

    def __post_init__(self) -> None:
        simplex.at_least("factor", self.factor, 2, "use the base itself where nothing is to be inflated")
        simplex.laid_out(f"factor={self.factor} on {self.base.alphabet} symbols", self.alphabet)

    @classmethod
    def exhibit(cls) -> "Inflated":
        """Return a Markov chain on four symbols with two copies of each."""
        return cls(base=Markov(vocabulary=4, concentration=0.3, smoothing=0.02), factor=2)

    @property
    def alphabet(self) -> int:
        """Return the number of all copies."""
        return self.base.alphabet * self.factor

    def machine(self) -> Machine | Absent:
        """Return the machine of the base with every edge split into K."""
        machine, copies = self.base.machine(), self.factor
        if isinstance(machine, Absent):
            return machine
        if len(machine.symbol_E) * copies > finite.LARGEST_EDGES:
            return Absent(f"{len(machine.symbol_E) * copies} edges: machines have at most {finite.LARGEST_EDGES}")
        copy_E = np.tile(np.arange(copies), len(machine.symbol_E))
        origin_E, symbol_E, target_E, probability_E = (np.repeat(each, copies) for each in machine[3:])
        return machine._replace(
            symbols=self.alphabet,
            origin_E=origin_E,
            symbol_E=symbol_E * copies + copy_E,
            target_E=target_E,
            probability_E=probability_E / copies,
        )

    def informed(self) -> Informed | Absent:
        """Return those of the base, spread evenly over the copies."""
        told = self.base.informed()
        if isinstance(told, Absent):
            return told
        return told._replace(rows_SV=np.repeat(told.rows_SV, self.factor, axis=1) / self.factor)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"] | Absent:
        """Return the pair law of the base, spread evenly over the copies."""
        pairs_VV = self.base.pair_law(lag)
        if isinstance(pairs_VV, Absent):
            return pairs_VV
        copies_KK = np.eye(self.factor) if lag == 0 else np.full((self.factor, self.factor), 1 / self.factor)
        return np.kron(pairs_VV, copies_KK / self.factor)

    def mixing(self) -> Mixing | Absent:
        """Return that of the base: which copy was chosen says nothing about any other token."""
        return self.base.mixing()

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        log_copies = simplex.cast(dtype, np.full(self.factor, -math.log(self.factor)))
        return Tables(Kind(type(self.base)), self.base.tables(dtype), *log_copies)

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Any]:
        """Return one sequence and the latents of the base; the copies hide nothing, as they are read off the tokens."""
        base_key, copy_key = jax.random.split(key)
        tokens_L, latents = tables.kind.source.sample(tables.base, key=base_key, length=length)
        copies = len(tables.log_copy_K)
        words_L = sampling.words(copy_key, (length,), tables.log_copy_K.dtype)
        return tokens_L * copies + sampling.among(copies, words_L), latents

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the prediction of the base, shared evenly by the copies of each symbol."""
        log_copy_K = jnp.asarray(tables.log_copy_K)
        logp_LU = tables.kind.source.log_predictive(tables.base, jnp.asarray(tokens_L) // len(log_copy_K))
        return (logp_LU[:, :, None] + log_copy_K[None, None, :]).reshape(len(tokens_L), -1)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies of the base, each of them raised by ln K."""
        truth = self.base.truth(length, budget=budget)
        gain = math.log(self.factor)
        return Truth(
            length=length,
            curve=tuple(_raised(quantity, gain) for quantity in truth.curve),
            epsilon=_raised(truth.epsilon, gain),
            rate=truth.rate if isinstance(truth.rate, Absent) else _raised(truth.rate, gain),
            oracle=truth.oracle if isinstance(truth.oracle, Absent) else _raised(truth.oracle, gain),
        )


def _raised(quantity: Quantity, gain: float) -> Quantity:
    """Return the quantity plus a number that is known up to two roundings."""
    rounding = 2 * UNIT_ROUNDOFF * (abs(quantity.value) + gain)
    return msgspec.structs.replace(
        quantity,
        value=quantity.value + gain,
        low=quantity.low + gain - rounding,
        high=quantity.high + gain + rounding,
        error=quantity.error + rounding,
    )
