"""From what a store holds to verdicts and a report, for every question; nothing here trains, or needs a model."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from testbed.report.page import Frame
from testbed.store import Store, ledger, sheet, write_outside
from testbed.study import Study, decode
from testbed.terminal.console import Console
from testbed.verdict import Check, Claim, Verdict, judge

if TYPE_CHECKING:
    import pandas as pd

REPORT = "report.html"


def rejudge(folder: Path, claims: Sequence[Claim] | None, console: Console) -> list[Verdict]:
    """Judge a finished run again, by new claims if given; return the verdicts.

    Error: ValueError if a claim is about what the question does not have; StoreError if the run is not finished or
    damaged.
    """
    began = time.monotonic()
    store, study = opened(folder)
    if claims is not None:
        study = msgspec.structs.replace(study, claims=tuple(claims))
    check_claims(study)
    console.say(f"Judging {len(study.claims)} claims, and writing the report …")
    verdicts = conclude(store, study)
    store.write_text("spec.json", study.pretty())
    console.verdicts(verdicts, time.monotonic() - began, folder / REPORT)
    return verdicts


def rewrite_report(folder: Path, console: Console, svg: Path | None = None) -> None:
    """Write the report of a judged run again, and its main figure as SVG if ``svg`` names a place."""
    store, study = opened(folder)
    analysis = study.analysis(store)
    checks = study.checks(analysis)
    derived = study.derived(analysis, checks)
    drawn = None if svg is None else study.picture(analysis, derived)
    _write(store, study, analysis, checks, ledger.read(store), derived)
    console.say(f"The report is {folder / REPORT}")
    if svg is not None and drawn is not None:
        write_outside(svg, drawn.encode())
        console.say(f"The picture is {svg}")


def conclude(store: Store, study: Study) -> list[Verdict]:
    """Judge every claim of a finished run; write ledger, tables and report; return the verdicts."""
    analysis = study.analysis(store)
    checks = study.checks(analysis)
    log = ledger.declared(store, study.claims)
    told = ledger.foretold(store, study.claims)
    verdicts = [
        judge(claim, study.estimate(claim, analysis), checks, declared=log.of(claim), forecast=told.get(claim.id))
        for claim in study.claims
    ]
    ledger.write(store, verdicts)
    store.write_json("checks.json", [ledger.plain(check) for check in checks])
    _write(store, study, analysis, checks, verdicts, study.derived(analysis, checks))
    return verdicts


def check_claims(study: Study) -> None:
    """Refuse claims about what the question does not have.

    Error: ValueError that names the claim and lists what is known.
    """
    for claim in study.claims:
        study.check_claim(claim)


def left(study: Study) -> tuple[str, ...]:
    """Return the names of the tables that judging leaves: each as Parquet, and the same as CSV."""
    return (*study.tables, *(str(sheet(Path(name))) for name in study.tables))


def opened(folder: Path) -> tuple[Store, Study]:
    """Return the store of a run, and what it asks.

    Error: StoreError if the folder is no run, or its spec cannot be read.
    """
    store = Store.existing(folder)
    return store, store.spec(decode)


def of_study(folder: Path, study: Study) -> Store:
    """Return the store of a run of a study, which may have other words and claims.

    Error: StoreError if the folder is no run, ValueError if it is one of another study.
    """
    store, saved = opened(folder)
    if (saved.kind, saved.identity()) != (study.kind, study.identity()):
        raise ValueError(
            f"--out {folder}: it holds a run of another study than this preset and its overrides; name a run of it, or"
            " leave --out out."
        )
    return store


def _write(
    store: Store,
    study: Study,
    analysis: Any,
    checks: Sequence[Check],
    verdicts: Sequence[Verdict],
    derived: "Mapping[str, pd.DataFrame]",
) -> None:
    """Leave the derived tables and the page."""
    frame = Frame(
        title=study.name.replace("_", " "),
        question=study.question,
        ledger=[ledger.plain(verdict) for verdict in verdicts],
        checks=[ledger.plain(check) for check in checks],
        dropped={ledger.UNJUDGED: ledger.unjudged(store, verdicts)},
        spec=study.pretty().decode(),
        provenance=ledger.provenance(store),
    )
    if set(derived) != set(study.tables):
        raise TypeError(
            f"{type(study).__name__} derives {sorted(derived)}, and names {sorted(study.tables)} in `tables`."
        )
    page = study.page(frame, analysis, derived)
    for name, table in derived.items():
        store.write_sheet(name, table)
    store.write_page(REPORT, page.encode())
