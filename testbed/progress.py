"""What a person sees of training: the plan before, rate and time left during."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import rich.box
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from testbed.console import Console
from testbed.model.size import size
from testbed.train.plan import Bucket, Room


def show_plan(console: Console, name: str, pilots: Sequence[Bucket], rest: Sequence[Bucket], room: Room) -> None:
    """Print the buckets to be trained, their cells and the work they are."""
    table = Table(title=f"Plan of {name}", title_justify="left", box=rich.box.SIMPLE_HEAD)
    for heading in ("stage", "width", "parameters P", "cells", "lanes", "steps", "tokens", "TFLOP"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage, buckets in (("learning rates", pilots), ("grid", rest)):
        for bucket in buckets:
            table.add_row(stage, *_described(bucket))
    console.out.print(table)
    everything = [*pilots, *rest]
    granted = f"{room.bytes_per_device / 2**30:.1f} GiB granted on each"
    where = f"{len(room.devices)} {room.devices[0].platform} device(s), {granted}"
    console.say(
        f"{sum(len(b.cells) for b in everything)} cells in {len(everything)} buckets, "
        f"{sum(b.tokens for b in everything) / 1e6:.1f} million tokens, "
        f"{sum(b.flops for b in everything) / 1e12:.2f} TFLOP, on {where}."
    )


@contextlib.contextmanager
def progress(console: Console, work: float) -> Iterator[Callable[..., None]]:
    """Show a bar over ``work``; the yielded function is told (bucket, tokens, trained=…) as training goes on."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with Progress(*columns, console=console.out, speed_estimate_period=60) as bar:
        task = bar.add_task("starting", total=work, rate="")
        done = 0

        def advance(bucket: Bucket, tokens: int, *, trained: bool) -> None:
            nonlocal done
            done += tokens if trained else 0
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{done / max(elapsed, 1e-9) / 1e3:.0f} thousand tokens/s" if done else ""
            name = f"width {bucket.cells[0].model.width}, {len(bucket.cells)} cells"
            bar.update(task, advance=bucket.work * tokens / bucket.tokens, description=name, rate=rate)

        yield advance
        bar.update(task, description="trained")


def _described(bucket: Bucket) -> tuple[str, ...]:
    model = bucket.cells[0].model
    return (
        str(model.width),
        f"{size(model).parameters:,}",
        str(len(bucket.cells)),
        str(bucket.width),
        str(bucket.steps),
        f"{bucket.tokens / 1e6:.2f} M",
        f"{bucket.flops / 1e12:.3f}",
    )
