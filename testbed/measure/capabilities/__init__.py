"""Shelf of capabilities with known truth: one file each, see ``_capability.Capability``.

A capability asks questions of windows and latents: at these positions, what is right? Any predictor of the next token
answers them by its log-probabilities, the Bayes predictive and a network alike, sharply (is what it holds most likely
right) and smoothly (how much it gives to what is right). Beside both stands chance, the score of one who knows all but
the capability. With all three on one axis, (score − chance)/(Bayes − chance) is 0 for the ignorant and 1 for who knows
all that can be known. Sharply no reader of the tokens before is better than Bayes on average; smoothly one that is
surer than the tokens allow can be.

With noise, what is right is what the world wrote before noise; the answers are read off the prediction of noisy tokens.
With copies of symbols, all copies of the right one are right. Multi-modal reasoning cannot be asked of worlds whose
sequences are tokens of one kind.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.ground import catalog
from testbed.measure.capabilities._capability import Capability, Judged, Questions
from testbed.measure.contexts import Reference
from testbed.measure.uncovered import folded, innermost, uncovered
from testbed.sources import Mixture, Source, TimeReversed

__all__ = ["Asked", "Capability", "Judged", "Questions", "Scores", "asked", "capabilities", "of"]

NOT_THROUGH = {
    Mixture: "what its parts hide is asked of each part by itself",
    TimeReversed: "it hides what is to come, in the order of its base",
}
"""Wrappers that no capability looks through, and why."""


class Scores(NamedTuple):
    """The questions of each sequence under each condition, and the sums of their scores: ratios of means are scores.

    Sequences are independent, positions of one are not: errors are those over sequences.
    """

    count_BC: Int[np.ndarray, "B C"]
    sharp_BC: Float[np.ndarray, "B C"]
    smooth_BC: Float[np.ndarray, "B C"]


class Asked(NamedTuple):
    """A capability and its questions on some windows, by condition; the same questions for every predictor."""

    capability: type[Capability]
    conditions: tuple[str, ...]
    questions: Questions
    shape: tuple[int, int, int]
    copies: int

    def scores(self, logp_BLV: Float[np.ndarray, "B L V"]) -> Scores:
        """Return what a predictor scores, from its log-probabilities of token t given those before it, in nats.

        Error: rounding; ValueError where they are of other windows, or NaN.
        """
        if logp_BLV.shape != self.shape:
            raise ValueError(
                f"log-probabilities of shape {logp_BLV.shape}: the questions are of {self.shape} windows, positions and"
                " symbols; predict the same windows."
            )
        logp_QW = np.asarray(logp_BLV[self.questions.row_Q, self.questions.column_Q], dtype=np.float64)
        if np.isnan(logp_QW).any():
            raise ValueError("some log-probabilities are NaN; leave out the run that diverged.")
        return self._summed(self.capability.judged(self.questions.key, folded(logp_QW, self.copies)))

    def chance(self) -> Scores:
        """Return the expected scores of one who knows all but the capability, on the same questions."""
        return self._summed(self.capability.chance(self.questions.key))

    def _summed(self, judged: Judged) -> Scores:
        shape = self.shape[0], len(self.conditions)
        place_Q = self.questions.row_Q * shape[1] + self.questions.condition_Q
        count_X = np.bincount(place_Q, minlength=shape[0] * shape[1])
        sums = (np.bincount(place_Q, each_Q, minlength=shape[0] * shape[1]) for each_Q in judged)
        return Scores(count_X.reshape(shape), *(sum_X.reshape(shape) for sum_X in sums))


def capabilities() -> dict[str, type[Capability]]:
    """Return the capabilities on the shelf by file name."""
    return catalog.shelf(__name__)


def of(world: Source) -> dict[str, type[Capability]]:
    """Return the capabilities that a world has, under noise and inflation too.

    >>> from testbed.sources import Facts, Iid, Noisy
    >>> list(of(Noisy(base=Facts(), sigma=0.1))), list(of(Iid(vocabulary=2)))
    (['recall'], [])
    """
    base = innermost(world)
    return {name: capability for name, capability in capabilities().items() if capability.has(base)}


def asked(name: str, world: Source, shared: Reference) -> Asked:
    """Return the questions of a capability on windows of a world, which are drawn with their latents.

    Error: ValueError where the shelf has no such capability, the world has it not, or the latents were not kept.

    >>> from testbed.measure.contexts import reference
    >>> from testbed.sources import Facts
    >>> world = Facts(facts=4, answers=2)
    >>> shared = reference(world, sequences=8, length=6, seed=0)
    >>> recall = asked("recall", world, shared)
    >>> recall.conditions, recall.scores(shared.logp_BLV).sharp_BC[0].item(), recall.chance().sharp_BC[0].item()
    (('1-4',), 3.0, 1.5)
    """
    capability: Any = catalog.pick(capabilities(), name)
    behind = uncovered(world, shared)
    if not capability.has(behind.world):
        raise ValueError(_refusal(capability, world, behind.world))
    conditions = capability.conditions(behind.world, shared.tokens_BL.shape[1])
    shape = (*shared.tokens_BL.shape, world.alphabet)
    return Asked(capability, conditions, capability.questions(behind), shape, behind.copies)


def _refusal(capability: type[Capability], world: Source, base: Source) -> str:
    """Return why a world has not a capability, and which it has."""
    why = NOT_THROUGH.get(type(base), "")
    return (
        f"{base.__struct_config__.tag} has no {capability.thing}{': ' if why else ''}{why}; capabilities of this world:"
        f" {', '.join(of(world)) or 'none'}."
    )
