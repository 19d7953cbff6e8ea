"""An ensemble that was never trained: replicates near the Bayes predictive of a world, with states of their own."""

import numpy as np

from testbed.measure.contexts import reference
from testbed.sources import BlockStationary

WORLD = BlockStationary(vocabulary=4, regimes=2, block_length=4, boundaries="announced", order=0)


class Planted:
    """R replicates on B windows of L tokens."""

    def __init__(self, *, replicates=3, windows=12, length=8, world=WORLD, width=3, seed=0, closeness=3.0):
        self.world, self.windows = world, reference(world, sequences=windows, length=length, seed=seed)
        self.seeds = [(at, at) for at in range(replicates)]
        rng, shape = np.random.default_rng(seed), (replicates, *self.windows.logp_BLV.shape)
        logits_RBLV = np.where(np.isfinite(self.windows.logp_BLV), closeness * self.windows.logp_BLV, -9.0)
        logits_RBLV = logits_RBLV + rng.standard_normal(shape)
        self.logp_RBLV = logits_RBLV - np.logaddexp.reduce(logits_RBLV, axis=-1, keepdims=True)
        self.states_RNBLM = rng.standard_normal((replicates, 2, windows, length, width))

    def pairs(self):
        yield from zip(self.windows.logp_BLV, self.logp_RBLV.swapaxes(0, 1), strict=True)

    def states(self):
        yield from self.states_RNBLM

    def once(self, make):
        return make(self.world, self.windows)
