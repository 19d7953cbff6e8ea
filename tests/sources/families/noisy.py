"""Noise on tokens, by blurring the law of the base along every axis."""

import msgspec

from testbed.sources import BlockStationary, Iid, Markov, Noisy
from tests.laws.enumeration import growth
from tests.sources.families.block_stationary import TINY, joint_by_first_regime, last_entropy
from tests.sources.families.markov import CHAIN, GOLDEN_MEAN

EXAMPLES = [
    Noisy(base=CHAIN, sigma=0.2),
    Noisy(base=CHAIN, sigma=0.9),
    Noisy(base=GOLDEN_MEAN, sigma=0.0),
    Noisy(base=GOLDEN_MEAN, sigma=0.3),
    Noisy(base=Iid(vocabulary=3, weights=(0.5, 0.5, 0.0)), sigma=0.4),
    Noisy(base=CHAIN, sigma=1.0),
    Noisy(base=Markov(vocabulary=2, order=2, seed=1), sigma=0.5),
    Noisy(base=BlockStationary(**TINY, lengths="geometric"), sigma=0.8),
]
REFUSED = [({"base": CHAIN, "sigma": sigma}, f"sigma={sigma}", "give for example") for sigma in (-0.1, 1.5)]


def joint(source, length):
    from tests.sources import worlds  # late: it reads the examples of this file

    return blurred(worlds.joint_law(source.base, length), source.sigma, range(length))


def blurred(law, sigma, axes):
    """What replacing the tokens of these axes, each with probability sigma, makes of a law."""
    for axis in axes:
        law = (1 - sigma) * law + sigma * law.mean(axis=axis, keepdims=True)
    return law


def rate_bounds(source):
    """Below, the entropy after noisy tokens and, long before, all that the base remembers: clean tokens, a regime."""
    from tests.sources import worlds

    length, base = 9 if source.alphabet == 2 else 6, source.base
    if isinstance(base, BlockStationary):  # of lengths without memory
        base = msgspec.structs.replace(base, phase="uniform")
        law, remembered = joint_by_first_regime(base, length), 2
    else:
        law, remembered = worlds.joint_law(base, length), base.order if isinstance(base, Markov) else 0
    law = blurred(law, source.sigma, range(remembered, law.ndim))
    return last_entropy(law), growth(joint(source, length))[-1]


def told(source):
    """The noisy token beside what tells most of it in the base."""
    from tests.sources import worlds

    return blurred(worlds.told(source.base), source.sigma, [1])
