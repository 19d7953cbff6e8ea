"""The story, told once for every question: plan, foretell, declare, do what each stage lacks, judge, report."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from testbed import engine, judging
from testbed.ground.options import Options
from testbed.ground.wording import short
from testbed.judging import power
from testbed.store import Store, ledger, machine
from testbed.study import Study, decode
from testbed.terminal.console import Console
from testbed.terminal.plan import show
from testbed.training import where
from testbed.verdict import Verdict


def run(study: Study, folder: Path, options: Options, console: Console) -> list[Verdict]:
    """Do what the folder lacks, stage by stage, then judge and report; return the verdicts.

    Before the first step, and again once pilots tell more, it is simulated what each claim can decide.

    Error: StoreError if the folder belongs to another question or cannot be used; ValueError if a claim or the plan
    does not fit, or the design never decides a claim that is not exploratory.
    """
    judging.check_claims(study)
    study = study.looked_up()
    machine.keep_compilations()
    ahead = study.plan(options)
    ledger.check_version(folder, study.earlier())
    store = Store.open(folder, study.pretty(), lambda saved: _difference(saved, study))
    if not store.reworded and _settled(store, study, options):
        console.say(f"Nothing to do: all of it is done and judged; the report is {folder / judging.REPORT}")
        return ledger.read(store)
    began = time.monotonic()
    show(console, study.name, ahead, where(options))
    if not store.begun():
        power.tell(store, study, options, console, gate=True)
    ledger.begin(store, study.claims, machine.provenance(study.seed, msgspec.to_builtins(options)))
    for stage in study.stages():
        lacking = stage.lacking(store, options)
        engine.run(stage.name, lacking, store, options, console)
        if stage.telling and lacking:
            power.tell(store, study, options, console, gate=False)
    console.say(f"Judging {len(study.claims)} claims, and writing the report …")
    verdicts = judging.conclude(store, study)
    console.verdicts(verdicts, time.monotonic() - began, folder / judging.REPORT)
    return verdicts


def _settled(store: Store, study: Study, options: Options) -> bool:
    """Return whether no stage lacks anything, and exactly these claims are judged and reported."""
    left: Sequence[str] = (*judging.left(study), "checks.json", judging.REPORT)
    if not all(map(store.holds, left)) or not ledger.judged(store, study.claims):
        return False
    return not any(stage.lacking(store, options) for stage in study.stages())


def _difference(saved: bytes, study: Study) -> str | None:
    """Return in words how a saved question is another one, or None."""
    earlier = decode(saved)
    if earlier.kind != study.kind:
        return f"its kind is {earlier.kind}, not {study.kind}"
    old, new = earlier.identity(), study.identity()
    return next(
        (
            f"its {name} is {short(old[name], 80)}, not {short(new[name], 80)}"
            for name in new
            if old.get(name) != new[name]
        ),
        None,
    )
