"""The story, told once: plan, train, store, measure, judge, report. Every step restarts from what the store holds."""

import time
from pathlib import Path

import jax
import msgspec
import pandas as pd

from testbed import ensembles, ledger, machine
from testbed.console import Console
from testbed.judging import (
    check_claims,
    conclude,
    current_cells,
    derived,
    pretty,
    save_truth,
    saved_references,
    saved_truth,
)
from testbed.measure import references, regret
from testbed.measure.analysis import chosen_rates, reported
from testbed.measure.contexts import Reference, reference
from testbed.model.size import size
from testbed.model.transformer import Transformer
from testbed.progress import progress, show_plan
from testbed.spec import EARLIER, Experiment, decode
from testbed.store import Store
from testbed.train.plan import Bucket, Room, plan, room
from testbed.training import Options, Trainer
from testbed.verdict import Verdict
from testbed.wording import short


def run(experiment: Experiment, folder: Path, options: Options, console: Console) -> list[Verdict]:
    """Train what the folder lacks, then measure, judge and report; return the verdicts.

    Error: StoreError if the folder belongs to another spec or cannot be used; ValueError if the plan does not fit.
    """
    check_claims(experiment.claims)
    machine.keep_compilations()
    space = room(tuple(jax.local_devices()), options.mapping, options.memory_gib)
    pilots, rest = _buckets(experiment, space, dict.fromkeys(experiment.models, experiment.training.learning_rates[0]))
    ledger.check_version(folder, (cell.named(schema) for cell in experiment.pilot_cells() for schema in EARLIER))
    store = Store.open(folder, pretty(experiment), lambda saved: _difference(saved, experiment))
    if not store.reworded and _settled(store, experiment):
        console.say(f"Nothing to do: all cells are finished and judged; the report is {folder / 'report.html'}")
        return ledger.read(store)
    began = time.monotonic()
    show_plan(console, experiment.name, pilots, rest, space)
    _record(store, experiment, options)
    _truth(store, experiment, console)
    console.say("Drawing the contexts on which all models are compared …")
    shared = _reference(store, experiment)
    with progress(console, sum(bucket.work for bucket in pilots + rest)) as watch:
        trainer = Trainer(store, shared, options, space, watch)
        trainer.train(pilots)
        rates = _rates(experiment, current_cells(store, experiment))
        trainer.train(_buckets(experiment, space, rates)[1])
    console.say("Measuring the replicates on the shared contexts …")
    ensembles.observe(store, experiment, rates, shared, console)
    _compare(store, experiment, shared, console)
    console.say(f"Judging {len(experiment.claims)} claims, and writing the report …")
    verdicts = conclude(store, experiment)
    console.verdicts(verdicts, time.monotonic() - began, folder / "report.html")
    return verdicts


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
    """Declare the claims before the first training step, and add this process to the provenance."""
    ledger.begin(store, experiment.claims, machine.provenance(experiment.seed, msgspec.to_builtins(options)))


def _truth(store: Store, experiment: Experiment, console: Console) -> None:
    """Compute the truth of the world unless the store holds it, sound."""
    if store.holds("truth.json"):
        saved_truth(store)
    else:
        console.say("Computing the entropies of the world …")
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


def _compare(store: Store, experiment: Experiment, shared: Reference, console: Console) -> None:
    """Measure the reference predictors on the windows that are reported, unless the store holds them."""
    if not references.holds(saved_references(store), experiment.references):
        console.say(f"Measuring {len(experiment.references)} reference predictors …")
        read = reported(experiment.training.stopping, len(shared.tokens_BL))
        windows = Reference(shared.tokens_BL[read], shared.logp_BLV[read])
        store.write_frame(references.TABLE, regret.table(experiment.references, windows))


def _settled(store: Store, experiment: Experiment) -> bool:
    """Return whether every cell is finished and exactly these claims are judged and reported."""
    if not all(map(store.holds, derived(experiment))) or not ledger.judged(store, experiment.claims):
        return False
    if not references.holds(saved_references(store), experiment.references):
        return False
    if not all(store.has(cell.digest) for cell in experiment.pilot_cells()):
        return False
    cells = current_cells(store, experiment)
    return all(store.has(cell.digest) for cell in experiment.main_cells(_rates(experiment, cells)))


def _difference(saved: bytes, experiment: Experiment) -> str | None:
    old, new = decode(saved).training_identity(), experiment.training_identity()
    return next(
        (
            f"its {name} is {short(old[name], 80)}, not {short(new[name], 80)}"
            for name in new
            if old.get(name) != new[name]
        ),
        None,
    )
