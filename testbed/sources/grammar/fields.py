"""What gives the world: levels, symbols and rules; and the numbers that follow."""

import math
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from testbed.laws import simplex, zipf_law
from testbed.laws.source import Source

LARGEST_TREE = {"aligned": 4096, "uniform": 256}

LARGEST_RULES = 2**24


class Fields(Source, frozen=True, kw_only=True):
    """What gives the world."""

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
        simplex.at_least("depth", self.depth, 1, "a tree needs a level of rules")
        simplex.at_least("branching", self.branching, 2, "a node with a single child adds no structure")
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        simplex.at_least("rules", self.rules, 1, "a symbol needs a rule to be rewritten by")
        simplex.seed(self.seed)
        simplex.one_of("phase", self.phase, ("aligned", "uniform"))
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
        zipf_law.check("zipf", self.zipf, self.rules)

    @property
    def leaves(self) -> int:
        """Return the number of tokens of a tree."""
        return self.branching**self.depth

    @property
    def nodes(self) -> int:
        """Return the number of symbols of a tree that a rule rewrites."""
        return (self.leaves - 1) // (self.branching - 1)

    def rule_law(self) -> Float[np.ndarray, " R"]:
        """Return the law of the rule that rewrites a symbol, float64."""
        return zipf_law.law(self.rules, self.zipf)

    def productions(self) -> Int[np.ndarray, "N V R C"]:
        """Return what the rules write: [i, v, r] holds symbols of level i, for symbol v of level i+1 (0: tokens)."""
        shape = (self.vocabulary, self.rules)
        places = self.vocabulary ** np.arange(self.branching - 1, -1, -1)
        generator, possible = np.random.default_rng(self.seed), self.vocabulary**self.branching
        codes = [generator.choice(possible, shape, replace=False) for _ in range(self.depth)]
        return np.asarray(np.stack(codes)[..., None] // places % self.vocabulary)
