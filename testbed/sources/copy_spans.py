"""Copied spans: episodes of a random span, a gap, and the same span again."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed import catalog
from testbed.sources import _copy_kernel, _draws, _laws, _machine, _truth, _zipf
from testbed.sources._copy_kernel import Latents, Tables
from testbed.sources._machine import Machine
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Mixing, Truth

LARGEST_HYPOTHESES = 2**16


class CopySpans(Source, frozen=True, kw_only=True, tag=catalog.tag(__name__)):
    """Episodes, one after the other: `span` fresh tokens, a gap of fresh tokens, and the same span again.

    Fresh tokens are independent draws from one law. The gap of each episode is drawn, each of `gaps` equally likely.
    Episodes and their gaps are latent; nothing marks where a repetition begins.
    """

    good_for: ClassVar[str] = (
        "Induction: some tokens are certain to whoever finds the right earlier one, and no statistics of symbols helps"
        " with the others. Which positions repeat which is a latent, so copying can be scored by itself."
    )

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
        _laws.at_least("vocabulary", self.vocabulary, 2, "a single symbol carries no information")
        _laws.laid_out(f"vocabulary={self.vocabulary}", self.vocabulary)
        _zipf.check("zipf", self.zipf, self.vocabulary)
        _laws.at_least("span", self.span, 1, "an episode repeats at least a token")
        if not self.gaps or len(set(self.gaps)) < len(self.gaps):
            raise ValueError(f"gaps={self.gaps}: each is equally likely; give one or more, all different.")
        for gap in self.gaps:
            _laws.at_least("gaps", gap, 0, "a repetition comes after the span")
        _laws.one_of("phase", self.phase, ("aligned", "uniform"))
        hypotheses = len(self.gaps) * max(self.lengths())
        if hypotheses > LARGEST_HYPOTHESES:
            raise ValueError(
                f"gaps={self.gaps} with span={self.span}: there are {hypotheses} pairs of gap and age to tell apart, at"
                f" most {LARGEST_HYPOTHESES} are supported; give fewer or shorter gaps."
            )

    @classmethod
    def exhibit(cls) -> "CopySpans":
        """Return spans of eight tokens, repeated after eight others."""
        return cls()

    @property
    def alphabet(self) -> int:
        """Return the number V of symbols."""
        return self.vocabulary

    @property
    def stationary(self) -> bool:
        """Return whether the sequence is met at a random moment."""
        return self.phase == "uniform"

    def lengths(self) -> list[int]:
        """Return the number of tokens of an episode with each of the gaps."""
        return [2 * self.span + gap for gap in self.gaps]

    def fresh_law(self) -> Float[np.ndarray, " V"]:
        """Return the law of a fresh token, float64; it is that of any token met by itself."""
        return _zipf.law(self.vocabulary, self.zipf)

    def machine(self) -> Machine | Absent:
        """Return the machine of gap, age and what is still to be repeated, where spans and alphabet are tiny."""
        from testbed.sources import _copy_machine  # late, as it is about this class

        return _copy_machine.machine(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment: two tokens are equal if one repeats the other.

        Otherwise they are independent. The repetition of a given lag is met with probability span/Σ(2·span + gap).
        """
        _machine.check_lag(lag)
        law_V = self.fresh_law()
        repeats = self.span / sum(self.lengths()) if lag - self.span in self.gaps else 0.0
        same = 1.0 if lag == 0 else repeats
        return (1 - same) * np.outer(law_V, law_V) + same * np.diag(law_V)

    def mixing(self) -> Mixing:
        """Return the largest distance between a token and its repetition.

        No two tokens show more, though with one gap the period of the episodes never fades.
        """
        return Mixing(decay="finite", value=float(self.span + max(self.gaps)))

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        age_A, law_V = np.arange(max(self.lengths())), self.fresh_law()
        length_G1, lag_G = np.array(self.lengths())[:, None], np.array(self.gaps) + self.span
        inside_GA = (age_A < length_G1) if self.stationary else (age_A < 1) & (length_G1 > 0)
        start_GA = inside_GA / inside_GA.sum()
        repeats_GA = (age_A >= lag_G[:, None]) & (age_A < length_G1)
        floats = _laws.cast(dtype, law_V, start_GA, age_A == length_G1 - 1, repeats_GA)
        return Tables(*floats, *_laws.cast(np.int32, lag_G), *_draws.laws(law_V, start_GA.reshape(-1)))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, the gap and the age of each token, and which one it repeats."""
        return _copy_kernel.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over gap and age.

        A token costs V + G·A operations, where an episode has one of G gaps and at most A tokens.
        """
        return _copy_kernel.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; the oracle, who knows the episodes, is a closed form, and with one gap the rate is.

        With one gap and aligned episodes the curve is one as well; otherwise it is enumerated as far as the budget
        goes, and sampled beyond. The rate with several gaps exceeds the oracle by at most ln(gaps) per episode.
        """
        from testbed.sources import _copy_truth  # late, as it is about this class

        _truth.check_length(length)
        return _copy_truth.truth(self, length, budget)
