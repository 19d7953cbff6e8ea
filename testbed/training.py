"""Cells that a store lacks are trained, bucket by bucket, and what they yield is stored."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import msgspec
import numpy as np

from testbed.checked import Checked
from testbed.measure import divergence
from testbed.measure.contexts import Reference
from testbed.model.size import size
from testbed.spec import SCHEMA
from testbed.store import Store
from testbed.train import buckets
from testbed.train.lanes import Contexts, Mapping, Placement
from testbed.train.plan import Bucket, Room

MOST_SECONDS, MOST_GIB = 7 * 24 * 3600, 2**20


class Options(Checked, frozen=True, kw_only=True):
    """How a run uses the machine; none of it changes what is asked."""

    placement: Placement = "jit"
    """By which door lanes are spread over the devices."""
    mapping: Mapping | None = None
    """How a device walks its lanes; by default one after the other on CPUs, together elsewhere."""
    checkpoint_seconds: float = 60.0
    """Seconds between snapshots of the bucket in training."""
    memory_gib: float | None = None
    """Memory that a bucket may take per device; by default a share of what the device has."""

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if not 0 <= self.checkpoint_seconds <= MOST_SECONDS:
            raise ValueError(
                f"--checkpoint-seconds {self.checkpoint_seconds}: must be not negative and at most {MOST_SECONDS},"
                " a week; e.g. 60."
            )
        if self.memory_gib is not None and not 0 < self.memory_gib <= MOST_GIB:
            raise ValueError(f"--memory-gib {self.memory_gib}: must be positive and at most {MOST_GIB}; e.g. 8.")


@runtime_checkable
class Watch(Protocol):
    """Who is told how training goes on."""

    def compiling(self, bucket: Bucket, what: str) -> None:
        """Hear that a program of a bucket is called for the first time, which takes long."""

    def advance(self, bucket: Bucket, tokens: int, *, trained: bool) -> None:
        """Hear that tokens are done, and whether they were trained now or by an earlier process."""


class Trainer:
    """Trains buckets one after the other and stores what they yield."""

    def __init__(self, store: Store, shared: Reference, options: Options, space: Room, watch: Watch) -> None:
        self.store, self.options, self.space, self.watch = store, options, space, watch
        self.contexts = Contexts(jnp.asarray(shared.tokens_BL), jnp.asarray(shared.logp_BLV.astype(np.float32)))

    def train(self, todo: Sequence[Bucket]) -> None:
        """Train what is missing of these buckets, carrying on from the snapshot of a bucket where there is one."""
        for bucket in todo:
            missing = tuple(cell for cell in bucket.cells if not self.store.has(cell.digest))
            if missing and not self.store.snapshot(bucket.digest).exists():
                self.watch.advance(bucket, bucket.tokens - bucket._replace(cells=missing).tokens, trained=False)
                self._train(bucket._replace(cells=missing))
            elif missing:
                self._train(bucket)
            else:
                self.store.snapshot(bucket.digest).drop()
                self.watch.advance(bucket, bucket.tokens, trained=False)

    def _train(self, bucket: Bucket) -> None:
        snapshot = self.store.snapshot(bucket.digest)
        outcomes = buckets.train(
            bucket,
            self.contexts,
            divergence.observe,
            room=self.space,
            placement=self.options.placement,
            snapshots=snapshot,
            interval_seconds=self.options.checkpoint_seconds,
            compiling=lambda what: self.watch.compiling(bucket, what),
            progress=lambda tokens, trained: self.watch.advance(bucket, tokens, trained=trained),
        )
        for outcome in outcomes:
            evidence = {_column(name): value for name, value in outcome.evidence.items()}
            evidence["step_C"] = outcome.step_C
            self.store.write(outcome.cell.digest, _row(outcome), evidence, outcome.kept)
        snapshot.drop()


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
