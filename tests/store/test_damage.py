"""A file is believed whole, unchanged and under its own name, or refused in a sentence; there is nothing between.

One law over all kinds of files that a run holds. The liar is a reader that believes what decodes.
"""

import json
import random
import re
import zlib
from unittest import mock

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from testbed.store import Store, StoreError
from testbed.study import decode
from tests.presets import JUDGED
from tests.shared.aged import older

DIGEST, OTHER = "ab" * 32, "cd" * 32
ROW = {"parameters": 12, "status": "finished"}
EVIDENCE = {"kl_CB": np.arange(6.0).reshape(2, 3), "step_C": np.array([1, 2])}
KEPT = {"['w']": np.arange(4, dtype=np.float32).reshape(2, 2), "['b']": np.zeros((0,), np.float32)}
FRAME = pd.DataFrame({"parameters": [12, 24], "kl_B": [np.arange(2.0), np.arange(2.0)]})
LINES = [{"id": "floor", "low": 0.25}, {"id": "slope", "low": None}]
KINDS = {
    f"parts/{DIGEST}.parquet": lambda store: (store.row(DIGEST), store.parameters(DIGEST)),
    f"snapshots/{DIGEST}.parquet": lambda store: store.snapshot(DIGEST).load(),
    "cells.parquet": lambda store: store.read_frame("cells.parquet", ("parameters",)),
    "reference.parquet": lambda store: store.read_arrays("reference.parquet", ("['w']",)),
    "ledger.json": lambda store: store.read_json("ledger.json", list[dict]),
    "spec.json": lambda store: store.spec(decode),
}
"""How each kind of file is read; every name of a run is of one of these."""
ADVICE = re.compile(r"delete it and run again|restore it from a copy, or remove everything in the folder but")


def filled(folder):
    made = Store.open(folder, msgspec.json.encode(JUDGED), lambda saved: None)
    made.write(DIGEST, ROW, EVIDENCE, KEPT)
    made.snapshot(DIGEST).save(KEPT)
    made.write_frame("cells.parquet", FRAME)
    made.write_arrays("reference.parquet", KEPT)
    made.write_json("ledger.json", LINES)
    return made


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "run")


def seed_of(name):
    return zlib.crc32(name.encode())


def refused(store, name, payload):
    """Whether reading these bytes under this name ends in one sentence with the name and a remedy, and nothing else."""
    try:
        holding(store, name, payload)
    except StoreError as refusal:
        return (
            str(store.folder / name) in str(refusal)
            and ADVICE.search(str(refusal)) is not None
            and "\n" not in str(refusal)
        )
    return False


def holding(store, name, payload):
    """Read a file as if it held these bytes; thousands of files would take minutes to write."""
    with mock.patch("testbed.store.named.read", lambda path, remedy: payload):
        return KINDS[name](store)


def flipped(payload, bit):
    at = bit // 8
    return payload[:at] + bytes([payload[at] ^ 1 << bit % 8]) + payload[at + 1 :]


@pytest.mark.parametrize("name", KINDS)
def test_every_flipped_bit_is_refused(store, name):
    """All bits of the end, where a Parquet file has its footer's length and checksum, and a thousand elsewhere."""
    sound = (store.folder / name).read_bytes()
    KINDS[name](store)
    last = range(max(0, 8 * len(sound) - 1600), 8 * len(sound))
    bits = sorted({*random.Random(seed_of(name)).sample(range(8 * len(sound)), 1000), *last})
    assert [bit for bit in bits if not refused(store, name, flipped(sound, bit))] == []


def test_every_flipped_bit_of_a_footer_is_refused(store):
    """The whole footer of a table, where names, types, places and counts stand: page checksums cover none of it."""
    sound = (store.folder / "cells.parquet").read_bytes()
    footer = 8 + pq.ParquetFile(store.folder / "cells.parquet").metadata.serialized_size
    bits = range(8 * (len(sound) - footer), 8 * len(sound))
    assert len(bits) > 3000
    assert [bit for bit in bits if not refused(store, "cells.parquet", flipped(sound, bit))] == []


@pytest.mark.parametrize("name", KINDS)
def test_what_is_cut_zeroed_lengthened_or_emptied_is_refused(store, name):
    sound, chance = (store.folder / name).read_bytes(), random.Random(seed_of(name))
    spoilt = [sound[:end] for end in chance.sample(range(len(sound)), 100)] + [b"", sound + b"\n", sound * 2]
    for size in (16, 64, 300, len(sound)):
        starts = [chance.randrange(len(sound) - size + 1) for _ in range(40)]
        spoilt += [sound[:at] + bytes(size) + sound[at + size :] for at in starts]
    assert [at for at, each in enumerate(spoilt) if each != sound and not refused(store, name, each)] == []


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_file_under_another_name_is_refused(store, name):
    store.write(OTHER, ROW, EVIDENCE, KEPT)
    store.snapshot(OTHER).save(KEPT)
    store.write_frame("estimates.parquet", FRAME)
    store.write_arrays("shared.parquet", KEPT)
    store.write_json("checks.json", LINES)
    others = [path for path in store.folder.rglob("*") if path.is_file() and path != store.folder / name]
    for other in others:
        assert refused(store, name, other.read_bytes()) or other.name == ".lock", other


