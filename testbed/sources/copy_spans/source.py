"""Copied spans: episodes of a random span, a gap, and the same span again."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import record, simplex
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.sources.copy_spans import chain, entropies, kernel
from testbed.sources.copy_spans.fields import Fields
from testbed.sources.copy_spans.kernel import Latents, Tables


class CopySpans(Fields, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """Episodes, one after the other: `span` fresh tokens, a gap of fresh tokens, and the same span again.

    Fresh tokens are independent draws from one law. The gap of each episode is drawn, each of `gaps` equally likely.
    Episodes and their gaps are latent; nothing marks where a repetition begins.
    """

    good_for: ClassVar[str] = (
        "Induction: some tokens are certain to whoever finds the right earlier one, and no statistics of symbols helps"
        " with the others. Which positions repeat which is a latent, so copying can be scored by itself."
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

    def machine(self) -> Machine | Absent:
        """Return the machine of gap, age and what is still to be repeated, where spans and alphabet are tiny."""
        return chain.machine(self)

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment: two tokens are equal if one repeats the other.

        Otherwise they are independent. The repetition of a given lag is met with probability span/Σ(2·span + gap).
        """
        finite.check_lag(lag)
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
        floats = simplex.cast(dtype, law_V, start_GA, age_A == length_G1 - 1, repeats_GA)
        return Tables(*floats, *simplex.cast(np.int32, lag_G), *sampling.laws(law_V, start_GA.reshape(-1)))

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, the gap and the age of each token, and which one it repeats."""
        return kernel.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the Bayes prediction by exact filtering over gap and age.

        A token costs V + G·A operations, where an episode has one of G gaps and at most A tokens.
        """
        return kernel.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies; the oracle, who knows the episodes, is a closed form, and with one gap the rate is.

        With one gap and aligned episodes the curve is one as well; otherwise it is enumerated as far as the budget
        goes, and sampled beyond. The rate with several gaps exceeds the oracle by at most ln(gaps) per episode.
        """
        record.check_length(length)
        return entropies.truth(self, length, budget)
