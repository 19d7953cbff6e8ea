"""What was claimed before a run cannot be claimed, changed or taken back after it without its being told."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from testbed.ground.reading import digest
from testbed.store import Store, ledger
from testbed.store.declarations import Declarations
from tests.presets import claim
from tests.shared.aged import older

FIRST, SECOND, THIRD = (claim(name, "lowest_excess", low=0.0) for name in ("first", "second", "third"))
BEFORE, AFTER, MISSING = "before the run", "after the run", "declaration missing"


def declare(store, claims):
    ledger.begin(store, claims, {"made": "now"})


def trained(store, digit="a"):
    store.write(digit * 64, {"status": "finished"}, {}, {"w": np.zeros(2)})


def standing(store, *claims):
    found = Declarations(store)
    return [found.of(each).standing for each in claims]


def log(store):
    return json.loads((store.folder / "declared.json").read_text())


def test_claims_are_before_the_run_until_there_is_a_part(store):
    declare(store, [FIRST])
    declare(store, [FIRST, SECOND])
    trained(store)
    declare(store, [FIRST, SECOND, THIRD])
    assert standing(store, FIRST, SECOND, THIRD) == [BEFORE, BEFORE, AFTER]
    assert [entry["begun"] for entry in log(store)] == [False, False, True]
    now = Declarations(store)
    assert [now.of(each).at for each in (FIRST, SECOND, THIRD)] == [entry["at"] for entry in log(store)]


def test_a_snapshot_begins_a_run(store):
    store.snapshot("a" * 64).save({"step": np.array([1])})
    declare(store, [FIRST])
    assert standing(store, FIRST) == [MISSING]


def test_a_claim_that_was_not_declared_came_after(store):
    declare(store, [FIRST])
    assert standing(store, SECOND) == [AFTER]


def test_a_log_is_only_added_to_and_chained(store):
    declare(store, [FIRST])
    first = log(store)
    declare(store, [FIRST])
    assert log(store) == first and first[0]["before"] == ""
    trained(store)
    declare(store, [SECOND])
    assert log(store)[:1] == first and log(store)[1]["before"] == digest(first)


def test_an_erased_declaration_is_missing_for_ever(store):
    """The fault: delete the file, declare anew, and it read "before the run"."""
    declare(store, [FIRST])
    trained(store)
    (store.folder / "declared.json").unlink()
    assert standing(store, FIRST) == [MISSING]
    declare(store, [FIRST, SECOND])
    assert standing(store, FIRST, SECOND) == [MISSING, MISSING]
    declare(store, [THIRD])
    assert standing(store, FIRST, THIRD) == [MISSING, MISSING]


@pytest.mark.parametrize("spoilt", [b"", b"[", b"{}", b"[1]", b"null", b"\xff"])
def test_a_damaged_log_is_missing_and_left_as_it_is(store, spoilt):
    declare(store, [FIRST])
    trained(store)
    (store.folder / "declared.json").write_bytes(spoilt)
    assert declare(store, [FIRST, SECOND]) is None
    assert standing(store, FIRST, SECOND) == [MISSING, MISSING]
    assert (store.folder / "declared.json").read_bytes() == spoilt


def test_one_flipped_bit_of_the_log_is_noticed(store):
    declare(store, [FIRST])
    trained(store)
    path = store.folder / "declared.json"
    sound = path.read_bytes()
    for at in range(0, len(sound), 23):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        assert standing(store, FIRST) == [MISSING]
    path.write_bytes(sound)
    assert standing(store, FIRST) == [BEFORE]


def edited(store, change):
    """Write the log again, with a right checksum of the file, as its own program would."""
    items = log(store)
    change(items)
    store.write_json("declared.json", items)


def test_an_edited_moved_or_removed_entry_is_noticed(store):
    for each in (FIRST, SECOND, THIRD):
        ledger.begin(store, [each], {})
    trained(store)
    whole = log(store)
    assert standing(store, FIRST, SECOND, THIRD) == [BEFORE] * 3
    tampered = (
        lambda items: items[0]["claims"][0].update(low=-1.0),
        lambda items: items[2]["claims"][0].update(low=-1.0),
        lambda items: items.pop(0),
        lambda items: items.pop(1),
        lambda items: items.pop(),
        lambda items: items.reverse(),
        lambda items: items.append(items[0]),
        lambda items: items[1].update(begun=True),
        lambda items: items[0].update(at="2001-01-01T00:00:00+00:00"),
        lambda items: items[0].update(at="some day"),
        lambda items: items[0].pop("before"),
        lambda items: items.clear(),
    )
    for change in tampered:
        edited(store, change)
        assert standing(store, FIRST, SECOND) == [MISSING, MISSING], log(store)
        store.write_json("declared.json", whole)


def test_times_out_of_order_are_noticed(store):
    for each in (FIRST, SECOND):
        declare(store, [each])

    def late(items):
        items[0]["at"] = "2999-01-01T00:00:00+00:00"
        items[1]["before"] = digest(items[:1])

    edited(store, late)
    assert standing(store, FIRST, SECOND) == [MISSING, MISSING]


def test_a_part_that_is_older_than_its_declaration_was_there_before_it(store):
    declare(store, [FIRST])
    trained(store)
    hour = time.time() - 3600
    os.utime(store.parts / f"{'a' * 64}.parquet", (hour, hour))
    assert standing(store, FIRST) == [AFTER]


def test_parts_that_were_there_first_leave_no_declaration_before_them(tmp_path):
    """Parts copied into a new folder: whoever claims then has seen them, or could have."""
    other = Store.open(tmp_path / "other", b"{}", lambda saved: None)
    trained(other)
    (tmp_path / "run").mkdir()
    other.parts.rename(tmp_path / "run" / "parts")
    store = Store.open(tmp_path / "run", b"{}", lambda saved: None)
    declare(store, [FIRST])
    assert standing(store, FIRST) == [MISSING]


def test_the_plain_list_of_older_runs_is_read_and_added_to(store):
    old = [ledger.plain(FIRST)]
    (store.folder / "declared.json").write_text(json.dumps(old, indent=1) + "\n")
    older(store)
    (store.folder / "provenance.json").write_text("[{}]\n")
    trained(store)
    assert standing(store, FIRST, SECOND) == [BEFORE, AFTER]
    declare(store, [FIRST, SECOND])
    assert standing(store, FIRST, SECOND) == [BEFORE, AFTER]
    assert log(store)[:1] == old and log(store)[1]["before"] == digest(old)
    assert Declarations(store).of(FIRST).at is None
    edited(store, lambda items: items[0].update(low=-1.0))
    assert standing(store, FIRST, SECOND) == [MISSING, MISSING]


def test_an_older_run_without_claims_had_declared_none(store):
    (store.folder / "declared.json").write_text("[]\n")
    older(store)
    (store.folder / "provenance.json").write_text("[{}]\n")
    trained(store)
    declare(store, [FIRST])
    assert standing(store, FIRST) == [AFTER]


def test_processes_that_begin_at_once_lose_no_declaration_and_no_provenance(store):
    names = [f"claim {at}" for at in range(12)]

    def begin(name):
        ledger.begin(Store(store.folder), [claim(name, "lowest_excess", low=0.0)], {"made": name})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(begin, names))
    made = json.loads((store.folder / "provenance.json").read_text())
    assert sorted(record["made"] for record in made) == sorted(names)
    assert standing(store, *(claim(name, "lowest_excess", low=0.0) for name in names)) == [BEFORE] * 12
