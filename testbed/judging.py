"""From what a store holds to verdicts and a report; nothing here trains, or needs a model."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from testbed.console import Console
from testbed.measure import references
from testbed.measure.analysis import Analysis
from testbed.measure.checks import checks
from testbed.measure.claimed import ESTIMATES
from testbed.measure.ensemble import measures, table_name
from testbed.measure.geometric import Decomposition
from testbed.measure.split import curves, estimates, loss_parts, variance_law
from testbed.report.page import Page, render
from testbed.report.picture import picture
from testbed.sources import Absent, Quantity, Truth
from testbed.spec import SCHEMA, Experiment, decode
from testbed.stats.estimate import Estimate
from testbed.store import Store, StoreError, write_outside
from testbed.verdict import Claim, Verdict, judge

ENSEMBLE_COLUMNS = ["parameters", "role", "tokens", *Decomposition.__struct_fields__]
"""Columns of the table of ensembles, also where every cell diverged and it has no rows."""

LEVEL = 0.95
"""Level of the intervals in tables and figures; each claim has its own."""


def rejudge(folder: Path, claims: Sequence[Claim] | None, console: Console) -> list[Verdict]:
    """Judge a finished run again, by new claims if given; return the verdicts.

    Error: ValueError if a claim is about an unknown estimate; StoreError if the run is not finished or damaged.
    """
    began = time.monotonic()
    store, experiment = _opened(folder)
    if claims is not None:
        experiment = msgspec.structs.replace(experiment, claims=tuple(claims))
    check_claims(experiment.claims)
    verdicts = conclude(store, experiment)
    store.write_bytes("spec.json", pretty(experiment))
    console.verdicts(verdicts, time.monotonic() - began, folder / "report.html")
    return verdicts


def rewrite_report(folder: Path, console: Console, svg: Path | None = None) -> None:
    """Write the report of a judged run again, and its main figure as SVG if ``svg`` names a place."""
    store, experiment = _opened(folder)
    analysis = _analysis(store, experiment)
    _write_report(store, experiment, analysis, ledger(store))
    console.say(f"The report is {folder / 'report.html'}")
    if svg is not None:
        drawn = picture(estimates(analysis, level=LEVEL), loss_parts(analysis, level=LEVEL))
        write_outside(svg, drawn.encode())
        console.say(f"The picture is {svg}")


def conclude(store: Store, experiment: Experiment) -> list[Verdict]:
    """Judge every claim of a finished run; write ledger, tables and report; return the verdicts."""
    analysis = _analysis(store, experiment)
    checked = checks(analysis, expected=experiment.cell_count)
    known = known_estimates()
    verdicts = [
        judge(claim, known[claim.quantity](analysis, claim.level), checked, declared=_declared(store, claim))
        for claim in experiment.claims
    ]
    store.write_json("ledger.json", [_plain(verdict) for verdict in verdicts])
    store.write_json("checks.json", [_plain(check) for check in checked])
    _write_report(store, experiment, analysis, verdicts)
    return verdicts


def judged(store: Store, experiment: Experiment) -> bool:
    """Return whether the ledger and the report of exactly these claims are there."""
    if not all((store.folder / name).exists() for name in ("ledger.json", "report.html")):
        return False
    declared = [(c.id, c.sentence, c.section, c.quantity, c.level, (c.low, c.high)) for c in experiment.claims]
    return declared == [(v.id, v.sentence, v.section, v.quantity, v.level, v.region) for v in ledger(store)]


def ledger(store: Store) -> list[Verdict]:
    """Return the verdicts that were last reached; an endless end of an interval is None."""
    return _converted(store, "ledger.json", list[Verdict])


def current_cells(store: Store) -> pd.DataFrame:
    """Return the finished cells whose meaning is that of this version; parts of an older schema are left out."""
    cells = store.cells()
    return cells[cells["schema"] == SCHEMA].reset_index(drop=True) if len(cells) else cells


def declare(store: Store, claims: Sequence[Claim]) -> None:
    """Leave the claims as they are before anything is trained; they are never overwritten."""
    store.write_json("declared.json", [_plain(claim) for claim in claims])


def _declared(store: Store, claim: Claim) -> bool:
    """Return whether exactly this claim was declared before the run."""
    return _plain(claim) in store.read_json("declared.json")


def known_estimates() -> dict[str, Callable[[Analysis, float], Estimate | str]]:
    """Return the numbers that claims can be about, by name: the general ones and those of the measures on the shelf."""
    return ESTIMATES | {name: number for measure in measures().values() for name, number in measure.estimates.items()}


def check_claims(claims: Sequence[Claim]) -> None:
    """Refuse claims about estimates that do not exist.

    Error: ValueError that lists the known ones.
    """
    for claim in claims:
        if claim.quantity not in known_estimates():
            raise ValueError(
                f"claim {claim.id}: its quantity {claim.quantity!r} is unknown; known: {', '.join(known_estimates())}."
            )


def pretty(experiment: Experiment) -> bytes:
    """Return the exact spec as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(experiment), indent=1) + b"\n"


