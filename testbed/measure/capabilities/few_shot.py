"""Learning transitions from the window, by how often the present context was left before."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.measure.capabilities import _conditions
from testbed.measure.capabilities._capability import Capability, Judged, Questions, likeliest
from testbed.measure.uncovered import Uncovered
from testbed.sources import InContextMarkov, Source


class Key(NamedTuple):
    """The Bayes prediction at each question's position, and that of one who counts symbols and no transitions.

    `scale_Q` is one over the mean divergence between both under the question's condition.
    """

    bayes_QV: Float[np.ndarray, "Q V"]
    log_plain_QV: Float[np.ndarray, "Q V"]
    scale_Q: Float[np.ndarray, " Q"]


class FewShot(Capability):
    """Use of the m transitions from the present context that the window has shown: m = 1, 2-3, 4-7, ….

    The reader without the capability counts all earlier tokens with the same pseudo-counts as the Bayes reader, who
    counts what followed the present context: (N_v + c)/(t + V·c) against (n_v + c)/(m + V·c). Smooth: the share of the
    gap between them that is closed, KL(Bayes‖plain) − KL(Bayes‖p) over the mean of KL(Bayes‖plain) under the same
    condition on all these windows. Its mean is 1 for Bayes, 0 for the plain reader, who is chance, and below 0 for a
    worse one; no prediction has more than Bayes. Sharp: is the likeliest symbol one of Bayes' likeliest; chance is what
    the plain reader attains on the same questions.

    Error: the smooth score is −∞ where a prediction excludes a symbol. The mean gap is of these windows: its own error
    over sequences is that of a ratio to the scores of Bayes.
    """

    thing: ClassVar[str] = "transitions to learn in context"
    kinds: ClassVar[tuple[type[Source], ...]] = (InContextMarkov,)

    @staticmethod
    def conditions(world: Any, length: int) -> tuple[str, ...]:
        """Return the doublings of the number of transitions seen."""
        return _conditions.doublings(max(length - 1 - world.order, 0))

    @staticmethod
    def questions(behind: Uncovered) -> Questions:
        """Return a question at each position whose context was left before, in the window."""
        world, tokens_BL = behind.world, behind.seen_BL
        pairs = [_counts(tokens_L, world.alphabet, world.order) for tokens_L in tokens_BL]
        own_BLV, all_BLV = (np.stack(each) for each in zip(*pairs, strict=True))
        seen_BL = own_BLV.sum(axis=2)
        row_Q, column_Q = np.nonzero(seen_BL > 0)
        bayes_QV, plain_QV = (
            _smoothed(count_BLV[row_Q, column_Q], world.concentration) for count_BLV in (own_BLV, all_BLV)
        )
        condition_Q = _conditions.doubling(seen_BL[row_Q, column_Q].astype(np.int64))
        gap_Q = (bayes_QV * np.log(bayes_QV / plain_QV)).sum(axis=1)
        gap_C = np.bincount(condition_Q, gap_Q) / np.maximum(np.bincount(condition_Q), 1)
        scale_Q = np.divide(1, gap_C, out=np.zeros_like(gap_C), where=gap_C > 0)[condition_Q]
        return Questions(row_Q, column_Q, condition_Q, Key(bayes_QV, np.log(plain_QV), scale_Q))

    @staticmethod
    def judged(key: Key, logp_QV: Float[np.ndarray, "Q V"]) -> Judged:
        """Return how near predictions are to Bayes."""
        top_QV = likeliest(logp_QV)
        agreed_QV = top_QV & likeliest(np.log(key.bayes_QV))
        gained_Q = (key.bayes_QV * (logp_QV - key.log_plain_QV)).sum(axis=1)
        return Judged(agreed_QV.sum(axis=1) / top_QV.sum(axis=1), gained_Q * key.scale_Q)

    @staticmethod
    def chance(key: Key) -> Judged:
        """Return what the plain reader scores."""
        return FewShot.judged(key, key.log_plain_QV)


def _counts(
    tokens_L: Int[np.ndarray, " L"], symbols: int, order: int
) -> tuple[Float[np.ndarray, "L V"], Float[np.ndarray, "L V"]]:
    """Return how often each symbol came before each position of a window: after the same k tokens, and at all.

    >>> own_LV, all_LV = _counts(np.array([0, 1, 0, 1]), 2, 1)
    >>> own_LV.tolist(), all_LV.tolist()
    ([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [2.0, 1.0]])
    """
    length = len(tokens_L)
    once_LV = np.eye(symbols)[tokens_L]
    context_L = sum(np.roll(tokens_L.astype(np.int64), lag) * symbols ** (lag - 1) for lag in range(1, order + 1))
    same_LL = np.tril(context_L[:, None] == context_L[None, :], -1)
    same_LL[:, :order] = same_LL[:order] = False
    earlier_LL = np.tri(length, k=-1)
    return same_LL.astype(float) @ once_LV, earlier_LL @ once_LV


def _smoothed(count_QV: Float[np.ndarray, "Q V"], concentration: float) -> Float[np.ndarray, "Q V"]:
    """Return the frequencies with a pseudo-count for each symbol."""
    weighed_QV = count_QV + concentration
    return np.asarray(weighed_QV / weighed_QV.sum(axis=1, keepdims=True))
