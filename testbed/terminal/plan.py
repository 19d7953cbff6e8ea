"""The plan of a run, as a table: what will be trained, stage by stage."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import rich.box
from rich.table import Table

from testbed.terminal.console import Console


class Planned(NamedTuple):
    """Training that a run will do, before anything is known of it but its size."""

    stage: str
    columns: Mapping[str, str]
    """What is told of it, by heading."""
    runs: int
    tokens: int
    flops: float


def show(console: Console, name: str, ahead: Sequence[Planned], where: str) -> None:
    """Print the batches that are to be trained, their runs and the work they are; nothing if nothing is trained."""
    if not ahead:
        return
    table = Table(title=f"Plan of {name}", title_justify="left", box=rich.box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("stage", overflow="fold")
    for heading in ahead[0].columns:
        table.add_column(heading, justify="right", overflow="fold")
    for each in ahead:
        table.add_row(each.stage, *each.columns.values())
    console.out.print(table)
    console.say(
        f"{_counted(sum(each.runs for each in ahead), 'run', 's')} in {_counted(len(ahead), 'batch', 'es')}, "
        f"{sum(each.tokens for each in ahead) / 1e6:.1f} million tokens, "
        f"{sum(each.flops for each in ahead) / 1e12:.2f} TFLOP, on {where}."
    )


def _counted(count: int, word: str, ending: str) -> str:
    return f"{count} {word}{ending if count != 1 else ''}"
