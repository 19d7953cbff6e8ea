"""Parts are whole or absent, never overwritten, and damage is named."""

import errno
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from testbed.store import Store, StoreError, folder

DIGEST = "ab" * 32
ROW = {"parameters": 12, "status": "finished"}
EVIDENCE = {"kl_CB": np.arange(6.0).reshape(2, 3), "step_C": np.array([1, 2])}
KEPT = {"['w']": np.arange(4, dtype=np.float32).reshape(2, 2), "['b']": np.zeros((0,), np.float32)}


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "run", b"{}", lambda saved: None)


def test_a_part_comes_back_as_it_was(store):
    store.write(DIGEST, ROW, EVIDENCE, KEPT)
    assert store.has(DIGEST)
    (row,) = store.cells().to_dict("records")
    assert (row["digest"], row["parameters"], row["status"]) == (DIGEST, 12, "finished")
    assert (np.stack(row["kl_CB"]) == EVIDENCE["kl_CB"]).all()
    kept = store.parameters(DIGEST)
    assert kept.keys() == KEPT.keys()
    assert all((kept[path] == KEPT[path]).all() and kept[path].dtype == KEPT[path].dtype for path in KEPT)


def test_any_parquet_reader_reads_a_part(store):
    store.write(DIGEST, ROW, EVIDENCE, KEPT)
    frame = pd.read_parquet(store.parts)
    assert frame["parameters"].tolist() == [12]


def test_a_part_is_never_overwritten(store):
    store.write(DIGEST, ROW, EVIDENCE, KEPT)
    store.write(DIGEST, ROW | {"parameters": 99}, EVIDENCE, KEPT)
    assert store.cells()["parameters"].tolist() == [12]


def _write_many(folder, number):
    store = Store.open(folder, b"{}", lambda saved: None)
    for at in range(20):
        store.write(f"{at:064d}", {"writer": number}, EVIDENCE, KEPT)


