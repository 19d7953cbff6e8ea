"""How far two walks are taken to narrow the entropy rate: as far as it helps, is affordable, and is asked for."""

import math

from testbed.laws import effort, record
from testbed.laws.machines import mixed_states
from testbed.laws.machines.mixed_states import Walk
from testbed.laws.record import Budget

TIGHT = 1e-13
RATE_WORK, WIDTH_WORK = 2**23, 2**35
"""Multiplications of a walk, and those where a width is asked for."""
STILL, SHRUNK, FORESEEN = 64, 1e-6, 2**22
"""Tokens in which a width must shrink by that share, or it never will; work after which more of it is foreseen."""


def approached(lower: Walk, ceiling: float) -> None:
    """Take the lower bound on until it has reached the rate, or no longer moves."""
    entropies: list[float] = []
    going = True
    while going:
        going = lower.reach(len(entropies) + 1, math.inf, RATE_WORK)
        entropies.append(ceiling - lower.positions[-1].entropy)
        going = going and entropies[-1] > TIGHT and not _still(entropies, lower)


def _still(widths: list[float], walk: Walk) -> bool:
    """Return whether a width has not shrunk for as many tokens as no memory of the chain should outlast."""
    back = STILL + len(walk.machine.initial_S)
    return len(widths) > back and widths[-1] > (1 - SHRUNK) * widths[-1 - back]


def narrowed(
    upper: Walk, lower: Walk, budget: Budget, *, contexts: int | float, work: int, until: int | float = math.inf
) -> str:
    """Take both walks on until the rate lies between bounds that are close enough, or the limits are reached.

    No position beyond `until` is needed where the rate is known otherwise.
    A width that is asked for has limits of its own. Return what it would cost if it is not reached, which is foreseen
    once the walks take noticeable time: then they stop at once.

    Error: ValueError if a width within these limits takes more than the patience of the budget.
    """
    if budget.width is not None:
        contexts, work = math.inf, WIDTH_WORK
    widths: list[float] = []
    growing, gap = True, math.inf
    while growing:
        reached = [walk.reach(len(widths) + 1, contexts, work) for walk in (upper, lower)]
        widths.append(upper.positions[-1].high - lower.positions[-1].low)
        gap = upper.positions[-1].entropy - lower.positions[-1].entropy
        growing = any(reached) and gap > TIGHT and widths[-1] > (budget.width or 0.0) and len(widths) < until
        growing = growing and not _still(widths, lower) and not _hopeless(widths, (upper, lower), budget, until)
    if len(upper.positions) >= until:
        return ""
    if gap <= TIGHT:
        return "what is left is rounding, which no work narrows"
    return record.price_of_contexts(widths, *_deepest(upper, lower), budget)


def _deepest(upper: Walk, lower: Walk) -> tuple[int, int]:
    """Return the last position that both walks reached, and the more contexts of the two there."""
    depth = min(len(upper.positions), len(lower.positions))
    return depth, max(walk.positions[depth - 1].contexts for walk in (upper, lower))


def _hopeless(widths: list[float], walks: tuple[Walk, Walk], budget: Budget, until: int | float) -> bool:
    """Return whether the width that is asked for is foreseen to be out of reach, once walking takes noticeable time.

    Error: ValueError if it is within reach, and beyond the patience of the budget.
    """
    if budget.width is None or max(walk.work for walk in walks) < FORESEEN or len(widths) < 8:
        return False
    shrinking = math.log(widths[-1] / widths[-4]) / 3
    if shrinking >= 0:
        return False
    further = min(math.log(budget.width / widths[-1]) / shrinking, until - len(widths))
    if any(walk.foreseen(further)[0] > mixed_states.LARGEST_NUMBERS for walk in walks):
        return True
    seconds = sum(walk.foreseen(further)[1] for walk in walks)
    effort.allow(f"narrowing the rate to width={budget.width:g}", seconds, budget, "ask for a larger width")
    return False
