"""The story, told once: plan, train, store, measure, judge, report. Every step restarts from what the store holds."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pandas as pd

from testbed import ensembles, machine
from testbed.console import Console
from testbed.judging import (
    check_claims,
    conclude,
    current_cells,
    declare,
    judged,
    ledger,
    pretty,
    save_truth,
    saved_references,
)
from testbed.measure import divergence, references, regret
from testbed.measure.analysis import chosen_rates, reported
from testbed.measure.contexts import Reference, reference
from testbed.model.size import size
from testbed.model.transformer import Transformer
from testbed.progress import progress, show_plan
from testbed.spec import SCHEMA, Experiment, decode
from testbed.store import Store
from testbed.train import buckets
from testbed.train.lanes import Contexts, Mapping, Placement
from testbed.train.plan import Bucket, Room, plan, room
from testbed.verdict import Verdict


class Options(msgspec.Struct, frozen=True, kw_only=True):
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
        if not self.checkpoint_seconds >= 0:
            raise ValueError(f"--checkpoint-seconds {self.checkpoint_seconds}: must be not negative; e.g. 60.")
        if self.memory_gib is not None and not 0 < self.memory_gib < math.inf:
            raise ValueError(f"--memory-gib {self.memory_gib}: must be positive and finite; e.g. 8.")


def run(experiment: Experiment, folder: Path, options: Options, console: Console) -> list[Verdict]:
    """Train what the folder lacks, then measure, judge and report; return the verdicts.

    Error: StoreError if the folder belongs to another spec or cannot be used; ValueError if the plan does not fit.
    """
    check_claims(experiment.claims)
    machine.keep_compilations()
    space = room(tuple(jax.local_devices()), options.mapping, options.memory_gib)
    pilots, rest = _buckets(experiment, space, dict.fromkeys(experiment.models, experiment.training.learning_rates[0]))
    store = Store.open(folder, pretty(experiment), lambda saved: _difference(saved, experiment))
    if _settled(store, experiment):
        console.say(f"Nothing to do: all cells are finished and judged; the report is {folder / 'report.html'}")
        return ledger(store)
    began = time.monotonic()
    show_plan(console, experiment.name, pilots, rest, space)
    _record(store, experiment, options)
    _truth(store, experiment)
    shared = _reference(store, experiment)
    with progress(console, sum(bucket.work for bucket in pilots + rest)) as advance:
        trainer = _Trainer(store, shared, options, space, advance)
        trainer.train(pilots)
        rates = _rates(experiment, current_cells(store))
        trainer.train(_buckets(experiment, space, rates)[1])
    console.say("Measuring the replicates on the shared contexts …")
    ensembles.observe(store, experiment, rates, shared)
    _compare(store, experiment, shared)
    verdicts = conclude(store, experiment)
    console.verdicts(verdicts, time.monotonic() - began, folder / "report.html")
    return verdicts


class _Trainer:
    """Trains buckets one after the other and stores what they yield."""

    def __init__(
        self, store: Store, shared: Reference, options: Options, space: Room, advance: Callable[..., None]
    ) -> None:
        self.store, self.options, self.space, self.advance = store, options, space, advance
        self.contexts = Contexts(jnp.asarray(shared.tokens_BL), jnp.asarray(shared.logp_BLV.astype(np.float32)))

    def train(self, todo: Sequence[Bucket]) -> None:
        """Train what is missing of these buckets, carrying on from the snapshot of a bucket where there is one."""
        for bucket in todo:
            missing = tuple(cell for cell in bucket.cells if not self.store.has(cell.digest))
            if missing and not self.store.snapshot(bucket.digest).path.exists():
                self.advance(bucket, bucket.tokens - bucket._replace(cells=missing).tokens, trained=False)
                self._train(bucket._replace(cells=missing))
            elif missing:
                self._train(bucket)
            else:
                self.store.snapshot(bucket.digest).drop()
                self.advance(bucket, bucket.tokens, trained=False)

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
            progress=lambda tokens, trained: self.advance(bucket, tokens, trained=trained),
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


def _rates(experiment: Experiment, cells: pd.DataFrame) -> dict[Transformer, float]:
    """Return the chosen learning rate of every size for which one survived."""
    chosen = chosen_rates(cells)
    return {model: chosen[p] for model in experiment.models if (p := size(model).parameters) in chosen}


def _buckets(experiment: Experiment, space: Room, rates: dict[Transformer, float]) -> tuple[list[Bucket], list[Bucket]]:
    """Return the buckets that choose the learning rates and those of the rest of the grid, equally wide where free."""
    pilots, rest = experiment.pilot_cells(), experiment.main_cells(rates)
    lanes = max(len(pilots) // len(experiment.models), len(rest) // max(len(rates), 1))
    return plan(pilots, space, lanes), plan(rest, space, lanes)


def _record(store: Store, experiment: Experiment, options: Options) -> None:
    """Leave the claims as they stand before the first training step, and add this process to the provenance."""
    if not (store.folder / "declared.json").exists():
        declare(store, experiment.claims)
    earlier = store.read_json("provenance.json") if (store.folder / "provenance.json").exists() else []
    store.write_json("provenance.json", [*earlier, machine.provenance(experiment.seed, msgspec.to_builtins(options))])


def _truth(store: Store, experiment: Experiment) -> None:
    """Compute the truth of the world unless the store holds it."""
    if not (store.folder / "truth.json").exists():
        save_truth(store, experiment.world.truth(experiment.model.context))


def _reference(store: Store, experiment: Experiment) -> Reference:
    """Return the shared contexts, and leave the Bayes loss on them for judging without a model."""
    evaluation = experiment.evaluation
    shared = reference(
        experiment.world, sequences=evaluation.sequences, length=experiment.model.context, seed=experiment.seed
    )
    bayes = {"bayes_nll_B": shared.nll_B, "bayes_entropy_B": shared.entropy_B}
    store.write_arrays("reference.parquet", bayes | {"tokens_BL": shared.tokens_BL})
    return shared


def _compare(store: Store, experiment: Experiment, shared: Reference) -> None:
    """Measure the reference predictors on the windows that are reported, unless the store holds them."""
    if not references.holds(saved_references(store), experiment.references):
        read = reported(experiment.training.stopping, len(shared.tokens_BL))
        windows = Reference(shared.tokens_BL[read], shared.logp_BLV[read])
        store.write_frame(references.TABLE, regret.table(experiment.references, windows))


def _settled(store: Store, experiment: Experiment) -> bool:
    """Return whether every cell is finished and exactly these claims are judged and reported."""
    if not judged(store, experiment) or not ensembles.observed(store):
        return False
    if not references.holds(saved_references(store), experiment.references):
        return False
    if not all(store.has(cell.digest) for cell in experiment.pilot_cells()):
        return False
    return all(store.has(cell.digest) for cell in experiment.main_cells(_rates(experiment, current_cells(store))))


def _difference(saved: bytes, experiment: Experiment) -> str | None:
    old, new = decode(saved).training_identity(), experiment.training_identity()
    return next((f"its {name} is {old[name]}, not {new[name]}" for name in new if old.get(name) != new[name]), None)