def test_several_writers_leave_each_part_once_and_whole(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path / "run", number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    store = Store.existing(tmp_path / "run")
    assert len(store.cells()) == 20
    assert not list(store.parts.glob(".unfinished-*"))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_part_is_named(store, share):
    store.write(DIGEST, ROW, EVIDENCE, KEPT)
    path = store.parts / f"{DIGEST}.parquet"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(StoreError, match=rf"{DIGEST}.*damaged.*delete it and run again"):
        store.cells()


def test_every_flipped_byte_of_the_data_is_noticed(store):
    """Checksums guard the pages: a byte flipped anywhere in them either is refused or changes nothing that is read."""
    store.write(DIGEST, ROW, EVIDENCE, KEPT)
    path = store.parts / f"{DIGEST}.parquet"
    sound = path.read_bytes()
    end = len(sound) - 8 - pq.ParquetFile(path).metadata.serialized_size
    before, refused = store.parameters(DIGEST)["['w']"].tolist(), 0
    for at in range(4, end, 7):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
        try:
            assert store.parameters(DIGEST)["['w']"].tolist() == before
            store.cells()
        except StoreError:
            refused += 1
    assert refused > 0.3 * len(range(4, end, 7))


def test_a_damaged_snapshot_is_named(store):
    snapshot = store.snapshot("bucket")
    assert snapshot.load() is None
    snapshot.save({"step": np.array([3])})
    assert snapshot.load()["step"].tolist() == [3]
    snapshot.path.write_bytes(snapshot.path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"bucket\.parquet is damaged"):
        snapshot.load()
    snapshot.drop()
    assert snapshot.load() is None


def test_a_folder_of_another_spec_is_refused(tmp_path):
    Store.open(tmp_path / "run", b"one", lambda saved: None)
    with pytest.raises(StoreError, match=r"another experiment \(seed 1, not 2\).*choose another --out"):
        Store.open(tmp_path / "run", b"two", lambda saved: "seed 1, not 2")
    assert Store.existing(tmp_path / "run").spec(bytes) == b"one"


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("x")
    with pytest.raises(StoreError, match="not a run of testbed"):
        Store.open(tmp_path / "letters", b"{}", lambda saved: None)
    with pytest.raises(StoreError, match="not a run of testbed"):
        Store.existing(tmp_path / "letters")


def test_a_full_disk_is_one_sentence_and_loses_nothing(store, monkeypatch):
    store.write(DIGEST, ROW, EVIDENCE, KEPT)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left on device.*MiB are free.*repeat the command"):
        store.write("cd" * 32, ROW, EVIDENCE, KEPT)
    monkeypatch.undo()
    assert store.cells()["digest"].tolist() == [DIGEST]
    assert not list(store.parts.glob(".unfinished-*"))


def test_a_write_that_the_system_cuts_short_loses_nothing(store):
    """A real failing write: a limit on file size stands for a disk that is full halfway through a part."""
    store.write(DIGEST, ROW, EVIDENCE, KEPT)
    script = textwrap.dedent(f"""
        import resource, signal, numpy as np
        from pathlib import Path
        from testbed.store import Store, StoreError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        store = Store.existing(Path({str(store.folder)!r}))
        try:
            store.write("cd" * 32, {{}}, {{}}, {{"w": np.random.default_rng(0).normal(size=100_000)}})
        except StoreError as refusal:
            print(refusal)
    """)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "could not be written" in done.stdout
    assert store.cells()["digest"].tolist() == [DIGEST]
    assert not list(store.parts.glob(".unfinished-*"))


def test_json_is_replaced_whole_and_damage_is_named(store):
    store.write_json("ledger.json", [1, 2])
    assert store.read_json("ledger.json") == [1, 2]
    (store.folder / "ledger.json").write_text("[1, ")
    with pytest.raises(StoreError, match="delete it and run again"):
        store.read_json("ledger.json")
    with pytest.raises(ValueError, match="JSON compliant"):
        store.write_json("x.json", float("nan"))


def test_old_unfinished_files_are_swept_and_young_ones_left(tmp_path):
    store = Store.open(tmp_path / "run", b"{}", lambda saved: None)
    old, young = store.parts / ".unfinished-a", store.parts / ".unfinished-b"
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    Store.open(tmp_path / "run", b"{}", lambda saved: None)
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("left", [(), ("parts", "snapshots"), (".unfinished-0-spec.json",)])
def test_a_folder_that_another_process_has_just_begun_is_no_strange_folder(tmp_path, left):
    """It was refused for ever where a kill, or another process's first step, fell before the spec was there."""
    for name in left:
        (tmp_path / "run" / name).mkdir(parents=True)
    assert Store.open(tmp_path / "run", b"{}", lambda saved: None).spec(bytes) == b"{}"


def test_of_two_specs_that_begin_at_once_the_first_counts(tmp_path, monkeypatch):
    first = lambda saved: None if saved == b"[1]" else "it is another"  # noqa: E731
    second = lambda saved: None if saved == b"[2]" else "it is another"  # noqa: E731
    late = "testbed.store.folder.check_new"
    monkeypatch.setattr(late, lambda folder: (monkeypatch.undo(), Store.open(folder, b"[1]", first)))
    with pytest.raises(StoreError, match="holds another experiment"):
        Store.open(tmp_path / "run", b"[2]", second)
    assert Store.existing(tmp_path / "run").spec(bytes) == b"[1]"


def test_a_folder_of_other_parts_is_refused(tmp_path):
    (tmp_path / "engine" / "parts").mkdir(parents=True)
    (tmp_path / "engine" / "parts" / "piston.stl").write_text("x")
    with pytest.raises(StoreError, match="not a run of testbed"):
        Store.open(tmp_path / "engine", b"{}", lambda saved: None)


def test_a_table_of_another_run_is_refused(tmp_path):
    """Its checksum covers the run it was made in, so that what is copied from another is not believed."""
    one, other = (Store.open(tmp_path / name, b"{}", lambda saved: None) for name in ("one", "other"))
    for store, value in ((one, 1.0), (other, 2.0)):
        store.write_frame("levels.parquet", pd.DataFrame({"T": [value]}))
        store.write_json("ledger.json", [value])
    for name in ("levels.parquet", "ledger.json"):
        (one.folder / name).write_bytes((other.folder / name).read_bytes())
    with pytest.raises(StoreError, match=r"levels.parquet is damaged.*delete it and run again"):
        one.read_frame("levels.parquet")
    with pytest.raises(StoreError, match=r"ledger.json is damaged"):
        one.read_json("ledger.json")
    moved = shutil.copytree(other.folder, tmp_path / "moved")
    assert Store.existing(moved).read_frame("levels.parquet")["T"].tolist() == [2.0]


def test_a_part_without_what_is_needed_is_damaged(store):
    store.write("a" * 64, {"status": "finished"}, {}, {})
    assert len(store.cells(needed=("status",))) == 1
    with pytest.raises(StoreError, match=r"is damaged \(it lacks learning_rate\).*redoes only what it held"):
        store.cells(needed=("status", "learning_rate"))


def test_a_link_to_nothing_in_place_of_a_part_is_told_with_a_remedy_that_works(store):
    place = store.parts / f"{'b' * 64}.parquet"
    place.symlink_to("nowhere")
    with pytest.raises(StoreError, match="is a link to nothing: delete it and run again"):
        store.cells()
    place.unlink()
    assert store.cells() is not None


def test_where_a_spec_is_the_identity_of_the_run_is(tmp_path, monkeypatch):
    """Another process that finds the spec reads and writes tables of this very run."""
    seen, write = {}, folder.atomically

    def spy(path, payload, *, replace):
        write(path, payload, replace=replace)
        seen[path.name] = sorted(each.name for each in path.parent.iterdir())

    monkeypatch.setattr(folder, "atomically", spy)
    Store.open(tmp_path / "run", b"{}", lambda saved: None)
    assert "run.json" in seen["spec.json"]
