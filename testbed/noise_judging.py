"""From what the store of a study holds to verdicts and a report; nothing here trains, or runs a model."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pandas as pd

from testbed import ledger
from testbed.console import Console
from testbed.measure.noise.analysis import About, NoiseAnalysis, about
from testbed.measure.noise.checked import checks
from testbed.measure.noise.claimed import ESTIMATES
from testbed.measure.noise.fits import fits
from testbed.report.noise_page import NoisePage, render
from testbed.report.noise_picture import picture
from testbed.spec import EARLIER, SCHEMA, Cell
from testbed.store import Store, StoreError, write_outside
from testbed.study import NoiseStudy, decode
from testbed.verdict import Claim, Verdict, judge
from testbed.wording import offered, short

TABLES: dict[str, tuple[str, ...]] = {
    "arms": ("arm", "predicted_slope"),
    "levels": ("arm", "draw", "length", "variance"),
    "shapes": ("arm", "draw", "length"),
    "joint": ("arm", "draw", "length"),
    "assumed": ("arm",),
    "trained": ("digest", "status"),
}
"""What observing leaves, a Parquet file each, and columns by which it is known."""

LEVEL = 0.95
"""Level of the intervals in tables and figures; each claim has its own."""


def rejudge(folder: Path, claims: Sequence[Claim] | None, console: Console) -> list[Verdict]:
    """Judge a finished study again, by new claims if given; return the verdicts.

    Error: ValueError if a claim is about what the study has not; StoreError if it is not finished or damaged.
    """
    began = time.monotonic()
    store, study = _opened(folder)
    if claims is not None:
        study = msgspec.structs.replace(study, claims=tuple(claims))
    check_claims(study)
    console.say(f"Judging {len(study.claims)} claims, and writing the report …")
    verdicts = conclude(store, study)
    store.write_text("spec.json", pretty(study))
    console.verdicts(verdicts, time.monotonic() - began, folder / "report.html")
    return verdicts


def rewrite_report(folder: Path, console: Console, svg: Path | None = None) -> None:
    """Write the report of a judged study again, and its main figure as SVG if ``svg`` names a place."""
    store, study = _opened(folder)
    analysis = _analysis(store, study)
    table = fits(analysis, checks(analysis), level=LEVEL)
    _write_report(store, study, analysis, table, ledger.read(store))
    console.say(f"The report is {folder / 'report.html'}")
    if svg is not None:
        write_outside(svg, picture(analysis.levels, table, analysis.arms).encode())
        console.say(f"The picture is {svg}")


def conclude(store: Store, study: NoiseStudy) -> list[Verdict]:
    """Judge every claim of an observed study; write ledger, tables and report; return the verdicts."""
    analysis = _analysis(store, study)
    checked = checks(analysis)
    log = ledger.declared(store, study.claims)
    verdicts = []
    for claim in study.claims:
        found = ESTIMATES[claim.quantity](analysis, subject(claim), claim.level)
        verdicts.append(judge(claim, found, checked, declared=log.of(claim)))
    ledger.write(store, verdicts)
    store.write_json("checks.json", [ledger.plain(check) for check in checked])
    _write_report(store, study, analysis, fits(analysis, checked, level=LEVEL), verdicts)
    return verdicts


def check_claims(study: NoiseStudy) -> None:
    """Refuse claims about numbers or observed vectors that the study does not have.

    Error: ValueError that names the claim and lists what is known.
    """
    arms = {arm.name: arm for arm in study.arms}
    for claim in study.claims:
        if claim.quantity not in ESTIMATES:
            raise ValueError(
                f"claim {claim.id}: its quantity {short(claim.quantity)!r} is unknown; "
                f"{offered(claim.quantity, ESTIMATES)}; `testbed list` tells what each is."
            )
        where = subject(claim)
        if where.arm not in arms:
            raise ValueError(
                f"claim {claim.id}: the study has no arm {short(where.arm)!r}; {offered(where.arm, arms)}."
            )
        deepest = arms[where.arm].model.layers if arms[where.arm].deep else 1
        if where.layer > deepest:
            raise ValueError(
                f"claim {claim.id}: layer {where.layer} of {where.arm} is not observed, as the deepest is {deepest};"
                " make the arm deep, or claim something of another layer."
            )


def subject(claim: Claim) -> About:
    """Return the observed vector that a claim is about.

    Error: ValueError if it names none.
    """
    if claim.about is None:
        raise ValueError(f"claim {claim.id}: it is about no arm; give about='ARM', or arm/layer/part/given.")
    return about(claim.about)


def observed(store: Store) -> bool:
    """Return whether every table is there."""
    return all(store.holds(f"{name}.parquet") for name in TABLES)


def pretty(study: NoiseStudy) -> bytes:
    """Return the exact spec as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(study), indent=1) + b"\n"


def _opened(folder: Path) -> tuple[Store, NoiseStudy]:
    store = Store.existing(folder)
    return store, store.spec(decode)


def _analysis(store: Store, study: NoiseStudy) -> NoiseAnalysis:
    if not observed(store):
        raise StoreError(f"{store.folder} is not finished: judging needs every point of the study; run it to its end.")
    tables: dict[str, pd.DataFrame] = {
        name: store.read_frame(f"{name}.parquet", needed) for name, needed in TABLES.items()
    }
    trained, points = tables["trained"], study.points()
    diverged = set(trained["digest"][trained["status"] != "finished"])
    lost = sum(point.cell is not None and any(name in diverged for name in _names(point.cell)) for point in points)
    return NoiseAnalysis(**tables, expected=len(points), planned=len(study.cells()), lost=lost)


def _names(cell: Cell) -> list[str]:
    """Return the digests that a cell has in runs that can be judged."""
    return [cell.named(schema) for schema in (*EARLIER, SCHEMA)]


def _write_report(
    store: Store, study: NoiseStudy, analysis: NoiseAnalysis, table: pd.DataFrame, verdicts: Sequence[Verdict]
) -> None:
    diverged = int((analysis.trained["status"] != "finished").sum()) if len(analysis.trained) else 0
    page = NoisePage(
        title=study.name.replace("_", " "),
        question=study.question,
        ledger=[ledger.plain(verdict) for verdict in verdicts],
        checks=[ledger.plain(check) for check in checks(analysis)],
        arms=analysis.arms,
        levels=analysis.levels,
        fits=table,
        shapes=analysis.shapes,
        joint=analysis.joint,
        assumed=analysis.assumed,
        trained=analysis.trained,
        dropped={
            "models that diverged in training, whose points are missing": diverged,
            ledger.UNJUDGED: ledger.unjudged(store, verdicts),
        },
        spec=pretty(study).decode(),
        provenance=ledger.provenance(store),
    )
    store.write_frame("fits.parquet", table)
    store.write_page("report.html", render(page).encode())
