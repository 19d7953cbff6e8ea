"""Naming the regime after some tokens of a block, from the prediction of the next one alone."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.measure.capabilities import _closest
from testbed.measure.capabilities._capability import Capability, Judged, Questions
from testbed.measure.uncovered import Uncovered
from testbed.sources import BlockStationary, OneRegime, Source

MOST, SAME = 1024, 1e-6
"""Most questions of a condition; weights that differ by less are a tie."""


class Key(NamedTuple):
    """The right regime of each question, and the context by which the laws of the next token are known.

    `rows_UKV` are those of all K regimes after each of U contexts; regimes that never come are left out.
    """

    right_Q: Int[np.ndarray, " Q"]
    context_Q: Int[np.ndarray, " Q"]
    rows_UKV: Float[np.ndarray, "U K V"]
    prior_K: Float[np.ndarray, " K"]


class NamingRegime(Capability):
    """The regime of a block after m = 1, 2, 4, … of its tokens, the announcer among them, read off one prediction.

    A prediction is taken apart into the laws that the regimes give to the next token after the last one: the mixture of
    them that is closest to it (least KL from the prediction; of equally close ones that whose weights are nearest to
    the prior, see ``_closest.weights``). Smooth: the weight of the right regime there; sharp: is it the largest weight.
    Where it is known that the block goes on, the Bayes prediction is the mixture of these laws by the posterior, and
    its weights are the posterior itself unless some law is a mixture of others: nothing that has not peeked names more
    regimes then. The nearest single law has no such property: it favours laws near to many others, and names fewer,
    above all after few tokens. With more regimes than symbols one prediction does not tell all weights; what it leaves
    open stays as near to the prior as it may.

    Chance knows the regimes and their prior alone. Asked are tokens of a block that m of its tokens precede in the
    window, so that the block goes on; where it could have ended, Bayes counts that in. Of each m at most 1024 questions
    are asked, evenly spread over the windows. With noise, the laws are those of the noisy token given regime and last
    noisy token; Bayes knows more than the last token then, where tokens of a regime depend on each other.
    """

    thing: ClassVar[str] = "regimes to name"
    kinds: ClassVar[tuple[type[Source], ...]] = (BlockStationary, OneRegime)

    @classmethod
    def has(cls, world: Source) -> bool:
        """Return whether there are regimes to tell apart, and blocks of more than a token."""
        if isinstance(world, BlockStationary):
            return world.regimes > 1 and (world.block_share is not None or world.block_length > 1)
        return isinstance(world, OneRegime) and world.regimes > 1

    @staticmethod
    def conditions(world: Any, length: int) -> tuple[str, ...]:
        """Return the powers of two that are less than the longest block and the window."""
        return tuple(str(2**power) for power in range(_most(world, length).bit_length()))

    @staticmethod
    def questions(behind: Uncovered) -> Questions:
        """Return a question at each position that a power of two of its block's tokens precede."""
        world, prior_K = behind.world, behind.world.regime_prior()
        regime_BL, seen_BL = _regimes(behind)
        powers = _most(world, seen_BL.shape[1]).bit_length()
        chosen = [np.zeros((3, 0), dtype=np.int64), *(_spread(seen_BL, power) for power in range(powers))]
        row_Q, column_Q, condition_Q = np.concatenate(chosen, axis=1)
        right_Q = (np.cumsum(prior_K > 0) - 1)[regime_BL[row_Q, column_Q]]
        rows_UKV = _rows(world, behind.sigma)
        context_Q = np.where(_tells(behind), behind.seen_BL, len(rows_UKV) - 1)[row_Q, column_Q - 1]
        key = Key(right_Q, context_Q.astype(np.int64), rows_UKV[:, prior_K > 0], prior_K[prior_K > 0])
        return Questions(row_Q, column_Q, condition_Q, key)

    @staticmethod
    def judged(key: Key, logp_QV: Float[np.ndarray, "Q V"]) -> Judged:
        """Return how the right regimes fare among the weights of the closest mixtures."""
        weight_QK = _closest.weights(np.exp(logp_QV), key.rows_UKV, key.context_Q, key.prior_K)
        right_Q, row_Q = key.right_Q, np.arange(len(key.right_Q))
        top_QK = weight_QK >= weight_QK.max(axis=1, keepdims=True) - SAME
        return Judged(top_QK[row_Q, right_Q] / top_QK.sum(axis=1), weight_QK[row_Q, right_Q])

    @staticmethod
    def chance(key: Key) -> Judged:
        """Return what the prior scores on average."""
        top_K = key.prior_K >= key.prior_K.max() - SAME
        values = float(key.prior_K[top_K].mean()), float(key.prior_K @ key.prior_K)
        return Judged(*(np.full(len(key.right_Q), value) for value in values))


