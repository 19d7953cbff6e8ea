"""What a person sees of a long computation, on standard error: a bar on a terminal, elsewhere a line now and then."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from testbed.laws import effort

QUIET, OFTEN, SELDOM = 1.0, 0.25, 10.0
"""Seconds before anything is shown, between two looks at a bar, and between two lines."""


class _Watch:
    """What is being done, as told by one thread and shown by another."""

    def __init__(self) -> None:
        self.begun = self.since = time.monotonic()
        self.what, self.done, self.total = "computing", 0.0, 0.0
        self.over = threading.Event()

    def hear(self, what: str, done: float, total: float) -> None:
        """Note a step, and when the first of its kind was."""
        if what != self.what:
            self.since = time.monotonic()
        self.what, self.done, self.total = what, done, total

    def line(self) -> str:
        """Return what is being done, how far it is, since when, and how long it will take if it goes on so."""
        now = time.monotonic()
        share = self.done / self.total if self.total > 0 else 0.0
        left = f", {effort.told((now - self.since) * (1 / share - 1))} to go" if share > 0 else ""
        return f"{self.what}, {f'{share:.0%} done, ' if share else ''}{now - self.begun:.0f} s so far{left}"

    def show(self) -> None:
        """Show it until all is over, beginning after a moment."""
        if self.over.wait(QUIET):
            return
        if sys.stderr.isatty():
            self._bar()
            return
        while True:
            print(f"testbed: {self.line()}", file=sys.stderr, flush=True)
            if self.over.wait(SELDOM):
                return

    def _bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(self.what, total=None)
            while not self.over.wait(OFTEN):
                bar.update(task, description=self.what, completed=self.done, total=self.total or None)


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Show what is done inside, if it takes longer than a moment."""
    watch = _Watch()
    thread = threading.Thread(target=watch.show, daemon=True)
    thread.start()
    try:
        with effort.told_to(watch.hear):
            yield
    finally:
        watch.over.set()
        thread.join()