def save_truth(store: Store, truth: Truth) -> None:
    """Leave the truth of the world where judging finds it."""
    store.write_json("truth.json", msgspec.to_builtins(truth))


def saved_truth(store: Store) -> Truth:
    """Return the truth that a run left.

    Error: StoreError if there is none, or it is damaged.
    """
    return _converted(store, "truth.json", Truth)


def saved_references(store: Store) -> pd.DataFrame:
    """Return the regrets of the reference predictors that a run left; no rows if it was made without them."""
    kept = (store.folder / references.TABLE).exists()
    return store.read_frame(references.TABLE) if kept else references.nothing()


def _opened(folder: Path) -> tuple[Store, Experiment]:
    store = Store.existing(folder)
    return store, decode((folder / "spec.json").read_bytes())


def _analysis(store: Store, experiment: Experiment) -> Analysis:
    tables = {name: table_name(name) for name in measures()}
    if not all((store.folder / table).exists() for table in tables.values()):
        raise StoreError(
            f"{store.folder} is not finished: judging needs every cell and measure; run the experiment to its end."
        )
    truth = saved_truth(store)
    shared = store.read_arrays("reference.parquet")
    measured = {name: store.read_frame(table) for name, table in tables.items()}
    return Analysis(
        cells=current_cells(store),
        ensembles=measured["split"].reindex(columns=ENSEMBLE_COLUMNS),
        epsilon=truth.epsilon.value,
        epsilon_error=truth.epsilon.error,
        bayes_nll_B=shared["bayes_nll_B"],
        stopping=experiment.training.stopping,
        measured=measured,
        bayes_entropy_B=shared["bayes_entropy_B"],
        nested=experiment.grid.nested,
    )


def _write_report(store: Store, experiment: Experiment, analysis: Analysis, verdicts: Sequence[Verdict]) -> None:
    table = estimates(analysis, level=LEVEL)
    fitted = [p for p, tokens in analysis.stored_tokens.items() if len(tokens) > 1]
    law = variance_law(analysis, fitted, level=LEVEL)
    page = Page(
        title=experiment.name.replace("_", " "),
        question=experiment.question,
        ledger=[_plain(verdict) for verdict in verdicts],
        checks=[_plain(check) for check in checks(analysis, expected=experiment.cell_count)],
        estimates=table,
        parts=loss_parts(analysis, level=LEVEL),
        curves=curves(analysis),
        positions=analysis.measured["positions"],
        references=references.lines(saved_references(store), level=LEVEL),
        constants={} if isinstance(law, str) else dict(zip(fitted, law.constants_G.tolist(), strict=True)),
        truth=_truth_lines(saved_truth(store)),
        dropped=_dropped(analysis),
        spec=pretty(experiment).decode(),
        provenance=_provenance(store),
    )
    store.write_frame("cells.parquet", analysis.cells.drop(columns="spec"))
    store.write_frame("estimates.parquet", table)
    store.write_bytes("report.html", render(page).encode())


def _provenance(store: Store) -> dict[str, str]:
    """Return the lines about each process that worked on the run, numbered if there are several."""
    records = store.read_json("provenance.json")
    marks = ("",) if len(records) == 1 else tuple(f", process {number}" for number in range(1, len(records) + 1))
    return {
        f"{name}{mark}": str(value)
        for record, mark in zip(records, marks, strict=True)
        for name, value in record.items()
    }


def _truth_lines(truth: Truth) -> list[dict[str, Any]]:
    named: list[tuple[str, Quantity | Absent]] = [
        (f"ε over {truth.length} tokens", truth.epsilon),
        ("entropy rate", truth.rate),
        ("oracle entropy", truth.oracle),
    ]
    named += [(f"h_{position}", quantity) for position, quantity in enumerate(truth.curve, start=1)]
    return [
        {"name": name, **msgspec.to_builtins(quantity)} for name, quantity in named if isinstance(quantity, Quantity)
    ]


def _dropped(analysis: Analysis) -> dict[str, int]:
    """Return how many cells take no part in the estimates, by reason."""
    cells = analysis.cells
    diverged = int((cells["status"] != "finished").sum())
    pilots = int(((cells["status"] == "finished") & (cells["role"] == "pilot")).sum())
    return {"diverged": diverged, "pilots, which only choose the learning rates": pilots}


def _converted(store: Store, name: str, kind: Any) -> Any:
    try:
        return msgspec.convert(store.read_json(name), kind)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"{store.folder / name} does not hold what it should ({error}): delete it and run again."
        ) from error


def _plain(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as JSON would hold it: the infinite and the undefined are null."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain
