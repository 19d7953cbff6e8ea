"""What is left of judging in the folder of a run: the verdicts; and who made the run."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from testbed.store import PROVENANCE, Store, StoreError
from testbed.store.declarations import ANCHOR, LOST, Declarations, declare
from testbed.store.refusals import FORETOLD
from testbed.verdict import Claim, Verdict
from testbed.verdict.forecast import Forecast


class Foretold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim, and what was told of it before the run."""

    claim: dict[str, Any]
    forecast: Forecast


UNJUDGED = "claims that were declared, and are not judged here"


def check_version(folder: Path, made: Iterable[str]) -> None:
    """Refuse to go on with a run of which a cell or point is there under a name that an earlier version gave it.

    Error: StoreError that says what may be done with the run.
    """
    store = Store(folder)
    if any(store.has(name) for name in made):
        raise StoreError(
            f"{folder} was made by an earlier version of testbed, whose draws were coarser: its results stand, but"
            " cells of two versions do not mix; judge or report it as it is, or choose another --out."
        )


def write(store: Store, verdicts: Sequence[Verdict]) -> None:
    """Leave the verdicts."""
    store.write_json("ledger.json", [plain(verdict) for verdict in verdicts])


def read(store: Store) -> list[Verdict]:
    """Return the verdicts that were last reached; an endless end of an interval is None.

    What they say of declarations is what the log of declarations says now.
    """
    log = Declarations(store)
    return [_restated(verdict, log) for verdict in _saved(store)]


def judged(store: Store, claims: Sequence[Claim]) -> bool:
    """Return whether the ledger and the report of exactly these claims are there, and what they say of declarations."""
    if not all(map(store.holds, ("ledger.json", "report.html", "provenance.json"))):
        return False
    verdicts, log = _saved(store), Declarations(store)
    return list(claims) == list(map(_claim_of, verdicts)) and all(
        _restated(verdict, log) == verdict for verdict in verdicts
    )


def begin(store: Store, claims: Sequence[Claim], made: dict[str, Any]) -> None:
    """Declare the claims before anything is trained or observed, and add this process to the provenance.

    A provenance that is gone, though the run has begun, can vouch for no declaration any more.
    """
    lost = store.begun() and not store.holds(PROVENANCE)
    digest = declare(store, claims)
    made = made | {ANCHOR: LOST if lost else digest}
    with store.locked():
        earlier = _records(store) if store.holds(PROVENANCE) else []
        store.write_json(PROVENANCE, [*earlier, made])


def declared(store: Store, claims: Sequence[Claim]) -> Declarations:
    """Return the log of declarations, once claims that it lacks are added."""
    found = Declarations(store)
    if all(claim in found.claims for claim in claims):
        return found
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    begin(store, claims, {"made": now, "settings": "claims that came when the run was judged"})
    return Declarations(store)


def foretell(store: Store, claims: Sequence[Claim], forecasts: Mapping[str, Forecast]) -> None:
    """Leave what is told of the claims before the run, in the place of what was told of them earlier."""
    told = [Foretold(claim=plain(claim), forecast=forecasts[claim.id]) for claim in claims if claim.id in forecasts]
    kept = [each for each in _foretold(store) if not any(_same(claim, each) for claim in claims)]
    store.write_json(FORETOLD, [plain(each) for each in (*kept, *told)])


def foretold(store: Store, claims: Sequence[Claim]) -> dict[str, Forecast]:
    """Return what was told of these claims before the run, by id; runs made before there were forecasts have none."""
    return {claim.id: each.forecast for each in _foretold(store) for claim in claims if _same(claim, each)}


def unjudged(store: Store, verdicts: Sequence[Verdict]) -> int:
    """Return how many claims were declared of which none of these verdicts is."""
    return sum(claim is not None and claim not in map(_claim_of, verdicts) for claim in Declarations(store).claims)


def provenance(store: Store) -> dict[str, str]:
    """Return the lines about each process that worked on the run, numbered if there are several.

    And one about the files read so far that no checksum vouches for.
    """
    records = _records(store)
    marks = ("",) if len(records) == 1 else tuple(f", process {number}" for number in range(1, len(records) + 1))
    lines = {
        f"{name}{mark}": str(value)
        for record, mark in zip(records, marks, strict=True)
        for name, value in record.items()
    }
    if store.unsealed:
        parts = sum(name.startswith("parts/") for name in store.unsealed)
        others = sorted(name for name in store.unsealed if "/" not in name)
        told = ", ".join([f"{parts} parts"] * (parts > 0) + others)
        lines["without a checksum of the whole file"] = f"{told}: written before testbed made them"
    return lines


def plain(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as JSON would hold it: the infinite and the undefined are null."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return found


def _foretold(store: Store) -> list[Foretold]:
    found: list[Foretold] = store.read_json(FORETOLD, list[Foretold]) if store.holds(FORETOLD) else []
    return found


def _same(claim: Claim, told: Foretold) -> bool:
    """Return whether a forecast is of a claim as it stands: of its number, region and level; words may have changed."""
    asked = plain(claim)
    return all(
        asked.get(name) == told.claim.get(name)
        for name in ("id", "quantity", "low", "high", "level", "about", "strict")
    )


def _saved(store: Store) -> list[Verdict]:
    found: list[Verdict] = store.read_json("ledger.json", list[Verdict])
    return found


def _records(store: Store) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.read_json(PROVENANCE, list[dict[str, Any]])
    return found


def _restated(verdict: Verdict, log: Declarations) -> Verdict:
    """Return the verdict with what the log says of the claim that it judges."""
    standing, at = log.of(_claim_of(verdict))
    return msgspec.structs.replace(verdict, declared=standing, declared_at=at)


def _claim_of(verdict: Verdict) -> Claim:
    shared = ("id", "sentence", "section", "quantity", "level", "about", "kind", "exploratory", "strict")
    low, high = verdict.region
    return Claim(low=low, high=high, **{name: getattr(verdict, name) for name in shared})
