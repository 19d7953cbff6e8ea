"""What stays of claims in the folder of a run: as declared before it, and as judged after it; and who made the run."""

from collections.abc import Sequence
from typing import Any

import msgspec

from testbed.store import Store, StoreError
from testbed.verdict import Claim, Verdict


def declare(store: Store, claims: Sequence[Claim]) -> None:
    """Leave the claims as they are before anything is trained or observed; they are never overwritten."""
    if not (store.folder / "declared.json").exists():
        store.write_json("declared.json", [plain(claim) for claim in claims])


def declared(store: Store, claim: Claim) -> bool:
    """Return whether exactly this claim was declared before the run."""
    return claim in converted(store, "declared.json", list[Claim])


def write(store: Store, verdicts: Sequence[Verdict]) -> None:
    """Leave the verdicts."""
    store.write_json("ledger.json", [plain(verdict) for verdict in verdicts])


def read(store: Store) -> list[Verdict]:
    """Return the verdicts that were last reached; an endless end of an interval is None."""
    found: list[Verdict] = converted(store, "ledger.json", list[Verdict])
    return found


def judged(store: Store, claims: Sequence[Claim]) -> bool:
    """Return whether the ledger and the report of exactly these claims are there."""
    if not all((store.folder / name).exists() for name in ("ledger.json", "report.html")):
        return False
    asked = [(c.id, c.sentence, c.section, c.kind, c.quantity, c.about, c.level, (c.low, c.high)) for c in claims]
    return asked == [(v.id, v.sentence, v.section, v.kind, v.quantity, v.about, v.level, v.region) for v in read(store)]


def record(store: Store, made: dict[str, Any]) -> None:
    """Add this process to the provenance."""
    earlier = store.read_json("provenance.json") if (store.folder / "provenance.json").exists() else []
    store.write_json("provenance.json", [*earlier, made])


def provenance(store: Store) -> dict[str, str]:
    """Return the lines about each process that worked on the run, numbered if there are several."""
    records = store.read_json("provenance.json")
    marks = ("",) if len(records) == 1 else tuple(f", process {number}" for number in range(1, len(records) + 1))
    return {
        f"{name}{mark}": str(value)
        for record, mark in zip(records, marks, strict=True)
        for name, value in record.items()
    }


def converted(store: Store, name: str, kind: Any) -> Any:
    """Return what a JSON file of the run holds, as a value of this kind.

    Error: StoreError if it holds something else.
    """
    try:
        return msgspec.convert(store.read_json(name), kind)
    except msgspec.ValidationError as error:
        raise StoreError(
            f"{store.folder / name} does not hold what it should ({error}): delete it and run again."
        ) from error


def plain(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as JSON would hold it: the infinite and the undefined are null."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return found
