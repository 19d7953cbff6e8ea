"""A full disk, an interrupt or too little memory end in a sentence, and lose nothing that was finished."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

from testbed.store import machine
from tests.cli.common import (
    ENVIRONMENT,
    FILE,
    ROOT,
    asked,
    called,
    contents,
    refused,
    told,
)
from tests.presets import JUDGED

LIMIT = 600_000


def test_a_disk_that_is_full_at_the_report_loses_no_cell(finished, tmp_path):
    """A limit on file size: parts and snapshots fit, the report does not; a second run only writes the report.

    The compilation cache is a copy, as JAX leaves what it could not write whole, and warns of it ever after.
    """
    cache = shutil.copytree(machine.cache_folder(), tmp_path / "cache")
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({LIMIT}, {LIMIT}))"
    script = f"{limit}; import sys; from testbed import cli; sys.exit(cli.main())"
    words = [sys.executable, "-c", script, "run", FILE, "--out", str(tmp_path / "run")]
    environment = ENVIRONMENT | {"TESTBED_CACHE": str(cache)}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert refused(
        (done.returncode, told(done.stderr)), "report.html could not be written", "MiB are free", "repeat the command"
    )
    parts = contents(tmp_path / "run" / "parts")
    assert len(parts) == JUDGED.cell_count
    done = called("run", FILE, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "run" / "parts") == parts
    assert not list((tmp_path / "run").rglob(".unfinished-*"))


def test_a_full_disk_keeps_what_is_finished(tmp_path, capsys):
    """A real file system with room for some parts only, where one may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here; the tests of the store pretend that a disk is full")
    try:
        answer = asked(capsys, "run", FILE, "--out", folder / "run")
        assert refused(answer, "could not be written", "No space left on device", "MiB are free", "repeat the command")
        kept = contents(folder / "run" / "parts")
        assert not list(folder.rglob(".unfinished-*"))
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
        assert asked(capsys, "run", FILE, "--out", folder / "run") == (0, "")
        after = contents(folder / "run" / "parts")
        assert len(after) == JUDGED.cell_count
        assert kept.items() <= after.items()
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_sentence_from_every_command(copied, capsys, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(copied)
    monkeypatch.setattr(os, "fsync", full)
    for words in (["run", FILE, "--out", copied, "--preset", "other"], ["judge", copied], ["report", copied]):
        assert refused(asked(capsys, *words), "could not be written", "No space left on device", "make room")
    assert contents(copied) == before


def test_an_interrupt_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("testbed.cli.run.preset", interrupted)
    status, text = asked(capsys, "run", FILE)
    assert status == 130
    assert "run the same command again" in text


def test_no_memory_is_one_sentence(monkeypatch, capsys):
    def greedy(*arguments):
        raise MemoryError

    monkeypatch.setattr("testbed.cli.truth._world", greedy)
    assert refused(asked(capsys, "truth", "iid", "--vocabulary", "4"), "more memory than there is", "ask for less")
