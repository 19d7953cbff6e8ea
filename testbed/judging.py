"""From what a store holds to verdicts and a report; nothing here trains, or needs a model."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from testbed import ledger
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
from testbed.spec import EARLIER, SCHEMA, Experiment, decode
from testbed.stats.estimate import Estimate
from testbed.store import Store, StoreError, write_outside
from testbed.verdict import Claim, Verdict, judge
from testbed.wording import offered, short

ENSEMBLE_COLUMNS = ["parameters", "role", "tokens", *Decomposition.__struct_fields__]
"""Columns of the table of ensembles, also where every cell diverged and it has no rows."""

NEEDED = (
    *("schema", "label", "parameters", "parameters_body", "context", "role", "tokens", "draw", "initialisation"),
    *("learning_rate", "horizon", "batch", "status", "sentence", "kept_step", "seconds", "spec"),
    *("kl_CB", "ce_CB", "step_C"),
)
"""Columns of a cell."""

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
    console.say(f"Judging {len(experiment.claims)} claims, and writing the report …")
    verdicts = conclude(store, experiment)
    store.write_text("spec.json", pretty(experiment))
    console.verdicts(verdicts, time.monotonic() - began, folder / "report.html")
    return verdicts


def rewrite_report(folder: Path, console: Console, svg: Path | None = None) -> None:
    """Write the report of a judged run again, and its main figure as SVG if ``svg`` names a place."""
    store, experiment = _opened(folder)
    analysis = _analysis(store, experiment)
    _write_report(store, experiment, analysis, ledger.read(store))
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
    log = ledger.declared(store, experiment.claims)
    verdicts = [
        judge(claim, known[claim.quantity](analysis, claim.level), checked, declared=log.of(claim))
        for claim in experiment.claims
    ]
    ledger.write(store, verdicts)
    store.write_json("checks.json", [ledger.plain(check) for check in checked])
    _write_report(store, experiment, analysis, verdicts)
    return verdicts


def current_cells(store: Store, experiment: Experiment) -> pd.DataFrame:
    """Return the finished cells of this experiment, of the newest version that made any and that this one can read.

    Other parts are left out.

    Error: StoreError if there are parts, and all of them are of versions that this one cannot read.
    """
    readable = (SCHEMA, *EARLIER)
    found = (store.cells(_possible(experiment, schema), NEEDED) for schema in readable)
    cells = next((each for each in found if len(each)), pd.DataFrame())
    strange = set() if len(cells) else {store.row(digest).get("schema") for digest in store.digests()}
    if strange and not strange & set(readable):
        made, read = (", ".join(map(str, each)) for each in (sorted(strange, key=str), sorted(readable)))
        raise StoreError(
            f"{store.folder} holds cells of schema {made}: this one reads {read}; use the version that made the run."
        )
    return cells


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
                f"claim {claim.id}: its quantity {short(claim.quantity)!r} is unknown; "
                f"{offered(claim.quantity, known_estimates())}; `testbed list` tells what each is."
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
    found: Truth = store.read_json("truth.json", Truth)
    return found


def saved_references(store: Store) -> pd.DataFrame:
    """Return the regrets of the reference predictors that a run left; no rows if it was made without them."""
    kept = store.holds(references.TABLE)
    return store.read_frame(references.TABLE, tuple(references.COLUMNS)) if kept else references.nothing()


def derived(experiment: Experiment) -> list[str]:
    """Return the names of all files that a finished run of this experiment has beside its parts."""
    tables = [
        "cells.parquet",
        "estimates.parquet",
        "loss_parts.parquet",
        "reference.parquet",
        *map(table_name, measures()),
    ]
    tables += [references.TABLE] * bool(experiment.references)
    return [*tables, "truth.json", "checks.json", "ledger.json", "provenance.json", "report.html"]


def _possible(experiment: Experiment, schema: int = SCHEMA) -> set[str]:
    """Return the names of all cells of an experiment in a version, whatever learning rates its pilots choose."""
    rates = experiment.training.learning_rates
    cells = [cell for rate in rates for cell in experiment.main_cells(dict.fromkeys(experiment.models, rate))]
    return {cell.named(schema) for cell in (*experiment.pilot_cells(), *cells)}


def _strange(store: Store, experiment: Experiment) -> int:
    """Return how many parts are in the folder that are not of this experiment."""
    known = set().union(*(_possible(experiment, schema) for schema in (SCHEMA, *EARLIER)))
    return len(set(store.digests()) - known)


def _opened(folder: Path) -> tuple[Store, Experiment]:
    store = Store.existing(folder)
    return store, store.spec(decode)


def _analysis(store: Store, experiment: Experiment) -> Analysis:
    tables = {name: table_name(name) for name in measures()}
    if not all(map(store.holds, tables.values())):
        raise StoreError(
            f"{store.folder} is not finished: judging needs every cell and measure; run the experiment to its end."
        )
    cells = current_cells(store, experiment)
    if not len(cells):
        raise StoreError(
            f"{store.folder} holds no finished cell of its experiment: judging needs every one; run it to its end."
        )
    truth = saved_truth(store)
    shared = store.read_arrays("reference.parquet", ("bayes_nll_B", "bayes_entropy_B"))
    measured = {name: store.read_frame(table, ("parameters", "role", "tokens")) for name, table in tables.items()}
    return Analysis(
        cells=cells,
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
    table, split = estimates(analysis, level=LEVEL), loss_parts(analysis, level=LEVEL)
    fitted = [p for p, tokens in analysis.stored_tokens.items() if len(tokens) > 1]
    law = variance_law(analysis, fitted, level=LEVEL)
    page = Page(
        title=experiment.name.replace("_", " "),
        question=experiment.question,
        ledger=[ledger.plain(verdict) for verdict in verdicts],
        checks=[ledger.plain(check) for check in checks(analysis, expected=experiment.cell_count)],
        estimates=table,
        parts=split,
        curves=curves(analysis),
        positions=analysis.measured["positions"],
        references=references.lines(saved_references(store), level=LEVEL),
        constants={} if isinstance(law, str) else dict(zip(fitted, law.constants_G.tolist(), strict=True)),
        truth=_truth_lines(saved_truth(store)),
        dropped=_dropped(analysis)
        | {
            "parts of other experiments, or of other versions": _strange(store, experiment),
            ledger.UNJUDGED: ledger.unjudged(store, verdicts),
        },
        spec=pretty(experiment).decode(),
        provenance=ledger.provenance(store),
    )
    store.write_frame("cells.parquet", analysis.cells.drop(columns="spec"))
    store.write_frame("estimates.parquet", table)
    store.write_frame("loss_parts.parquet", split)
    store.write_page("report.html", render(page).encode())


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
