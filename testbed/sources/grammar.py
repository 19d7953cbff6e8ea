"""Hierarchical grammars: trees whose symbols are rewritten by random rules, level by level, down to the tokens."""

import math
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed import catalog
from testbed.sources import _draws, _grammar_kernel, _laws, _machine, _zipf
from testbed.sources._grammar_kernel import Latents, Tables
from testbed.sources._machine import Informed, Machine
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Mixing, Truth

LARGEST_TREE = {"aligned": 4096, "uniform": 256}
LARGEST_RULES = 2**24


class Grammar(Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
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

    depth: int = 3
    """Number of levels of rules between the root and the tokens."""
    branching: int = 2
    """Number C of children of a node."""
    vocabulary: int = 8
    """Number V of symbols of each level."""
    rules: int = 4
    """Number R of rules of a symbol."""
    zipf: float = 0.0
    """Exponent a of the law of a symbol's rules, P(r) ∝ (r+1)^-a; 0 makes them equally likely."""
    phase: Literal["aligned", "uniform"] = "aligned"
    """Whether a tree begins at the first position, or the sequence is met at a random moment."""
    seed: int = 0
    """Seed of the draw of the rules."""

    def __post_init__(self) -> None:
        _laws.at_least("depth", self.depth, 1, "a tree needs a level of rules")
        _laws.at_least("branching", self.branching, 2, "a node with a single child adds no structure")
        _laws.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        _laws.at_least("rules", self.rules, 1, "a symbol needs a rule to be rewritten by")
        _laws.seed(self.seed)
        _laws.one_of("phase", self.phase, ("aligned", "uniform"))
        self._check_size()

    def _check_size(self) -> None:
        if self.depth * math.log(self.branching) > math.log(LARGEST_TREE[self.phase]) + 1e-9:
            raise ValueError(
                f"depth={self.depth} with branching={self.branching} gives trees of"
                f" {self.branching}^{self.depth} tokens: at most"
                f" {LARGEST_TREE[self.phase]} are supported with phase={self.phase!r}; lower the depth."
            )
        needed = self.vocabulary * self.rules
        if math.log(needed) > self.branching * math.log(self.vocabulary) + 1e-9:
            raise ValueError(
                f"rules={self.rules}: the {self.vocabulary} symbols of a level need {needed} different productions and"
                f" only {self.vocabulary**self.branching} exist; lower the rules or raise the branching."
            )
        size = self.depth * self.branching * self.vocabulary * needed
        if size > LARGEST_RULES or self.branching * math.log(self.vocabulary) >= 63 * math.log(2):
            raise ValueError(
                f"vocabulary={self.vocabulary} with rules={self.rules} and branching={self.branching}: the rules take"
                f" {size} numbers and are drawn among {self.vocabulary}^{self.branching} productions; at most"
                f" {LARGEST_RULES} and 2^63 are supported; lower the vocabulary or the branching."
            )
        _zipf.check("zipf", self.zipf, self.rules)

    @classmethod
    def exhibit(cls) -> "Grammar":
        """Return sentences of eight tokens with four rules a symbol."""
        return cls()

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def leaves(self) -> int:
        """Return the number of tokens of a tree."""
        return self.branching**self.depth

    @property
    def nodes(self) -> int:
        """Return the number of symbols of a tree that a rule rewrites."""
        return (self.leaves - 1) // (self.branching - 1)

    @property
    def stationary(self) -> bool:
        """Return whether every window has the law of the first one.

        It has if the sequence is met at a random moment, or if all there is to write is written equally often.
        """
        all_written = self.vocabulary * self.rules == self.vocabulary**self.branching
        return self.phase == "uniform" or (all_written and self.zipf == 0)

    def machine(self) -> Machine | Absent:
        """Return the machine whose states are the beginnings of sentences, where there are few."""
        from testbed.sources import _grammar_law  # late, as it is about this class

        return _grammar_law.machine(self)

    def informed(self) -> Informed:
        """Return the laws of a token given the symbols of all nodes above it and the tokens before it."""
        from testbed.sources import _grammar_law  # late, as it is about this class

        return _grammar_law.informed(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment: pairs by the level of their lowest common ancestor."""
        from testbed.sources import _grammar_law  # late, as it is about this class

        _machine.check_lag(lag)
        return _grammar_law.pair_law(self, lag)

    def mixing(self) -> Mixing:
        """Return the decay: trees are independent, but the law of a token may depend for ever on its place."""
        from testbed.sources import _grammar_law  # late, as it is about this class

        return _grammar_law.mixing(self)

    def rule_law(self) -> Float[np.ndarray, " R"]:
        """Return the law of the rule that rewrites a symbol, float64."""
        return _zipf.law(self.rules, self.zipf)

    def productions(self) -> Int[np.ndarray, "N V R C"]:
        """Return what the rules write: [i, v, r] holds symbols of level i, for symbol v of level i+1 (0: tokens)."""
        shape = (self.vocabulary, self.rules)
        places = self.vocabulary ** np.arange(self.branching - 1, -1, -1)
        generator, possible = np.random.default_rng(self.seed), self.vocabulary**self.branching
        codes = [generator.choice(possible, shape, replace=False) for _ in range(self.depth)]
        return np.asarray(np.stack(codes)[..., None] // places % self.vocabulary)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        law_R, offsets = self.rule_law(), self.leaves if self.phase == "uniform" else 1
        rounded = _laws.cast(dtype, law_R, np.full(offsets, 1 / offsets))
        return Tables(*_laws.cast(np.int32, self.productions()), *rounded, *_draws.laws(law_R))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, the symbols above each token and its place in its tree."""
        return _grammar_kernel.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by messages along the open path of the tree, for every possible phase."""
        return _grammar_kernel.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; rate, oracle and whole sentences are closed forms, aligned places a dynamic programme.

        With phase "uniform" the curve is enumerated or sampled.
        """
        from testbed.sources import _grammar_truth  # late, as it is about this class

        return _grammar_truth.truth(self, length, budget)
