"""Copied spans, by writing out which token of a window repeats which."""

import math

import msgspec
import numpy as np

from testbed.sources import CopySpans
from tests.laws.enumeration import block_entropy, growth

EXAMPLES = [
    CopySpans(vocabulary=3, span=1, gaps=(1,)),
    CopySpans(vocabulary=3, zipf=1.0, span=1, gaps=(1,)),
    CopySpans(vocabulary=2, zipf=0.5, span=2, gaps=(0,), phase="uniform"),
    CopySpans(vocabulary=2, zipf=0.5, span=1, gaps=(0, 2)),
    CopySpans(vocabulary=2, zipf=1.0, span=1, gaps=(2, 0, 1), phase="uniform"),
    CopySpans(vocabulary=3, span=2, gaps=(1, 0), phase="uniform"),
    CopySpans(vocabulary=6, zipf=1.0, span=4, gaps=(0,), phase="uniform"),
]
REFUSED = [
    ({"vocabulary": 1}, "vocabulary=1", "no information"),
    ({"zipf": -1.0}, "zipf=-1.0", "from frequent to rare"),
    ({"zipf": 1000.0}, "zipf=1000.0", "a smaller exponent"),
    ({"span": 0}, "span=0", "at least a token"),
    ({"gaps": ()}, "gaps=()", "give one or more"),
    ({"gaps": (3, 3)}, "gaps=(3, 3)", "all different"),
    ({"gaps": (-1, 3)}, "gaps=-1", "after the span"),
    ({"gaps": (70_000,)}, "70016 pairs", "shorter gaps"),
    ({"phase": "late"}, "'late'", "choose one"),
]


def joint(source, length, **known):
    law = np.array([(v + 1) ** -source.zipf for v in range(source.vocabulary)])
    law = law / law.sum()
    token = np.indices((source.vocabulary,) * length, sparse=True)
    joint = np.zeros((source.vocabulary,) * length)
    for repeated, chance in patterns(source, length, **known):
        for t, earlier in enumerate(repeated):
            chance = chance * (law[token[t]] if earlier is None else token[t] == token[earlier])
        joint += chance
    return joint


def patterns(source, length, step=1, rest=0):
    """Every way in which positions repeat earlier ones, with its probability; None stands for a fresh token.

    At a random moment, the age of the first token is known to be `rest` modulo `step`, which divides all episodes.
    """
    episodes = [2 * source.span + gap for gap in source.gaps]
    found = []
    for first, size in enumerate(episodes):
        for age in range(rest, size, step) if source.phase == "uniform" else [0]:
            chance = step / sum(episodes) if source.phase == "uniform" else 1 / len(episodes)
            found += [(pattern, weight * chance) for pattern, weight in onwards(source, length, first, -age)]
    return found


def onwards(source, length, gap, begin):
    """The patterns after an episode with this gap has begun at this position."""
    lag, end = source.span + source.gaps[gap], begin + 2 * source.span + source.gaps[gap]
    own = [t - lag if t >= begin + lag and t >= lag else None for t in range(max(begin, 0), min(end, length))]
    if end >= length:
        return [(own, 1.0)]
    later = [each for after in range(len(source.gaps)) for each in onwards(source, length, after, end)]
    return [(own + pattern, weight / len(source.gaps)) for pattern, weight in later]


def rate_bounds(source):
    """With one gap, what is uncertain once the episodes are known. Otherwise two sides of h at the end of a window.

    Above, it is told where episodes may begin, if that is at every second place only, or the like. Below, it is told
    where the first of them begins, or the gap of each of them, which costs so much of the uncertainty at most.
    """
    episodes = [2 * source.span + gap for gap in source.gaps]
    step, mean, length = math.gcd(*episodes), np.mean(episodes), 12
    oracle = block_entropy(told(source)) - block_entropy(told(source).sum(1))
    if len(source.gaps) == 1:
        return oracle, oracle
    aligned, met = (msgspec.structs.replace(source, phase=phase) for phase in ("aligned", "uniform"))
    begun = growth(joint(aligned, length))[::-1]
    known = sum(begun[wait] * np.mean([size > wait for size in episodes]) / mean for wait in range(max(episodes)))
    high = np.mean([growth(joint(met, length, step=step, rest=rest))[-1] for rest in range(step)])
    return known, min(high, oracle + np.log(len(source.gaps)) / mean)


def told(source):
    """The next token alone where it is fresh, and beside the one that it repeats."""
    law = np.array([(v + 1) ** -source.zipf for v in range(source.vocabulary)])
    repeats = source.span / (2 * source.span + np.mean(source.gaps))
    return np.vstack([(1 - repeats) * law, repeats * np.diag(law)]) / law.sum()