def _most(world: Any, length: int) -> int:
    """Return the largest number of tokens of a block that may precede a token in the window."""
    if isinstance(world, OneRegime) or world.lengths == "geometric":
        return length - 1
    longest = world.block_length if world.lengths == "fixed" else world.longest
    return int(min(longest, length) - 1)


def _regimes(behind: Uncovered) -> tuple[Int[np.ndarray, "B L"], Int[np.ndarray, "B L"]]:
    """Return the regime of each token, and how many tokens of its block precede it in the window."""
    place_L = np.arange(behind.seen_BL.shape[1])
    if isinstance(behind.world, OneRegime):
        regime_BL = np.broadcast_to(behind.latents.regime[:, None], behind.seen_BL.shape)
        return regime_BL, np.broadcast_to(place_L, behind.seen_BL.shape)
    begun_BL = np.where(behind.latents.age_L == 0, place_L, 0)
    return behind.latents.regime_L, place_L - np.maximum.accumulate(begun_BL, axis=1)


def _spread(seen_BL: Int[np.ndarray, "B L"], power: int) -> Int[np.ndarray, "3 Q"]:
    """Return where 2^power tokens of a block were seen, at most `MOST` places spread evenly, and the power."""
    place_2Q = np.argwhere(seen_BL == 2**power).T
    if place_2Q.shape[1] > MOST:
        place_2Q = place_2Q[:, np.arange(MOST) * place_2Q.shape[1] // MOST]
    return np.concatenate([place_2Q, np.full((1, place_2Q.shape[1]), power)])


def _tells(behind: Uncovered) -> Any:
    """Return whether each token tells of the one after it in its block, its regime given; an announcer does not."""
    world, every_BL = behind.world, np.ones(behind.seen_BL.shape, dtype=bool)
    if not world.order:
        return ~every_BL
    announced = isinstance(world, BlockStationary) and world.announced
    return behind.latents.age_L > 0 if announced else every_BL


def _rows(world: Any, sigma: float) -> Float[np.ndarray, "U K V"]:
    """Return the laws of the next token in each regime after each symbol, and last where the symbol tells nothing.

    A noisy symbol tells of the clean one: P(clean u | regime, noisy v) ∝ π(u)·((1-σ)·[u = v] + σ/V).
    """
    alone_KV = world.stationary_laws()
    symbols, inside = world.alphabet, alone_KV.shape[1]
    after_KUV = world.components() if world.order else alone_KV[:, None]
    if world.order and sigma > 0:
        told_UV = (1 - sigma) * np.eye(inside, symbols) + sigma / symbols
        joint_KUV = alone_KV[:, :, None] * told_UV
        after_KUV = np.einsum("kuv,kux->kvx", joint_KUV / joint_KUV.sum(axis=1, keepdims=True), after_KUV)
    elif symbols > inside and world.order:
        after_KUV = np.concatenate([after_KUV, np.repeat(alone_KV[:, None], symbols - inside, axis=1)], axis=1)
    rows_KUV = np.concatenate([after_KUV, alone_KV[:, None]], axis=1)
    rows_KUV = np.pad(rows_KUV, ((0, 0), (0, 0), (0, symbols - inside)))
    return np.asarray(((1 - sigma) * rows_KUV + sigma / symbols).transpose(1, 0, 2))
