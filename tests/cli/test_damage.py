"""A damaged file is named, and what it held is redone once it is deleted."""

from pathlib import Path

import jax
import numpy as np
import pytest

from testbed.store import Store
from testbed.train.plan import plan, room
from tests.cli.common import FILE, asked, contents, refused, spoilt
from tests.presets import JUDGED


@pytest.mark.parametrize("way", ["truncated", "emptied", "overwritten"])
@pytest.mark.parametrize("command", ["run", "judge", "report"])
def test_a_damaged_part_is_named_and_redone_once_deleted(command, way, copied, capsys):
    part = sorted((copied / "parts").iterdir())[5]
    spoilt(part, way)
    before = contents(copied)
    words = ["run", FILE, "--out", copied] if command == "run" else [command, copied]
    assert refused(asked(capsys, *words), part.name, "damaged", "delete it and run again")
    assert contents(copied) == before
    if (command, way) == ("run", "truncated"):
        part.unlink()
        assert asked(capsys, "run", FILE, "--out", copied) == (0, "")
        assert part.exists()


@pytest.mark.parametrize("name", ["spec.json", "ledger.json", "truth.json"])
def test_damaged_json_is_named(name, copied, capsys):
    spoilt(copied / name, "truncated")
    assert refused(asked(capsys, "report", copied), name, "is damaged", "run")


@pytest.mark.parametrize("way", ["truncated", "emptied"])
def test_a_damaged_snapshot_is_named_and_what_it_held_redone_once_deleted(way, copied, capsys):
    """A run killed before its first part: only the snapshot of its first bucket is there."""
    pilots = JUDGED.pilot_cells()
    first = plan(pilots, room(tuple(jax.local_devices())))[0]
    snapshot = Store.existing(copied).snapshot(first.digest)
    snapshot.save({"step": np.array([3])})
    for cell in pilots:
        (copied / "parts" / f"{cell.digest}.parquet").unlink()
    spoilt(snapshot.path, way)
    before = contents(copied)
    assert refused(
        asked(capsys, "run", FILE, "--out", copied), snapshot.path.name, "damaged", "delete it and run again"
    )
    after = contents(copied)
    assert {path for path in before if before[path] != after.get(path)} <= {
        Path("provenance.json"),
        Path("reference.parquet"),
    }
    snapshot.path.unlink()
    assert asked(capsys, "run", FILE, "--out", copied) == (0, "")
