"""How far work has come: a bar that moves on a terminal, and in a file or pipe a line now and then."""

import abc
import threading
import time
from collections.abc import Callable
from types import TracebackType

import rich.console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

EVERY_SECONDS, EVERY_SHARE, LEAST_SECONDS = 10.0, 0.1, 1.0
"""A line follows the last one after so long, or after so much of the work, but not at once."""


class Display(abc.ABC):
    """Work of a known size; what it is at, how much is done, at what rate, and the time that is left."""

    def __init__(self, name: str, total: int | float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start counting; ``total`` has the unit of what `advance` is told."""
        self.name, self.total, self.clock = name, total, clock
        self.began = clock()
        self.done = self.done_now = 0.0

    def __enter__(self) -> "Display":
        """Return itself."""
        return self

    @abc.abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Show where the work ended."""

    @abc.abstractmethod
    def stage(self, what: str) -> None:
        """Show what begins and may be silent for long, such as compiling."""

    @abc.abstractmethod
    def show(self, what: str, rate: str) -> None:
        """Show the state of the work."""

    def advance(self, work: int | float, what: str, *, rate: str = "", now: bool = True) -> None:
        """Take note of work that is done, and whether it was done now or by an earlier process."""
        self.done += work
        self.done_now += work if now else 0.0
        if work:
            self.show(what, rate)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.began

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total > 0 else 1.0

    @property
    def left(self) -> str:
        """The time that is left at the rate so far, in words; nothing while there is no rate."""
        if not self.done_now:
            return ""
        return f"{duration(max(self.total - self.done, 0.0) * self.elapsed / self.done_now)} left"


class Lines(Display):
    """Lines of text."""

    def __init__(
        self, out: rich.console.Console, name: str, total: int | float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to a console."""
        super().__init__(name, total, clock)
        self.out, self.last, self.last_share, self.staged = out, float("-inf"), 0.0, False
        self.at, self.over = name, threading.Event()

    def __enter__(self) -> "Display":
        """Return itself; while the work is silent, as in a long compilation, a line says that it goes on."""
        threading.Thread(target=self._go_on, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Write the last line."""
        self.over.set()
        if error is None:
            self._write(f"{self.name}: done after {duration(self.elapsed)}")

    def stage(self, what: str) -> None:
        """Write a line, unless the last one was such a line and is hardly older."""
        self.at = what
        if not self.staged or self.clock() - self.last >= LEAST_SECONDS:
            self._write(f"{what} …")
            self.staged = True

    def show(self, what: str, rate: str) -> None:
        """Write a line if one is due."""
        self.at = what
        since = self.clock() - self.last
        much = self.share - self.last_share >= EVERY_SHARE and since >= LEAST_SECONDS
        if since >= EVERY_SECONDS or much:
            told = (f"{what}: {100 * self.share:.0f} % after {duration(self.elapsed)}", rate, self.left)
            self._write(", ".join(filter(None, told)))
            self.staged = False

    def _go_on(self) -> None:
        while not self.over.wait(EVERY_SECONDS / 2):
            if self.clock() - self.last >= EVERY_SECONDS:
                self._write(f"{self.at}: still at it after {duration(self.elapsed)}")

    def _write(self, line: str) -> None:
        self.last, self.last_share = self.clock(), self.share
        self.out.print(line, soft_wrap=True)


class Bar(Display):
    """A bar that moves."""

    def __init__(self, out: rich.console.Console, name: str, total: int | float) -> None:
        """Draw on a terminal."""
        super().__init__(name, total)
        fields = (
            TextColumn(f"{{task.{name}}}", markup=False) for name in ("description", "fields[rate]", "fields[left]")
        )
        what, rate, left = fields
        self.bar = Progress(what, BarColumn(12), TaskProgressColumn(), rate, left, console=out)
        self.task = self.bar.add_task(name, total=total, rate="", left="")

    def __enter__(self) -> "Display":
        """Begin to draw."""
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the bar as it ended."""
        if error is None:
            self.bar.update(self.task, completed=self.total, description=f"{self.name}: done", left="")
        self.bar.stop()

    def stage(self, what: str) -> None:
        """Say it beside the bar."""
        self.bar.update(self.task, description=what)

    def show(self, what: str, rate: str) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=self.done, description=what, rate=rate, left=self.left)


def display(out: rich.console.Console, name: str, total: int | float) -> Display:
    """Return a bar where somebody watches, and lines elsewhere."""
    return (Bar if out.is_interactive else Lines)(out, name, total)


def duration(seconds: int | float) -> str:
    """Return a time in words.

    >>> duration(4.6), duration(80), duration(7300)
    ('5 s', '1 min 20 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
