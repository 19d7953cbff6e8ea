"""The log of declarations, `declared.json`: which claims were declared when, and whether before the first part.

It is only ever added to. Each entry holds its time, whether a part, a snapshot or what is made of them stood by then
(``begun``), and the digest of all that stood in the log before it. The provenance of each process that adds to it keeps
the digest of the log. So an entry that is edited, moved or taken away is noticed, and so is a provenance that is gone.
Runs made before there was a log hold a plain list of claims there, declared before the run; entries follow it.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec

from testbed.ground.reading import digest
from testbed.store import PROVENANCE, Store, StoreError
from testbed.verdict import Claim, Declared

_FILE = "declared.json"

_CLOCKS_SECONDS = 60.0
"""How far the clocks of two machines on one folder may differ."""

ANCHOR, LOST = "declarations", "provenance was lost"
"""Under this name the provenance of a process keeps the digest of the log; or that what vouched for the log is gone."""

_MISSING = Declared("declaration missing")


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Claims that were declared together."""

    at: datetime.datetime
    """When, in UTC."""
    begun: bool
    """Whether a part, a snapshot or what is made of them was there by then; once it was, it stays so."""
    before: str
    """sha256 of the canonical JSON of all items before this one; empty if there was no log."""
    claims: tuple[dict[str, Any], ...]


def declare(store: Store, claims: Sequence[Claim]) -> str | None:
    """Add those of these claims to the log that are not in it; return its digest.

    A log that is damaged is left as it is, once there is a part or snapshot: it cannot be begun again. The digest is
    None then.
    """
    with store.locked():
        items = _items(store)
        if items is None and store.begun() and store.holds(_FILE):
            return None
        known = [_claim(plain) for item in items or () for plain in item.get("claims", [item])]
        new = [_plain(claim) for claim in claims if claim not in known]
        if items is None or new:
            items = _added(store, items, new)
            store.write_json(_FILE, items)
        return digest(items)


class Declarations:
    """The log as it is now."""

    def __init__(self, store: Store) -> None:
        self.items = _items(store) or []
        self.claims = [_claim(plain) for item in self.items for plain in item.get("claims", [item])]
        self.oldest_part = store.oldest_part()
        anchors = _anchors(store)
        timed, heads = any("at" in item for item in self.items), _heads(self.items)
        vouched = bool(anchors) if timed else store.holds(PROVENANCE) or not store.begun()
        self.whole = _is_whole(self.items) and vouched and all(anchor in heads for anchor in anchors)

    def of(self, claim: Claim) -> Declared:
        """Return how exactly this claim stands to the run."""
        if not self.whole:
            return _MISSING
        found = next((item for item in self.items if claim in map(_claim, item.get("claims", [item]))), None)
        if found is None:
            return Declared("after the run")
        if "at" not in found:
            return Declared("before the run")
        entry = msgspec.convert(found, Entry)
        late = entry.begun or self.oldest_part < entry.at.timestamp() - _CLOCKS_SECONDS
        return Declared("after the run" if late else "before the run", found["at"])


def _added(store: Store, items: list[dict[str, Any]] | None, claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the log with one more entry, no older than the last one."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    before = "" if items is None else digest(items)
    items = items or []
    last = items[-1].get("at", now) if items else now
    begun = store.begun() or any(item.get("begun", False) for item in items)
    return [*items, {"at": max(now, str(last)), "begun": begun, "before": before, "claims": claims}]


def _items(store: Store) -> list[dict[str, Any]] | None:
    """Return the items of the log, or None if there is none that can be read."""
    try:
        found: list[dict[str, Any]] = store.read_json(_FILE, list[dict[str, Any]])
    except StoreError:
        return None
    return found


def _is_whole(items: list[dict[str, Any]]) -> bool:
    """Return whether a log began before its run, and every entry follows from what stood before it."""
    last, began = None, False
    for at, item in enumerate(items):
        if "at" not in item:
            if last is not None or "id" not in item:
                return False
            continue
        try:
            entry = msgspec.convert(item, Entry)
        except msgspec.ValidationError:
            return False
        first = at == 0 and entry.before == ""
        if (first and entry.begun) or not (first or entry.before == digest(items[:at])):
            return False
        if entry.at.tzinfo is None or (last is not None and (last - entry.at).total_seconds() > _CLOCKS_SECONDS):
            return False
        if began and not entry.begun:
            return False
        last, began = entry.at, entry.begun
    return bool(items)


def _heads(items: list[dict[str, Any]]) -> set[str]:
    """Return the digests that the log had, from none to all of its items."""
    return {digest(items[:end]) for end in range(len(items) + 1)}


def _anchors(store: Store) -> list[str]:
    """Return the digests of the log that earlier processes found."""
    if not store.holds(PROVENANCE):
        return []
    records = store.read_json(PROVENANCE, list[dict[str, Any]])
    return [record[ANCHOR] for record in records if record.get(ANCHOR) is not None]


def _claim(plain: dict[str, Any]) -> Claim | None:
    """Return the claim that JSON holds, also one of before claims had a kind; None if it is none."""
    try:
        return msgspec.convert(plain, Claim)
    except msgspec.ValidationError:
        return None


def _plain(claim: Claim) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(claim))
    return found
