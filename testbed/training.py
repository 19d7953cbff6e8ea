"""Training as tasks: a batch of runs that share one program is trained, and what each run yields is stored."""

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from testbed.cell import SCHEMA
from testbed.ground.options import Options
from testbed.measure import divergence
from testbed.measure.contexts import Reference, reference
from testbed.model.size import size
from testbed.sources import AnySource
from testbed.store import Store
from testbed.terminal.display import Display
from testbed.terminal.plan import Planned
from testbed.train import buckets
from testbed.train.lanes import Contexts
from testbed.train.plan import Bucket, Room, room
from testbed.train.progress import Watch, title


def space(options: Options) -> Room:
    """Return the devices of this process, and what of them a run may use."""
    return room(tuple(jax.local_devices()), options.mapping, options.memory_gib)


def where(options: Options) -> str:
    """Return in words the devices of this process, and the memory that is granted on each."""
    room = space(options)
    granted = f"{room.bytes_per_device / 2**30:.1f} GiB granted on each"
    return f"{len(room.devices)} {room.devices[0].platform} device(s), {granted}"


@functools.lru_cache(maxsize=16)
def contexts(world: AnySource, sequences: int, length: int, seed: int) -> Reference:
    """Return the windows on which all models of a world are compared; those asked for last are kept at hand."""
    return reference(world, sequences=sequences, length=length, seed=seed)


class Batch(NamedTuple):
    """The task of training the runs of a bucket that are missing, from its snapshot on where there is one."""

    bucket: Bucket
    room: Room

    @property
    def digest(self) -> str:
        """The name of its snapshot."""
        return self.bucket.digest

    @property
    def words(self) -> str:
        """Its width, and how many runs it has."""
        return title(self.bucket)

    @property
    def work(self) -> float:
        """Its tokens, weighed by what one costs."""
        return self.bucket.work

    def run(self, store: Store, options: Options, shown: Display) -> None:
        """Train it, and store what each run yields."""
        bucket, watch, snapshot = self.bucket, Watch(shown), store.snapshot(self.digest)
        missing = tuple(cell for cell in bucket.cells if not store.has(cell.digest))
        if missing and not snapshot.exists():
            bucket = bucket._replace(cells=missing)
            watch.advance(self.bucket, self.bucket.tokens - bucket.tokens, trained=False)
            snapshot = store.snapshot(bucket.digest)
        if missing:
            _train(bucket, self.room, store, options, watch)
        else:
            watch.advance(bucket, bucket.tokens, trained=False)
        snapshot.drop()


def lacking(store: Store, todo: Iterable[Bucket], options: Options) -> list[Batch]:
    """Return the tasks of the buckets of which a run, or a snapshot that is no longer needed, is left."""
    return [
        Batch(bucket, space(options))
        for bucket in todo
        if store.snapshot(bucket.digest).exists() or not all(store.has(cell.digest) for cell in bucket.cells)
    ]


def planned(stage: str, bucket: Bucket) -> Planned:
    """Return what is told of a bucket before it is trained."""
    model = bucket.cells[0].model
    columns = {
        "width": str(model.width),
        "parameters P": f"{size(model).parameters:,}",
        "runs": str(len(bucket.cells)),
        "in a batch of": str(bucket.width),
        "steps": str(bucket.steps),
        "tokens": f"{bucket.tokens / 1e6:.2f} M",
        "TFLOP": f"{bucket.flops / 1e12:.3f}",
    }
    return Planned(stage, columns, len(bucket.cells), bucket.tokens, bucket.flops)


def _train(bucket: Bucket, space: Room, store: Store, options: Options, watch: Watch) -> None:
    outcomes = buckets.train(
        bucket,
        _contexts(bucket),
        divergence.observe,
        room=space,
        placement=options.placement,
        snapshots=store.snapshot(bucket.digest),
        interval_seconds=options.checkpoint_seconds,
        compiling=lambda what: watch.compiling(bucket, what),
        progress=lambda tokens, trained: watch.advance(bucket, tokens, trained=trained),
    )
    for outcome in outcomes:
        evidence = {_column(name): value for name, value in outcome.evidence.items()}
        evidence["step_C"] = outcome.step_C
        store.write(outcome.cell.digest, _row(outcome), evidence, outcome.kept)


def _contexts(bucket: Bucket) -> Contexts:
    """Return the windows on which the runs of a bucket are evaluated, as the device takes them."""
    cell = bucket.cells[0]
    shared = [contexts(world, cell.evaluation.sequences, cell.model.context, seed) for world, seed in bucket.places]
    logp_WBLV = np.stack([each.logp_BLV.astype(np.float32) for each in shared])
    return Contexts(jnp.asarray(np.stack([each.tokens_BL for each in shared])), jnp.asarray(logp_WBLV))


def _column(name: str) -> str:
    """Evidence gains a leading checkpoint axis: kl_B of each checkpoint is kl_CB."""
    stem, _, axes = name.rpartition("_")
    return f"{stem}_C{axes}" if axes.isupper() else f"{name}_C"


def _row(outcome: buckets.Outcome) -> dict[str, Any]:
    cell, counted = outcome.cell, size(outcome.cell.model)
    return {
        "schema": SCHEMA,
        "label": f"w{cell.model.width}",
        "parameters": counted.parameters,
        "parameters_body": counted.parameters_body,
        "context": cell.model.context,
        "role": cell.role,
        "tokens": cell.tokens,
        "draw": cell.draw,
        "initialisation": cell.initialisation,
        "learning_rate": cell.learning_rate,
        "horizon": cell.horizon,
        "batch": cell.optimiser.batch,
        "status": outcome.status,
        "sentence": outcome.sentence,
        "kept_step": outcome.kept_step,
        "seconds": outcome.seconds,
        "spec": msgspec.json.encode(cell).decode(),
    }
