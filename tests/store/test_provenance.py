"""What ledger, console and provenance say of declarations."""

import json

import msgspec
import pandas as pd
import pytest

from testbed.stats.estimate import Estimate
from testbed.store import StoreError, ledger
from testbed.store.declarations import Declarations
from testbed.terminal.console import Console
from testbed.verdict import judge
from tests.store.test_declarations import (
    AFTER,
    BEFORE,
    FIRST,
    MISSING,
    SECOND,
    THIRD,
    declare,
    log,
    standing,
    trained,
)


def test_ledger_and_console_tell_what_is_not_before_the_run(store, capsys):
    declare(store, [FIRST])
    trained(store)
    found = Estimate(value=1.0, low=0.5, high=1.5, level=0.9, n=3, method="none")
    now = Declarations(store)
    verdicts = [judge(each, found, (), declared=now.of(each)) for each in (FIRST, SECOND)]
    ledger.write(store, verdicts)
    Console().verdicts(verdicts, 1.0, store.folder)
    assert "Declared after the run: second." in capsys.readouterr().out
    assert [line["declared"] for line in json.loads((store.folder / "ledger.json").read_text())] == [BEFORE, AFTER]
    (store.folder / "declared.json").unlink()
    again = ledger.read(store)
    assert [verdict.declared for verdict in again] == [MISSING, MISSING]
    Console().verdicts(again, 1.0, store.folder)
    assert "Declaration missing" in capsys.readouterr().out
    assert [verdict.verdict for verdict in again] == ["supported", "supported"]


def test_no_message_advises_to_delete_the_log(store):
    declare(store, [FIRST])
    (store.folder / "declared.json").write_bytes(b"[")
    with pytest.raises(StoreError, match=r"declared.json is damaged.*restore it from a copy") as refusal:
        store.read_json("declared.json")
    assert "delete" not in str(refusal.value)


def test_a_check_of_the_instrument_keeps_its_standing_when_it_is_read_again(store):
    check = msgspec.structs.replace(FIRST, kind="instrument")
    ledger.begin(store, [check], {})
    now = Declarations(store)
    ledger.write(store, [judge(check, "nothing was measured", (), declared=now.of(check))])
    (verdict,) = ledger.read(store)
    assert (verdict.kind, verdict.declared) == ("instrument", BEFORE)


def test_a_run_whose_parts_are_gone_has_begun(store):
    declare(store, [FIRST])
    store.write_frame("levels.parquet", pd.DataFrame({"T": [1.0]}))
    declare(store, [FIRST, SECOND])
    assert standing(store, FIRST, SECOND) == [BEFORE, AFTER]
    (store.folder / "levels.parquet").unlink()
    declare(store, [THIRD])
    assert standing(store, FIRST, THIRD) == [BEFORE, AFTER], "what has begun does not un-begin"


def test_a_provenance_that_is_gone_vouches_for_nothing_even_when_made_anew(store):
    declare(store, [FIRST])
    trained(store)
    (store.folder / "provenance.json").unlink()
    assert standing(store, FIRST) == [MISSING]
    declare(store, [FIRST])
    assert standing(store, FIRST) == [MISSING]
    with pytest.raises(StoreError, match="restore it from a copy"):
        (store.folder / "provenance.json").write_bytes(b"[")
        declare(store, [FIRST])


def test_claims_that_came_when_a_run_was_judged_are_vouched_for(store):
    declare(store, [FIRST])
    trained(store)
    assert ledger.declared(store, [FIRST, SECOND]).of(SECOND).standing == AFTER
    entries = log(store)
    entries[-1] |= {"begun": False, "at": entries[0]["at"]}
    store.write_json("declared.json", entries)
    assert standing(store, FIRST, SECOND) == [MISSING, MISSING]


def test_declared_claims_that_are_not_judged_are_counted(store):
    declare(store, [FIRST, SECOND])
    (verdict,) = [judge(FIRST, "nothing was measured", ())]
    assert ledger.unjudged(store, [verdict]) == 1


def test_what_any_stage_leaves_begins_a_run(store):
    """A claim that comes after a stage of any kind came after the run began; what a world implies is no result."""
    declare(store, [FIRST])
    store.write_json("truth.json", {})
    assert not store.begun()
    store.write_json("truth-4.json", {"low": 0.1})
    assert store.begun()
    declare(store, [FIRST, SECOND])
    assert standing(store, FIRST, SECOND) == [BEFORE, AFTER]
