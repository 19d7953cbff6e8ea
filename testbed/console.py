"""What a person sees: the plan before, rate and time left during, the verdicts after."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from testbed.model.size import size
from testbed.train.plan import Bucket, Room
from testbed.verdict import Verdict, span

_COLOURS = {"supported": "green", "refuted": "red", "undecided": "yellow", "invalid": "magenta"}


class Console:
    """Prints to one stream; quiet when told to be."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Write to standard output, or nowhere if ``quiet``."""
        self._out = rich.console.Console(quiet=quiet, highlight=False)

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self._out.print(sentence, soft_wrap=True, markup=False)

    def plan(self, name: str, pilots: Sequence[Bucket], rest: Sequence[Bucket], room: Room) -> None:
        """Print the buckets to be trained, their cells and the work they are."""
        table = Table(title=f"Plan of {name}", title_justify="left", box=rich.box.SIMPLE_HEAD)
        for heading in ("stage", "width", "parameters P", "cells", "lanes", "steps", "tokens", "TFLOP"):
            table.add_column(heading, justify="left" if heading == "stage" else "right")
        for stage, buckets in (("learning rates", pilots), ("grid", rest)):
            for bucket in buckets:
                table.add_row(stage, *_described(bucket))
        self._out.print(table)
        everything = [*pilots, *rest]
        where = f"{len(room.devices)} {room.devices[0].platform} device(s), {room.bytes_per_device / 2**30:.1f} GiB granted on each"
        self.say(
            f"{sum(len(b.cells) for b in everything)} cells in {len(everything)} buckets, "
            f"{sum(b.tokens for b in everything) / 1e6:.1f} million tokens, "
            f"{sum(b.flops for b in everything) / 1e12:.2f} TFLOP, on {where}."
        )

    @contextlib.contextmanager
    def progress(self, work: float) -> Iterator[Callable[..., None]]:
        """Show a bar over ``work``; the yielded function is told (bucket, tokens, trained=…) as training goes on."""
        columns = (
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(elapsed_when_finished=False),
        )
        with Progress(*columns, console=self._out, speed_estimate_period=60) as bar:
            task = bar.add_task("starting", total=work, rate="")
            begun = dict[str, float]()
            done = 0

            def advance(bucket: Bucket, tokens: int, *, trained: bool) -> None:
                nonlocal done
                done += tokens if trained else 0
                elapsed = bar.tasks[0].elapsed or 0.0
                begun.setdefault("at", elapsed)
                rate = f"{done / max(elapsed, 1e-9) / 1e3:.0f} thousand tokens/s" if done else ""
                name = f"width {bucket.cells[0].model.width}, {len(bucket.cells)} cells"
                bar.update(task, advance=bucket.work * tokens / bucket.tokens, description=name, rate=rate)

            yield advance
            bar.update(task, description="trained")

    def verdicts(self, verdicts: Sequence[Verdict], seconds: float, report: Path) -> None:
        """Print the table of claims and where the report is."""
        table = Table(title="Verdicts", title_justify="left", box=rich.box.SIMPLE_HEAD)
        for heading in ("claim", "estimate", "interval", "true in", "verdict"):
            table.add_column(heading)
        for verdict in verdicts:
            table.add_row(*_judged(verdict))
        self._out.print(table)
        self.say(f"{seconds:.0f} s. The report is {report}")


def _described(bucket: Bucket) -> tuple[str, ...]:
    model = bucket.cells[0].model
    return (
        str(model.width), f"{size(model).parameters:,}", str(len(bucket.cells)), str(bucket.width),
        str(bucket.steps), f"{bucket.tokens / 1e6:.2f} M", f"{bucket.flops / 1e12:.3f}",
    )


def _judged(verdict: Verdict) -> tuple[str | Text, ...]:
    word = Text(verdict.verdict, style=_COLOURS[verdict.verdict])
    low, high = (float("nan") if end is None else end for end in (verdict.low, verdict.high))
    value = "–" if verdict.value is None else f"{verdict.value:.4g}"
    interval = "–" if verdict.value is None else span(low, high)
    ends = (float("-inf") if verdict.region[0] is None else verdict.region[0], float("inf") if verdict.region[1] is None else verdict.region[1])
    return verdict.id, value, f"{interval} at {verdict.level:.3g}", span(*ends), word
