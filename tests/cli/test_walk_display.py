"""Law: where nobody watches, progress is lines now and then; compiling is said; names are printed as they are."""

import io
import re
import time
from pathlib import Path

import jax
import rich.console

from testbed.terminal.console import Console
from testbed.terminal.display import EVERY_SECONDS, Bar, Lines, display
from testbed.terminal.plan import show
from testbed.train.plan import plan, room
from testbed.train.progress import Watch
from testbed.training import planned
from testbed.verdict import Verdict
from tests.shared.small import EXPERIMENT

ODD = "t[/] [red]x[/red] :smile:"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def lines(total, told, *, seconds):
    """What is written of so many equal steps, each of so many seconds."""
    clock, out = Clock(), io.StringIO()
    with Lines(rich.console.Console(file=out), "work", total, clock) as shown:
        for step in range(told):
            clock.now += seconds
            shown.advance(total / told, f"step {step}")
    return out.getvalue().splitlines()


def test_slow_work_writes_a_line_every_ten_seconds():
    written = lines(1000.0, 1000, seconds=1.0)
    assert written[0].startswith("step 0: 0 % after 1 s")
    assert len(written) <= 1000 / EVERY_SECONDS + 2 and len(written) >= 1000 / EVERY_SECONDS - 2
    assert all(re.search(r" \d+ % after .* left$", line) for line in written[:-1])
    assert written[-1] == "work: done after 16 min 40 s"


def test_fast_work_writes_a_line_every_tenth_but_no_flood():
    assert 10 <= len(lines(1.0, 100, seconds=0.2)) <= 13
    assert len(lines(1.0, 1000, seconds=0.001)) <= 3


def test_the_time_that_is_left_counts_what_was_done_now():
    clock, out = Clock(), io.StringIO()
    with Lines(rich.console.Console(file=out), "work", 100.0, clock) as shown:
        shown.advance(50.0, "restored", now=False)
        clock.now += 20
        shown.advance(10.0, "trained")
    assert "restored: 50 % after 0 s\n" in out.getvalue()
    assert "trained: 60 % after 20 s, 1 min 20 s left" in out.getvalue()


def test_what_begins_is_written_at_once_but_no_flood():
    clock, out = Clock(), io.StringIO()
    shown = Lines(rich.console.Console(file=out), "work", 1.0, clock)
    for name in "abcde":  # a quarter of a second each
        shown.stage(f"{name}: compiling")
        clock.now += 0.25
    clock.now += 1.0
    shown.advance(0.5, "e")
    shown.stage("f: compiling")
    beginnings = [line.split(":")[0] for line in out.getvalue().splitlines()]
    assert beginnings == ["a", "e", "e", "f"]


def test_a_failure_ends_without_saying_that_all_is_done():
    out = io.StringIO()
    try:
        with Lines(rich.console.Console(file=out), "work", 1.0):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert out.getvalue() == ""


def test_a_terminal_gets_a_bar_and_a_file_gets_lines():
    terminal = rich.console.Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    assert isinstance(display(terminal, "work", 1.0), Bar)
    assert isinstance(display(rich.console.Console(file=io.StringIO()), "work", 1.0), Lines)
    with display(terminal, "work", 2.0) as shown:
        shown.stage(f"{ODD}: compiling")
        shown.bar.refresh()
        shown.advance(1.0, ODD, rate="317k tokens/s")
        shown.bar.refresh()
    drawn = terminal.file.getvalue()
    assert f"{ODD}: compiling" in drawn and "317k tokens/s" in drawn and "50%" in drawn and "work: done" in drawn
    assert "…" not in drawn


def verdict(name, level=0.95):
    """A verdict whose numbers are of no interest."""
    return Verdict(
        id=name, sentence="", section="", quantity="", estimate=1.0, low=0.5, high=1.5, level=level, region=(0.0, None),
        verdict="supported", n=3, method="", reason="", declared="before the run",
    )  # fmt: skip


def test_names_are_printed_without_markup(capsys):
    console = Console()
    (bucket, *_) = plan(EXPERIMENT.pilot_cells(), room(tuple(jax.local_devices())))
    show(console, ODD, [planned(ODD, bucket)], ODD)
    console.verdicts([verdict(ODD)], 1.0, Path(f"{ODD}/report.html"))
    with console.progress(ODD, 1.0) as shown:
        shown.stage(ODD)
    written = capsys.readouterr().out
    assert f"Plan of {ODD}" in written and f"{ODD}: done" in written and f"{ODD} …" in written
    assert written.count(":smile:") == 7, written


def test_the_level_is_told_once_and_again_where_it_differs(capsys):
    Console().verdicts([verdict("a"), verdict("b", 0.9), verdict("c")], 1.0, Path("report.html"))
    written = capsys.readouterr().out
    assert written.count("95 %") == 1 and "Verdicts, with 95 % intervals" in written
    assert re.search(r"b .*\[0\.5, 1\.5\] at 90 %", written)


def test_of_training_rate_and_bucket_are_told(capsys):
    bucket = plan(EXPERIMENT.pilot_cells(), room(tuple(jax.local_devices())))[0]
    with Console().progress("training", bucket.work) as shown:
        watch = Watch(shown)
        watch.compiling(bucket, "the training step")
        watch.began -= 2.0
        shown.began -= 2.0
        shown.last -= EVERY_SECONDS
        watch.advance(bucket, bucket.tokens // 2, trained=True)
    first, second, last = capsys.readouterr().out.splitlines()
    assert first == "width 4, 20 runs: compiling the training step …"
    assert re.fullmatch(r"width 4, 20 runs: 50 % after 2 s, \d+ tokens/s, 2 s left", second)
    assert last == "training: done after 2 s"


def test_silent_work_says_that_it_goes_on(capsys, monkeypatch):
    monkeypatch.setattr("testbed.terminal.display.EVERY_SECONDS", 0.1)
    with Console().progress("training", 10) as shown:
        shown.stage("compiling the step")
        time.sleep(0.5)
    assert "compiling the step: still at it after" in capsys.readouterr().out
