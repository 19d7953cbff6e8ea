"""Completing a repeated span, by how much of the repetition was seen."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.measure.capabilities import _conditions
from testbed.measure.capabilities._capability import Capability, Judged, Questions, likeliest, right_among
from testbed.measure.uncovered import Uncovered
from testbed.sources import CopySpans, Source


class Key(NamedTuple):
    """The token that each question's position repeats, and the law of fresh tokens."""

    right_Q: Int[np.ndarray, " Q"]
    fresh_V: Float[np.ndarray, " V"]


class Copying(Capability):
    """The token that a position repeats, by how many tokens of the repetition came before it: 0, 1, 2-3, and so on.

    Only tokens that repeat one of the window are counted and asked for: others look fresh to everyone. Without any
    seen, a repetition is known only to who knows where episodes begin. Sharp: is the likeliest symbol right; smooth:
    the probability of the right one. Chance knows the law of fresh tokens and nothing of copies. With noise, right is
    the token of the span as written.
    """

    thing: ClassVar[str] = "spans to copy"
    kinds: ClassVar[tuple[type[Source], ...]] = (CopySpans,)

    @staticmethod
    def conditions(world: Any, length: int) -> tuple[str, ...]:
        """Return no token seen, and the doublings of their number."""
        return ("0", *_conditions.doublings(world.span - 1))

    @staticmethod
    def questions(behind: Uncovered) -> Questions:
        """Return a question for each token that repeats one of the window."""
        world, latents = behind.world, behind.latents
        row_Q, column_Q = np.nonzero(latents.source_L >= 0)
        lag_G = np.array(world.gaps) + world.span
        offset_Q = latents.age_L[row_Q, column_Q] - lag_G[latents.gap_L[row_Q, column_Q]]
        seen_Q = np.minimum(offset_Q, latents.source_L[row_Q, column_Q])
        condition_Q = np.where(seen_Q > 0, 1 + _conditions.doubling(np.maximum(seen_Q, 1)), 0)
        return Questions(row_Q, column_Q, condition_Q, Key(behind.clean_BL[row_Q, column_Q], world.fresh_law()))

    @staticmethod
    def judged(key: Key, logp_QV: Float[np.ndarray, "Q V"]) -> Judged:
        """Return how the repeated tokens fare among all symbols."""
        return right_among(logp_QV, key.right_Q)

    @staticmethod
    def chance(key: Key) -> Judged:
        """Return what the law of fresh tokens scores on average, as spans are fresh tokens."""
        law_V = key.fresh_V
        with np.errstate(divide="ignore"):
            top_V = likeliest(np.log(law_V)[None])[0]
        values = float(law_V[top_V].mean()), float(law_V @ law_V)
        return Judged(*(np.full(len(key.right_Q), value) for value in values))
