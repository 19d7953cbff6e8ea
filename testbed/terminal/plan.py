"""The plan of a run, as tables: what will be trained, stage by stage, and what the claims can decide."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import rich.box
from rich.table import Table

from testbed.terminal.console import LONGEST, Console
from testbed.verdict.forecast import Chances, Forecast


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


def show_power(console: Console, found: Mapping[str, Forecast], helps: Mapping[str, str] | None = None) -> None:
    """Print the chances of each claim, by id: of the right verdict inside and outside, of any verdict on the edge.

    ``helps`` adds a column: which knob decides a claim, at what cost.
    """
    if not found:
        return
    basis = next(iter(found.values())).basis
    title = f"What the claims can decide, by {basis}: shares of simulated runs"
    table = Table(title=title, title_justify="left", box=rich.box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("claim", overflow="fold", no_wrap=all(len(name) <= LONGEST for name in found))
    for heading in ("supported inside", "refuted outside", "decided on the edge"):
        table.add_column(heading, justify="right", overflow="fold")
    if helps is not None:
        table.add_column("what decides it", overflow="fold")
    for name, each in found.items():
        told = (each.unplanted, "", "") if each.unplanted else _chances(each)
        table.add_row(name, *told, *([] if helps is None else [helps.get(name, "")]))
    console.out.print(table)
    console.say(
        "Each cell: share of runs ± its standard error (true value that was planted). On the edge at most 1 − level may"
        " be decided. Checks of the run count as passed."
    )


def _chances(found: Forecast) -> tuple[str, str, str]:
    """Return what is told of the three places."""
    return (
        _share(found.inside, "supported"),
        _share(found.outside, "refuted"),
        _share(found.edge, "supported", "refuted"),
    )


def _share(chances: Chances | None, *words: str) -> str:
    """Return a share with its standard error, and the value that was planted.

    >>> _share(Chances(value=0.1, supported=30, undecided=10), "supported")
    '75 ± 7 % (0.1)'
    >>> _share(Chances(value=0.1, undecided=40), "supported")
    '0 ± 3 % (0.1)'
    """
    if chances is None or not chances.count:
        return "–"
    share = chances.share(*words)
    centred = (share * chances.count + 2) / (chances.count + 4)  # Agresti and Coull: no error is nothing
    error = (centred * (1 - centred) / (chances.count + 4)) ** 0.5
    return f"{100 * share:.0f} ± {100 * error:.0f} % ({chances.value:.3g})".replace("(-", "(−")


def _counted(count: int, word: str, ending: str) -> str:
    return f"{count} {word}{ending if count != 1 else ''}"
