"""The pattern behind each position: what the world hid and the tokens before may tell, for signal-to-noise ratios."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from testbed.measure.contexts import Reference
from testbed.measure.uncovered import Uncovered, uncovered
from testbed.sources import (
    BlockStationary,
    CopySpans,
    DirichletBlocks,
    Facts,
    Grammar,
    HiddenMarkov,
    Iid,
    InContextMarkov,
    Markov,
    Mixture,
    OneRegime,
    Polya,
    Quanta,
    Source,
    TimeReversed,
)


class Pattern(NamedTuple):
    """The group of each position, 0 to groups−1, and −1 where there is none; and what a group is, in a few words."""

    label_BL: Int[np.ndarray, "B L"]
    groups: int
    told: str


NONE: dict[type[Source], str] = {
    Iid: "hides nothing",
    Markov: "hides nothing",
    Polya: "hides a law out of a continuum, which makes no groups",
    InContextMarkov: "hides a matrix out of a continuum, which makes no groups",
    DirichletBlocks: "hides laws out of a continuum, which make no groups",
    TimeReversed: "hides what is to come, in the order of its base",
}
"""Worlds whose latents are no pattern, and why."""


def pattern(world: Source, shared: Reference) -> Pattern:
    """Return the latent behind each position of windows, where it is one of finitely many.

    A state at position t, which predicts token t, has read the tokens before it. So the label is that of token t, and
    only where the window holds something of it already: a regime from the second token of its block on, a key at the
    position of its answer, a task at its bits and its answer, the place in a span at the tokens that repeat it, the
    symbol of the node above from its second child on, the state of a hidden chain, the regime or the part of a sequence
    from its second token on. Elsewhere it is −1. With noise or copies of symbols it is that of the base.

    Error: none; ValueError where the world hides nothing of the kind, or the latents were not kept.

    >>> from testbed.measure.contexts import reference
    >>> world = Facts(facts=3, answers=2)
    >>> pattern(world, reference(world, sequences=1, length=4, seed=0)).label_BL.tolist()
    [[-1, 2, -1, 0]]
    """
    behind = uncovered(world, shared)
    for kind, label in LABELS.items():
        if isinstance(behind.world, kind):
            return label(behind)
    why = NONE.get(type(behind.world), "tells no latent of its positions")
    raise ValueError(
        f"{behind.world.__struct_config__.tag} {why}: without groups there is no signal across contexts; use a world"
        " such as block_stationary."
    )


def _blocks(behind: Uncovered) -> Pattern:
    """Return the regimes; a block that began before the window is known from the window's second token on."""
    regime_BL, age_BL = behind.latents.regime_L, behind.latents.age_L
    first_BL = (age_BL == 0) | (np.arange(age_BL.shape[1]) == 0)
    return Pattern(np.where(first_BL, -1, regime_BL), behind.world.regimes, "regime of the block")


def _sequences(value_B: Any, groups: int, behind: Uncovered, told: str) -> Pattern:
    label_BL = np.repeat(value_B[:, None], behind.seen_BL.shape[1], axis=1)
    return Pattern(_but_first(label_BL), groups, told)


def _but_first(label_BL: Any) -> Any:
    """Return the labels without that of the first position, before which nothing was seen."""
    return np.where(np.arange(label_BL.shape[1]) == 0, -1, label_BL)


def _one_regime(behind: Uncovered) -> Pattern:
    return _sequences(behind.latents.regime, behind.world.regimes, behind, "regime of the sequence")


def _part(behind: Uncovered) -> Pattern:
    return _sequences(behind.latents.part, len(behind.world.parts), behind, "part of the mixture")


def _keys(behind: Uncovered) -> Pattern:
    return Pattern(_but_first(behind.latents.fact_L), behind.world.facts, "key of the answer")


def _tasks(behind: Uncovered) -> Pattern:
    """Return the tasks of blocks that begin in the window."""
    place_BL = behind.latents.place_L
    inside_BL = (place_BL > 0) & (place_BL <= np.arange(place_BL.shape[1]))
    return Pattern(np.where(inside_BL, behind.latents.task_L, -1), behind.world.tasks, "task of the block")


def _copies(behind: Uncovered) -> Pattern:
    """Return the place in the span of each token that repeats one of the window."""
    latents, world = behind.latents, behind.world
    place_BL = latents.age_L - (np.array(world.gaps) + world.span)[latents.gap_L]
    return Pattern(np.where(latents.source_L >= 0, place_BL, -1), world.span, "place in the repeated span")


def _nodes(behind: Uncovered) -> Pattern:
    """Return the symbols of the lowest nodes, where an earlier child lies in the window."""
    symbol_BL, place_BL = behind.latents.symbol_LN[..., 0], behind.latents.place_L
    later_BL = (place_BL % behind.world.branching > 0) & (np.arange(place_BL.shape[1]) > 0)
    return Pattern(np.where(later_BL, symbol_BL, -1), behind.world.vocabulary, "symbol of the node above")


def _states(behind: Uncovered) -> Pattern:
    states = len(behind.world.machine().stationary_S)
    return Pattern(_but_first(behind.latents.state_L), states, "state of the hidden chain")


LABELS: dict[type[Source], Callable[[Uncovered], Pattern]] = {
    BlockStationary: _blocks,
    OneRegime: _one_regime,
    Mixture: _part,
    Facts: _keys,
    Quanta: _tasks,
    CopySpans: _copies,
    Grammar: _nodes,
    HiddenMarkov: _states,
}
"""The pattern of each world that has one."""
