"""The compilation cache heals itself."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from testbed.ground.programs import CheckedCache
from testbed.store import machine

ROOT = Path(__file__).parents[2]
PROGRAM = bytes(range(256)) * 8
DAMAGES = {
    "zero-filled": lambda entry: bytes(len(entry)),
    "truncated": lambda entry: entry[: len(entry) // 2],
    "one byte short": lambda entry: entry[:-1],
    "empty": lambda entry: b"",
    "garbage": lambda entry: os.urandom(len(entry)),
    "a flipped bit": lambda entry: (
        entry[: len(entry) // 2] + bytes([entry[len(entry) // 2] ^ 4]) + entry[len(entry) // 2 + 1 :]
    ),
}


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TESTBED_CACHE", str(tmp_path))
    assert machine.cache_folder() == tmp_path


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_dropped_and_written_again(damage, tmp_path):
    cache, path = CheckedCache(str(tmp_path), max_size=-1), tmp_path / "jit_f-cache"
    assert cache.get("jit_f") is None
    cache.put("jit_f", PROGRAM)
    assert cache.get("jit_f") == PROGRAM
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert cache.get("jit_f") is None and not path.exists()
    cache.put("jit_f", PROGRAM)
    assert cache.get("jit_f") == PROGRAM


def test_an_entry_under_another_key_is_not_believed(tmp_path):
    cache = CheckedCache(str(tmp_path), max_size=-1)
    cache.put("jit_f", PROGRAM)
    (tmp_path / "jit_f-cache").rename(tmp_path / "jit_g-cache")
    assert cache.get("jit_g") is None


def test_a_folder_in_place_of_an_entry_is_passed_over(tmp_path):
    cache = CheckedCache(str(tmp_path), max_size=-1)
    (tmp_path / "jit_f-cache").mkdir()
    assert cache.get("jit_f") is None
    cache.put("jit_f", PROGRAM)
    assert cache.get("jit_f") in (None, PROGRAM)


def test_jax_compiles_what_is_damaged_again_without_a_word(tmp_path):
    """In a process of its own, where warnings are errors: each damage, then a read of what was written after it."""
    script = textwrap.dedent("""
        import warnings, jax, jax.numpy as jnp
        from pathlib import Path
        from testbed.store import machine
        from tests.store.test_machine import DAMAGES

        warnings.simplefilter("error")
        machine.keep_compilations()
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        hits = []
        jax.monitoring.register_event_listener(lambda name, **_: hits.append(name.endswith("/cache_hits")))

        def hit():
            hits.clear()
            jax.clear_caches()
            jax.jit(jnp.sin).lower(1.0).compile()
            return any(hits)

        assert not hit() and hit()
        (entry,) = (machine.cache_folder() / "programs").glob("jit_sin*-cache")
        sound = entry.stat().st_size
        for damage in DAMAGES.values():
            entry.write_bytes(damage(entry.read_bytes()))
            assert not hit() and hit()
        print("healed", len(DAMAGES))
    """)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TESTBED_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.stdout == f"healed {len(DAMAGES)}\n", done.stderr