@pytest.mark.parametrize("name", KINDS)
def test_a_folder_in_place_of_a_file_is_refused_both_ways(store, name):
    path = store.folder / name
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match=rf"{path.name} cannot be read \(Is a directory\)"):
        KINDS[name](store)
    if path.parent == store.folder:
        with pytest.raises(StoreError, match=rf"{path.name} is a folder where a file is due: move it away and run"):
            store.write_page(path.name, b"")


@pytest.mark.parametrize(
    "text",
    [b"{}", b"[NaN]", b"[1]", b"[[]]", "[]".encode("utf-16"), b"[" * 10**5, b"[{}]x", b'["\xff"]', b"[", b"{", b"null"],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_json_that_is_something_else_is_refused_though_no_checksum_tells(store, text):
    assert refused(store, "ledger.json", text)
    assert refused(store, "spec.json", text)


def test_the_files_of_any_run_open_in_any_reader(store):
    assert pd.read_parquet(store.folder / "cells.parquet")["parameters"].tolist() == [12, 24]
    assert pd.read_parquet(store.parts)["digest"].tolist() == [DIGEST]
    assert json.loads((store.folder / "ledger.json").read_text()) == LINES
    assert msgspec.json.decode((store.folder / "ledger.json").read_bytes()) == LINES


def without_checksum(path):
    """Write a Parquet file again as it was written before there were checksums of whole files."""
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    return path.read_bytes()


@pytest.mark.parametrize("name", [name for name in KINDS if name.endswith(".parquet")])
def test_a_file_from_before_checksums_is_read_and_its_damage_refused_or_harmless(store, name):
    """Its pages are guarded, its footer is not: a flip there may pass, as ever, but ends in no other exception."""
    path = store.folder / name
    older(store)
    sound = without_checksum(path)
    KINDS[name](store)
    assert store.unsealed == {name}
    footer = 8 + pq.ParquetFile(path).metadata.serialized_size
    bits = random.Random(0).sample(range(8 * (len(sound) - footer), 8 * len(sound)), 700)
    count = 0
    for bit in bits:
        try:
            holding(store, name, flipped(sound, bit))
        except StoreError as refusal:
            count += ADVICE.search(str(refusal)) is not None
    assert count > 0.3 * len(bits)


def test_a_file_from_before_checksums_is_known_by_what_it_holds(store):
    older(store)
    store.write_frame("joint.parquet", pd.DataFrame({"arm": ["a"]}))
    part, table, arrays = (
        without_checksum(store.folder / name)
        for name in (f"parts/{DIGEST}.parquet", "joint.parquet", "reference.parquet")
    )
    (store.parts / f"{OTHER}.parquet").write_bytes(part)
    with pytest.raises(StoreError, match=rf"{OTHER}.parquet is damaged \(it holds the cell {DIGEST[:16]}"):
        store.row(OTHER)
    for name, payload in (("cells.parquet", table), ("cells.parquet", arrays), ("reference.parquet", table)):
        assert refused(store, name, payload)
    for name in (f"parts/{DIGEST}.parquet", f"snapshots/{DIGEST}.parquet"):
        assert refused(store, name, table)
    two = pq.read_table(pa.BufferReader(part))
    pq.write_table(pa.concat_tables([two, two]), store.parts / f"{DIGEST}.parquet")
    with pytest.raises(StoreError, match="it has 2 rows where one is due"):
        store.row(DIGEST)


def test_what_is_no_part_is_none_of_the_stores_business(store):
    """A killed writer's half, a live writer's whole, an editor's backup, a folder, another name."""
    whole = (store.parts / f"{DIGEST}.parquet").read_bytes()
    (store.parts / ".unfinished-0-x.parquet").write_bytes(whole[:100])
    (store.parts / f".unfinished-1-{OTHER}.parquet").write_bytes(whole)
    for name in (f"{DIGEST}.parquet~", f".#{DIGEST}.parquet", "copy.parquet", f"{OTHER.upper()}.parquet", "README"):
        (store.parts / name).write_bytes(whole)
    (store.parts / "old").mkdir()
    (store.parts / "old" / f"{OTHER}.parquet").write_bytes(whole)
    assert store.cells()["digest"].tolist() == [DIGEST] == store.digests()
    for name in (".unfinished-x.parquet", "notes.parquet"):
        (store.snapshots / name).write_bytes(b"")
    store.snapshot(DIGEST).drop()
    (store.parts / f"{DIGEST}.parquet").unlink()
    assert store.digests() == [] and not store.snapshot(DIGEST).exists()


@pytest.mark.parametrize("made", [lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere")])
def test_what_takes_the_place_of_a_part_is_named_not_passed_over(store, made):
    """A finished cell could not be linked there, and would be lost without a word."""
    made(store.parts / f"{OTHER}.parquet")
    assert store.has(OTHER)
    with pytest.raises(StoreError, match=f"{OTHER}.parquet"):
        store.cells()
