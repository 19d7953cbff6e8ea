"""Markov chains of any order, started from their stationary law."""

import functools
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import record, simplex, zipf_law
from testbed.laws.kernels import sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.kernels.sampling import Cuts
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.laws.source import KnownLaws, NoLatents, Source
from testbed.sources.markov import chains

MOST_KNOWN = 2**14
"""Numbers of the rows up to which they are told as known laws."""


class Tables(NamedTuple):
    """The law of the next symbol after each of the U contexts, as log-probabilities (nats) and for draws.

    The contexts are all strings of 0, 1, …, k symbols (k the order), numbered as the nodes of a V-ary tree, level by
    level: the empty string is 0 and string u followed by symbol v is u·V + 1 + v.
    """

    log_rows_UV: Float[Array, "U V"]
    cuts: Cuts


class Markov(Source, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """A stationary Markov chain of order k >= 1, with rows drawn from a Dirichlet law or given."""

    good_for: ClassVar[str] = (
        "Correlations that decay at a known rate: the constant of a central limit theorem against the second"
        " eigenvalue, and the cost of learning V^k rows by counting."
    )

    vocabulary: int
    """Number of symbols V."""
    order: int = 1
    """Number k of previous symbols that the next one depends on."""
    concentration: float = 1.0
    """Concentration of the symmetric Dirichlet law of the rows (not used if `rows` are given)."""
    smoothing: float = 0.0
    """Weight of the uniform row mixed into each drawn row (not used if `rows` are given)."""
    support: int | None = None
    """Number of possible successors of each context (None: all symbols); the chain is irreducible nevertheless."""
    zipf: float | None = None
    """Exponent a of the stationary law P(v) ∝ (v+1)^-a, which drawn rows of order 1 are scaled to (None: as drawn)."""
    seed: int = 0
    """Seed of the draw (not used if `rows` are given)."""
    rows: tuple[tuple[float, ...], ...] | None = None
    """The V^k rows themselves, in the order of their contexts with the oldest symbol first."""

    def __post_init__(self) -> None:
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        simplex.at_least("order", self.order, 1, "use the source iid for independent tokens")
        simplex.chain_size(self.vocabulary, self.order)
        simplex.seed(self.seed)
        simplex.concentration("concentration", self.concentration)
        simplex.fraction("smoothing", self.smoothing)
        self._check_shape()
        simplex.recurrent("the chain", simplex.context_chain(self.transitions()))
        if self.rows is None:
            simplex.uncertain(self.concentration, self.transitions())

    def _check_shape(self) -> None:
        """Refuse a shape of the rows that cannot be had."""
        if self.support is not None:
            simplex.at_least("support", self.support, 2, "with one successor only the sequence would be a fixed cycle")
            if self.support > self.vocabulary:
                raise ValueError(f"support={self.support}: there are {self.vocabulary} symbols; give at most that.")
            if self.smoothing > 0:
                raise ValueError(f"support={self.support}: smoothing makes every successor possible; leave one out.")
        if self.zipf is not None:
            zipf_law.check("zipf", self.zipf, self.vocabulary)
            if self.order > 1:
                raise ValueError(f"zipf={self.zipf}: only rows of order 1 can be scaled to it; leave it or order out.")
        given = [name for name in ("rows", "support", "zipf") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given: each fixes the rows; leave only one of them.")

    @classmethod
    def exhibit(cls) -> "Markov":
        """Return a chain of order 1 on eight symbols."""
        return cls(vocabulary=8, concentration=0.3, smoothing=0.02)

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return True: the chain starts from its stationary law."""
        return True

    def machine(self) -> Machine:
        """Return the machine whose states are the contexts of k symbols, the oldest symbol first."""
        rows_UV, weights_U = self.transitions(), _levels(self)[-1][0]
        origin_E, symbol_E = np.nonzero(rows_UV)
        target_E = (origin_E * self.vocabulary + symbol_E) % len(rows_UV)
        return Machine(self.vocabulary, weights_U, weights_U, origin_E, symbol_E, target_E, rows_UV[origin_E, symbol_E])

    def known_laws(self, length: int) -> KnownLaws | Absent:
        """Return the rows, each told by the k symbols before; the first k tokens of the window are left out."""
        rows_UV = self.transitions()
        if rows_UV.size > MOST_KNOWN:
            return Absent(f"{len(rows_UV)} rows are too many to ask what a narrow model holds of them")
        share = max(length - self.order, 0) / length
        return KnownLaws(share * _levels(self)[-1][0], rows_UV)

    def mixing(self) -> Mixing | Absent:
        """Return the decay of correlations: for two symbols and order 1 the difference of the rows, exactly."""
        rows_UV, rounding = self.transitions(), 2 * record.UNIT_ROUNDOFF
        if self.order == 1 and (rows_UV == rows_UV[0]).all():
            return Mixing(decay="independent", value=0.0)
        second = float(rows_UV[0, 0] - rows_UV[1, 0])
        if rows_UV.shape != (2, 2) or abs(second) == 1:
            return super().mixing()
        if abs(second) <= rounding:
            return Mixing(decay="independent", value=0.0, error=rounding)
        return Mixing(decay="geometric", value=second, error=rounding)

    def transitions(self) -> Float[np.ndarray, "U V"]:
        """Return P(next symbol | last k symbols), float64, one row per context of k symbols, the oldest first."""
        shape = (self.vocabulary**self.order, self.vocabulary)
        if self.rows is not None:
            return simplex.given_rows("rows", self.rows, shape)
        return _drawn(self)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        rows_UV = np.concatenate([rows for _, rows in _levels(self)])
        return Tables(*simplex.cast(dtype, simplex.logarithm(rows_UV)), *sampling.laws(rows_UV))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], NoLatents]:
        """Return one sequence; there are no latents."""
        tables = jax.tree.map(jnp.asarray, tables)

        def step(context: Int32[Array, ""], word: Words) -> tuple[Int32[Array, ""], Int32[Array, ""]]:
            token = sampling.drawn(sampling.row(tables.cuts, context), word)
            return _successor(context, token, tables.log_rows_UV.shape), token

        words_L = sampling.words(key, (length,), tables.log_rows_UV.dtype)
        _, tokens_L = jax.lax.scan(step, jnp.int32(0), words_L)
        return tokens_L, NoLatents()

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return at each position the row of the context seen so far."""
        log_rows_UV = jnp.asarray(tables.log_rows_UV)

        def step(context: Int32[Array, ""], token: Int32[Array, ""]) -> tuple[Int32[Array, ""], Int32[Array, ""]]:
            return _successor(context, token, log_rows_UV.shape), context

        _, context_L = jax.lax.scan(step, jnp.int32(0), jnp.asarray(tokens_L, jnp.int32))
        return log_rows_UV[context_L]

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies Σ_u P(u)·H(row u), a closed form, so that only the width of the budget plays a part."""
        record.check_length(length)
        operations = 4.0 * self.vocabulary ** (2 * self.order)
        level = [float(weights @ simplex.entropy(rows)) for weights, rows in _levels(self)]
        value = [level[min(position, self.order)] for position in range(length)]
        rate = record.rounded(level[-1], operations)
        curve = tuple(record.rounded(entropy, operations) for entropy in value)
        epsilon = record.rounded(float(np.mean(value)), operations)
        found = Truth(length=length, curve=curve, epsilon=epsilon, rate=rate, oracle=rate)
        record.check_width(found, budget)
        return found


@functools.lru_cache(maxsize=64)
def _drawn(source: Markov) -> Float[np.ndarray, "U V"]:
    """Return the drawn rows."""
    if source.support is not None:
        size = source.vocabulary, source.order, source.support
        return chains.sparse_rows(*size, source.concentration, seed=source.seed)
    shape = (source.vocabulary**source.order, source.vocabulary)
    rows_UV = simplex.dirichlet_rows(shape, source.concentration, seed=source.seed, smoothing=source.smoothing)
    if source.zipf is None:
        return rows_UV
    return chains.balanced_rows(rows_UV, zipf_law.law(source.vocabulary, source.zipf))


@functools.lru_cache(maxsize=64)
def _levels(source: Markov) -> list[tuple[Float[np.ndarray, " U"], Float[np.ndarray, "U V"]]]:
    """Return, for contexts of 0, 1, …, k symbols, their stationary probabilities and their next-symbol rows."""
    symbols, rows_UV = source.vocabulary, source.transitions()
    weights_U = simplex.stationary("the chain", simplex.context_chain(rows_UV))
    levels = [(weights_U, rows_UV)]
    while len(weights_U) > 1:
        pairs_UV = weights_U.reshape(-1, symbols)
        weights_U = pairs_UV.sum(1)
        possible = weights_U[:, None] > 0
        rows_UV = np.where(possible, pairs_UV / np.where(possible, weights_U[:, None], 1), 1 / symbols)
        levels.insert(0, (weights_U, rows_UV))
    return levels


def _successor(context: Int32[Array, ""], token: Int32[Array, ""], shape: tuple[int, ...]) -> Int32[Array, ""]:
    """Return the context after one more token: one level down, or on the last level with its oldest symbol dropped."""
    contexts, symbols = shape
    level_start = (contexts - 1) // symbols
    child = context * symbols + 1 + token
    return jnp.where(child < contexts, child, level_start + (child - contexts) % (contexts - level_start))
