"""Damage stops a run before it works, and following the message mends it."""

import msgspec
import pytest

from testbed.store import Store, StoreError
from tests.presets import JUDGED
from tests.store.test_damage import (
    DIGEST,
    filled,
    flipped,
    refused,
)


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "run")


def test_a_damaged_file_stops_a_run_before_it_works(store):
    spec = msgspec.json.encode(JUDGED)
    for name in ("cells.parquet", "reference.parquet", "ledger.json"):
        path = store.folder / name
        sound = path.read_bytes()
        path.write_bytes(flipped(sound, 8 * len(sound) - 801))
        with pytest.raises(StoreError, match=f"{name} is damaged.*delete it and run again"):
            Store.open(store.folder, spec, lambda saved: None)
        path.unlink()
        Store.open(store.folder, spec, lambda saved: None)


def test_a_damaged_spec_is_mended_as_its_message_says(store):
    spec, path = msgspec.json.encode(JUDGED), store.folder / "spec.json"
    path.write_bytes(path.read_bytes()[:-20])
    advised = "remove everything in the folder but parts, snapshots, declared.json and provenance.json"
    with pytest.raises(StoreError, match=rf"spec.json is damaged.*{advised}"):
        Store.open(store.folder, spec, lambda saved: None)
    path.unlink()
    with pytest.raises(StoreError, match=rf"spec.json is missing.*{advised}"):
        Store.open(store.folder, spec, lambda saved: None)
    for each in store.folder.iterdir():
        if each.is_file():
            each.unlink()
    assert Store.open(store.folder, spec, lambda saved: None).digests() == [DIGEST]


def test_the_liar_a_reader_that_believes_what_decodes_is_caught(store, monkeypatch):
    monkeypatch.setattr("testbed.store.seals.opened", lambda name, payload: (payload[payload.find(b"[") :], True))
    sound = (store.folder / "ledger.json").read_bytes()
    assert not all(refused(store, "ledger.json", flipped(sound, bit)) for bit in range(8 * 260, 8 * len(sound)))
