"""The compilation cache heals itself."""

import zlib

import pytest

from testbed import machine

SOUND = zlib.compress(b"a program" * 1000)


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    monkeypatch.setenv("TESTBED_CACHE", str(tmp_path))
    folder = tmp_path / "compiled"
    folder.mkdir()
    return folder


def test_entries_cut_short_are_dropped(compiled):
    """JAX writes an entry in place, never replaces one, and warns of a broken one for ever."""
    for at in range(0, len(SOUND), 7):
        (compiled / f"jit_{at}-cache").write_bytes(SOUND[:at])
    (compiled / "whole-cache").write_bytes(SOUND)
    (compiled / "packed_otherwise-cache").write_bytes(b"\x28\xb5\x2f\xfd...")
    (compiled / "other").write_bytes(b"")
    machine._drop_cut_short(machine.cache_folder() / "compiled")
    assert {path.name for path in compiled.iterdir()} == {"whole-cache", "packed_otherwise-cache", "other"}


def test_no_cache_is_no_trouble(tmp_path):
    machine._drop_cut_short(tmp_path / "none")


def test_the_cache_is_where_the_environment_says(compiled):
    assert machine.cache_folder() == compiled.parent
