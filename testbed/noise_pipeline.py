"""The story of a study of noise: train what is to be trained, observe every point, predict, judge, report."""

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import msgspec

from testbed import ledger, machine, noise_points, noise_tables
from testbed.console import Console
from testbed.measure.contexts import reference
from testbed.noise_judging import check_claims, conclude, observed, pretty
from testbed.progress import progress, show_plan
from testbed.spec import Cell
from testbed.store import Store
from testbed.study import EARLIER, NoiseStudy, decode
from testbed.train.plan import Bucket, Room, plan, room
from testbed.training import Options, Trainer
from testbed.verdict import Verdict
from testbed.wording import short


def run(study: NoiseStudy, folder: Path, options: Options, console: Console) -> list[Verdict]:
    """Train and observe what the folder lacks, then predict, judge and report; return the verdicts.

    Error: StoreError if the folder belongs to another study or cannot be used; ValueError if a claim or the plan does
    not fit.
    """
    check_claims(study)
    machine.keep_compilations()
    space = room(tuple(jax.local_devices()), options.mapping, options.memory_gib)
    noise_points.check_memory(study, space.bytes_per_device)
    noise_points.check_arms(study)
    todo = _buckets(study, space)
    earlier = EARLIER.items()
    ledger.check_version(folder, (point.named(*schemas) for point in study.points() for schemas in earlier))
    store = Store.open(folder, pretty(study), lambda saved: _difference(saved, study))
    if not store.reworded and _settled(store, study):
        console.say(f"Nothing to do: all points are observed and judged; the report is {folder / 'report.html'}")
        return ledger.read(store)
    began = time.monotonic()
    ledger.begin(store, study.claims, machine.provenance(study.seed, msgspec.to_builtins(options)))
    _train(study, store, options, space, todo, console)
    _observe(study, store, console)
    if not observed(store):
        console.say("Comparing with theory, and measuring the assumptions …")
        noise_tables.write(study, store, workers=len(space.devices))
    console.say(f"Judging {len(study.claims)} claims, and writing the report …")
    verdicts = conclude(store, study)
    console.verdicts(verdicts, time.monotonic() - began, folder / "report.html")
    return verdicts


def _buckets(study: NoiseStudy, space: Room) -> list[Bucket]:
    """Return the buckets of the training runs; cells of one bucket share world and window."""
    cells = sorted(study.cells(), key=_window_of)
    return [bucket for _, group in itertools.groupby(cells, key=_window_of) for bucket in plan(group, space)]


def _window_of(cell: Cell) -> tuple[str, int]:
    return msgspec.json.encode(cell.world).decode(), cell.model.context


def _train(
    study: NoiseStudy, store: Store, options: Options, space: Room, todo: Sequence[Bucket], console: Console
) -> None:
    """Train the models of the study, each bucket evaluated on windows of its own world."""
    if all(store.has(cell.digest) for bucket in todo for cell in bucket.cells):
        return
    show_plan(console, study.name, (), todo, space)
    with progress(console, sum(bucket.work for bucket in todo)) as watch:
        for bucket in todo:
            cell = bucket.cells[0]
            shared = reference(
                cell.world, sequences=cell.evaluation.sequences, length=cell.model.context, seed=study.seed
            )
            Trainer(store, shared, options, space, watch).train([bucket])


def _observe(study: NoiseStudy, store: Store, console: Console) -> None:
    """Observe every point that the store lacks."""
    points = [point for point in study.points() if not store.has(point.digest)]
    with console.progress("observing", sum(map(noise_points.work, points))) as shown:
        noise_points.observe_all(store, points, shown)


def _settled(store: Store, study: NoiseStudy) -> bool:
    """Return whether every point is observed and exactly these claims are judged and reported."""
    if not observed(store) or not all(map(store.holds, ("fits.parquet", "checks.json"))):
        return False
    if not all(store.has(cell.digest) for cell in study.cells()):
        return False
    missing = [point for point in study.points() if not store.has(point.digest)]
    diverged = (point.cell is not None and store.row(point.cell.digest)["status"] != "finished" for point in missing)
    return all(diverged) and ledger.judged(store, study.claims)


def _difference(saved: bytes, study: NoiseStudy) -> str | None:
    old, new = decode(saved).identity(), study.identity()
    return next(
        (
            f"its {name} is {short(old[name], 80)}, not {short(new[name], 80)}"
            for name in new
            if old.get(name) != new[name]
        ),
        None,
    )
