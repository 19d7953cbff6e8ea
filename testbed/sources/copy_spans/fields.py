"""What gives the world: spans, gaps and fresh tokens; and the numbers that follow."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from testbed.laws import simplex, zipf_law
from testbed.laws.source import Source

LARGEST_HYPOTHESES = 2**16


class Fields(Source, frozen=True, kw_only=True):
    """What gives the world."""

    vocabulary: int = 16
    """Number of symbols V."""
    zipf: float = 0.0
    """Exponent a of the law of fresh tokens, P(v) ∝ (v+1)^-a; 0 makes them equally likely."""
    span: int = 8
    """Number m of tokens that are repeated."""
    gaps: tuple[int, ...] = (8,)
    """Numbers of tokens between a span and its repetition."""
    phase: Literal["aligned", "uniform"] = "aligned"
    """Whether an episode begins at the first position, or the sequence is met at a random moment."""

    def __post_init__(self) -> None:
        simplex.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        simplex.laid_out(f"vocabulary={self.vocabulary}", self.vocabulary)
        zipf_law.check("zipf", self.zipf, self.vocabulary)
        simplex.at_least("span", self.span, 1, "an episode repeats at least a token")
        if not self.gaps or len(set(self.gaps)) < len(self.gaps):
            raise ValueError(f"gaps={self.gaps}: each is equally likely; give one or more, all different.")
        for gap in self.gaps:
            simplex.at_least("gaps", gap, 0, "a repetition comes after the span")
        simplex.one_of("phase", self.phase, ("aligned", "uniform"))
        hypotheses = len(self.gaps) * max(self.lengths())
        if hypotheses > LARGEST_HYPOTHESES:
            raise ValueError(
                f"gaps={self.gaps} with span={self.span}: there are {hypotheses} pairs of gap and age to tell apart, at"
                f" most {LARGEST_HYPOTHESES} are supported; give fewer or shorter gaps."
            )

    def lengths(self) -> list[int]:
        """Return the number of tokens of an episode with each of the gaps."""
        return [2 * self.span + gap for gap in self.gaps]

    def fresh_law(self) -> Float[np.ndarray, " V"]:
        """Return the law of a fresh token, float64; it is that of any token met by itself."""
        return zipf_law.law(self.vocabulary, self.zipf)
