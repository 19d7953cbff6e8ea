"""What a person sees of training: the plan before, rate and time left during."""

import contextlib
from collections.abc import Iterator, Sequence

import rich.box
from rich.table import Table

from testbed.console import Console
from testbed.display import Display
from testbed.model.size import size
from testbed.train.plan import Bucket, Room


def show_plan(console: Console, name: str, pilots: Sequence[Bucket], rest: Sequence[Bucket], room: Room) -> None:
    """Print the buckets to be trained, their cells and the work they are."""
    table = Table(title=f"Plan of {name}", title_justify="left", box=rich.box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("stage", "width", "parameters P", "cells", "lanes", "steps", "tokens", "TFLOP"):
        table.add_column(heading, justify="left" if heading == "stage" else "right", overflow="fold")
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


class Watch:
    """Tells a display of training: what is compiled, and how many tokens of which bucket are done."""

    def __init__(self, shown: Display) -> None:
        """Begin with no token."""
        self.shown, self.tokens = shown, 0

    def compiling(self, bucket: Bucket, what: str) -> None:
        """Say that a program of a bucket is called for the first time."""
        self.shown.stage(f"{_name(bucket)}: compiling {what}")

    def advance(self, bucket: Bucket, tokens: int, *, trained: bool) -> None:
        """Take note of tokens, and of whether they were trained now."""
        self.tokens += tokens if trained else 0
        pace = self.tokens / max(self.shown.elapsed, 1e-9)
        rate = "" if not self.tokens else f"{pace / 1e3:.0f}k tokens/s" if pace >= 1e4 else f"{pace:.0f} tokens/s"
        self.shown.advance(bucket.work * tokens / bucket.tokens, _name(bucket), rate=rate, now=trained)


@contextlib.contextmanager
def progress(console: Console, work: int | float) -> Iterator[Watch]:
    """Show how far training has come, of so much ``work`` (`Bucket.work`)."""
    with console.progress("training", work) as shown:
        yield Watch(shown)


def _name(bucket: Bucket) -> str:
    return f"width {bucket.cells[0].model.width}, {len(bucket.cells)} cells"


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
