"""Markov chains whose transition matrix is resampled for each sequence."""

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import dirichlet_law
from testbed.laws.dirichlet_law import Urn
from testbed.laws.kernels import sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.machines import finite
from testbed.laws.record import Absent, Budget, Method, Mixing, Truth
from testbed.laws.source import NoLatents
from testbed.sources.in_context_markov import entropies, two_states
from testbed.sources.in_context_markov.fields import Fields


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Order:
    """The number k of tokens in a context: it tells programs apart."""

    tokens: int


class Tables(NamedTuple):
    """The order of the chain, and the urn of a row."""

    order: Order
    urn: Urn


class State(NamedTuple):
    """What followed each context so far, the last k tokens as a number, and how many tokens there were."""

    count_UV: Int32[Array, "U V"]
    context: Int32[Array, ""]
    position: Int32[Array, ""]


class InContextMarkov(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """A Markov chain of order k whose rows are drawn from a symmetric Dirichlet law, anew for each sequence.

    The first k tokens are uniform. Then a symbol v has the chance (count of v after this context + concentration) /
    (count of this context + V·concentration). The oracle knows the matrix; no latent holds it, as it is the limit of
    the frequencies of an endless sequence.
    """

    good_for: ClassVar[str] = (
        "In-context learning: nothing can be known of the transitions but from the context itself, as the matrix is a"
        " new one for each sequence. The best prediction counts what followed the same tokens before."
    )

    @classmethod
    def exhibit(cls) -> "InContextMarkov":
        """Return chains of order 1 on two symbols, with rows that favour one of them."""
        return cls(vocabulary=2, concentration=0.3)

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return False: the first tokens are uniform, later ones have the long-run law of the chain."""
        return False

    def machine(self) -> Absent:
        """Return the reason why there is none."""
        return Absent("the matrix of a sequence is one of a continuum")

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"] | Absent:
        """Return the mean of π_a·(P^lag)_ab over the matrices, for two symbols and order 1.

        Error: that of a quadrature which converges exponentially, about 1e-12.
        """
        finite.check_lag(lag)
        if (self.vocabulary, self.order) != (2, 1):
            return Absent("a mean over random matrices, computed for two symbols and order 1 only")
        return two_states.pair_law(self, lag)

    @property
    def pair_method(self) -> Method:
        """Return that of a quadrature."""
        return "enumeration"

    def pair_error(self, lag: int) -> float:
        """Return that of the quadrature, by the difference from half its points, and rounding."""
        return two_states.pair_error(self, lag)

    def mixing(self) -> Mixing:
        """Return "never": symbols are not equally frequent in all sequences."""
        return Mixing(decay="never", value=1.0)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        return Tables(Order(self.order), dirichlet_law.urn(self.dirichlet(), dtype))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], NoLatents]:
        """Return one sequence, each token drawn from its prediction: rows are urns."""
        tables = jax.tree.map(jnp.asarray, tables)

        def step(state: State, word: Words) -> tuple[State, Int32[Array, ""]]:
            count_V = jnp.where(state.position >= tables.order.tokens, state.count_UV[state.context], 0)
            token = dirichlet_law.drawn_after(tables.urn, word, count_V, length)
            return _following(tables, state, token), token

        words_L = sampling.words(key, (length,), tables.urn.total.dtype)
        return jax.lax.scan(step, _start(tables), words_L)[1], NoLatents()

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the log of the smoothed frequencies of what followed the same k tokens before.

        The positions of one context are brought together by a sort, and counted there in their order.
        """
        urn = jax.tree.map(jnp.asarray, tables.urn)
        tokens_L = jnp.asarray(tokens_L, jnp.int32)
        context_L = _contexts(tokens_L, len(urn.weights_V), tables.order.tokens)
        by_context_L = jnp.argsort(context_L, stable=True)
        sorted_L = context_L[by_context_L]
        once_LV = jax.nn.one_hot(tokens_L[by_context_L], len(urn.weights_V), dtype=urn.total.dtype)
        before_LV = jnp.cumsum(once_LV, axis=0) - once_LV
        own_LV = before_LV - before_LV[jnp.searchsorted(sorted_L, sorted_L)]
        count_LV = own_LV[jnp.argsort(by_context_L)]
        return jnp.log(jax.vmap(dirichlet_law.prediction, in_axes=(None, 0, 0))(urn, count_LV, count_LV.sum(1)))

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies: sums over transition counts as far as the budget goes, and sampled beyond.

        The rate is the oracle, as every row is learned in the end: a quadrature for two symbols and order 1, otherwise
        a mean over sampled matrices.
        """
        return entropies.truth(self, length, budget)


def _start(tables: Tables) -> State:
    symbols = len(tables.urn.weights_V)
    count_UV = jnp.zeros((symbols**tables.order.tokens, symbols), jnp.int32)
    return State(count_UV, jnp.int32(0), jnp.int32(0))


def _following(tables: Tables, state: State, token: Int32[Array, ""]) -> State:
    """Return the state after one more token; the first k tokens follow no context."""
    contexts, symbols = state.count_UV.shape
    once = (state.position >= tables.order.tokens).astype(state.count_UV.dtype)
    count_UV = state.count_UV.at[state.context, token].add(once)
    return State(count_UV, (state.context * symbols + token) % contexts, state.position + 1)


def _contexts(tokens_L: Int32[Array, " L"], symbols: int, order: int) -> Int32[Array, " L"]:
    """Return the last k tokens of each position as a number; the first k positions have contexts of their own."""
    position_L = jnp.arange(len(tokens_L), dtype=jnp.int32)
    context_L = sum(jnp.roll(tokens_L, lag) * symbols ** (lag - 1) for lag in range(1, order + 1))
    return jnp.where(position_L >= order, context_L, symbols**order + position_L)
