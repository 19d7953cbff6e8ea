"""What the tests of lanes share: a bucket trained from first to last step, without a store."""

import jax
import jax.numpy as jnp
import numpy as np

from testbed.measure.contexts import reference
from testbed.measure.divergence import observe
from testbed.train import buckets
from testbed.train.lanes import Contexts
from testbed.train.plan import plan, room


class Memory:
    """Snapshots in memory, counted."""

    def __init__(self):
        self.arrays, self.saves = None, 0

    def load(self):
        return self.arrays

    def save(self, arrays):
        self.arrays, self.saves = {name: np.array(value) for name, value in arrays.items()}, self.saves + 1


def contexts(cell):
    found = reference(cell.world, sequences=cell.evaluation.sequences, length=cell.model.context, seed=cell.seed)
    return Contexts(jnp.asarray(found.tokens_BL)[None], jnp.asarray(found.logp_BLV.astype(np.float32))[None])


def train(cells, *, placement="jit", mapping=None, memory=None, interval=1e9, progress=lambda tokens, trained: None):
    """Return the outcomes of cells that share a program, trained as one bucket over all local devices."""
    space = room(tuple(jax.local_devices()), mapping)
    (bucket,) = plan(cells, space)
    return list(
        buckets.train(
            bucket,
            contexts(cells[0]),
            observe,
            room=space,
            placement=placement,
            snapshots=memory or Memory(),
            interval_seconds=interval,
            progress=progress,
        )
    )


def distance(one, other):
    """The largest difference between two outcomes of one cell, over evidence and kept parameters."""
    pairs = [(one.evidence[name], other.evidence[name]) for name in one.evidence]
    pairs += [(one.kept[path], other.kept[path]) for path in one.kept]
    assert one.kept_step == other.kept_step
    return max(float(np.max(np.abs(a - b))) for a, b in pairs)
