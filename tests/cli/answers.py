"""How a command answers, run here under a watchdog: its status, what it says, and what it leaves behind."""

import contextlib
import io
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from testbed import cli

SECONDS = 20
LONGEST = 410
"""A sentence, and "testbed: " before it."""


class Answer(NamedTuple):
    """What came of a request."""

    status: object
    said: str
    printed: str
    changed: list[str]
    """Files made or changed."""


class LateError(BaseException):
    """A request took too long."""


@contextlib.contextmanager
def quiet(place: Path) -> Iterator[Path]:
    """Work in a folder of its own, with a place for temporary files in it, and no bytecode left anywhere."""
    before, temporary = Path.cwd(), tempfile.tempdir
    for name in ("work", "files", "tmp"):
        (place / name).mkdir()
    os.chdir(place / "work")
    tempfile.tempdir = str(place / "tmp")
    try:
        yield place
    finally:
        os.chdir(before)
        tempfile.tempdir = temporary


def answer(words: list[str], folder: Path) -> Answer:
    """Run a command."""
    before, out, err = _listed(folder), io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    status: object
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(words)
    except SystemExit as stop:
        status = f"exit {stop.code}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    after = _listed(folder)
    return Answer(status, err.getvalue(), out.getvalue(), [path for path in after if after[path] != before.get(path)])


def faults(found: Answer) -> str:
    """Return in what an answer is no refusal in one sentence; empty if it is one."""
    wrong = {
        f"status {found.status}": found.status != 2,
        "not one line": found.said.count("\n") != 1 or not found.said.startswith("testbed: "),
        f"{len(found.said)} characters": len(found.said) > LONGEST,
        "a traceback": "Traceback" in found.said,
        "printed": found.printed != "",
        f"changed {found.changed[:3]}": found.changed != [],
    }
    return ", ".join(why for why, holds in wrong.items() if holds)


def _late(number: int, frame: object) -> None:
    raise LateError(f"after {SECONDS} s")


def _listed(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.lstat() for path in folder.rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__"}
    return {str(path): (seen.st_size, seen.st_mtime_ns if not path.is_dir() else 0) for path, seen in found.items()}
