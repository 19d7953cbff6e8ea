"""Sources read backwards, by turning the axes of the law of the base round."""

import numpy as np

from testbed.sources import BlockStationary, Iid, Inflated, Markov, Noisy, Polya, TimeReversed
from tests.sources.families.block_stationary import TINY

CYCLE = Markov(vocabulary=3, rows=((0.1, 0.8, 0.1), (0.0, 0.4, 0.6), (0.9, 0.0, 0.1)))
EXAMPLES = [
    TimeReversed(base=CYCLE),
    TimeReversed(base=Markov(vocabulary=3, rows=((0.3, 0.7, 0.0), (0.1, 0.0, 0.9), (0.4, 0.3, 0.3)))),
    TimeReversed(base=Markov(vocabulary=3, order=2, concentration=0.5, smoothing=0.1, seed=1)),
    TimeReversed(base=Noisy(base=CYCLE, sigma=0.8)),
    TimeReversed(base=Inflated(base=Iid(vocabulary=2, weights=(0.7, 0.3)), factor=2)),
    TimeReversed(base=TimeReversed(base=CYCLE)),
    TimeReversed(base=BlockStationary(**TINY, phase="uniform")),
    TimeReversed(base=Polya(vocabulary=2, weights=(0.5, 1.5))),
]
REFUSED = [({"base": BlockStationary(**TINY)}, "BlockStationary is not stationary", 'phase="uniform"')]


def joint(source, length):
    from tests.sources import worlds  # late: it reads the examples of this file

    return np.transpose(worlds.joint_law(source.base, length))


def rate_bounds(source):
    from tests.sources import worlds

    return worlds.rate_bounds(source.base)


def oracle_bounds(source):
    """Met backwards, the latents hold the tokens that are to come, unless the order of the tokens plays no part."""
    from tests.sources import worlds

    return worlds.oracle_bounds(source.base) if source.base.exchangeable else None
