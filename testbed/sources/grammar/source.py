"""Hierarchical grammars: trees whose symbols are rewritten by random rules, level by level, down to the tokens."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import simplex
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Informed, Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.sources.grammar import chain, entropies, kernel
from testbed.sources.grammar.fields import Fields
from testbed.sources.grammar.kernel import Latents, Tables


class Grammar(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """Independent trees of C^depth leaves, read from left to right: the random hierarchy model.

    A root is one of V symbols, all equally likely. Each of the V symbols of a level has R rules; a rule rewrites the
    symbol as C symbols of the level below, and the symbols of the lowest level are the tokens. Rules are drawn once,
    under `seed`, uniformly among all choices in which no two rules of a level write the same C symbols. So a
    finished node is known from its leaves, and the sentence of a tree tells all of its derivation.

    The latents are the symbols of all nodes above the tokens, and where trees begin; the oracle, who knows them, is
    unsure only of the rule that writes the tokens themselves.

    Source: Cagnetta, Petrini, Tomasini, Favero and Wyart (2024), "How deep neural networks learn compositional data:
    the random hierarchy model".
    """

    good_for: ClassVar[str] = (
        "Structure at every scale, as in language: what the context tells comes from ever larger constituents, and a"
        " model gains on it level by level. The entropy of a sentence is a closed form."
    )

    @classmethod
    def exhibit(cls) -> "Grammar":
        """Return sentences of eight tokens with four rules a symbol."""
        return cls()

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return whether every window has the law of the first one.

        It has if the sequence is met at a random moment, or if all there is to write is written equally often.
        """
        all_written = self.vocabulary * self.rules == self.vocabulary**self.branching
        return self.phase == "uniform" or (all_written and self.zipf == 0)

    def machine(self) -> Machine | Absent:
        """Return the machine whose states are the beginnings of sentences, where there are few."""
        return chain.machine(self)

    def informed(self) -> Informed:
        """Return the laws of a token given the symbols of all nodes above it and the tokens before it."""
        return chain.informed(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment: pairs by the level of their lowest common ancestor."""
        finite.check_lag(lag)
        return chain.pair_law(self, lag)

    def mixing(self) -> Mixing:
        """Return the decay: trees are independent, but the law of a token may depend for ever on its place."""
        return chain.mixing(self)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        law_R, offsets = self.rule_law(), self.leaves if self.phase == "uniform" else 1
        rounded = simplex.cast(dtype, law_R, np.full(offsets, 1 / offsets))
        return Tables(*simplex.cast(np.int32, self.productions()), *rounded, *sampling.laws(law_R))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, the symbols above each token and its place in its tree."""
        return kernel.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by messages along the open path of the tree, for every possible phase."""
        return kernel.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; rate, oracle and whole sentences are closed forms, aligned places a dynamic programme.

        With phase "uniform" the curve is enumerated or sampled.
        """
        return entropies.truth(self, length, budget)
