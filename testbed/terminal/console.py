"""What a person sees of judging: sentences, and the table of claims."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import rich.box
import rich.console
from rich.table import Table
from rich.text import Text

from testbed.terminal.display import Display, display
from testbed.verdict import Verdict, span

_COLOURS = {"supported": "green", "refuted": "red", "undecided": "yellow", "invalid": "magenta"}

_LATE = {
    "after the run": "Declared after the run",
    "declaration missing": "Declaration missing (no sound declared.json tells what was claimed before the run)",
}
LONGEST = 30
"""Longest name of a claim that is kept on one line, so that all columns fit 80 characters."""


class Console:
    """Prints to one stream, names and sentences as they are, with no markup in them; quiet when told to be."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Write to standard output, or nowhere if ``quiet``."""
        self.out = rich.console.Console(quiet=quiet, highlight=False, markup=False, emoji=False)

    def say(self, sentence: str) -> None:
        """Print a sentence, on lines that break between words only, so that a path can be copied."""
        for line in textwrap.wrap(sentence, self.out.width, break_long_words=False, break_on_hyphens=False):
            self.out.print(line, soft_wrap=True)

    def progress(self, name: str, total: int | float) -> Display:
        """Return what shows how far a piece of work has come, of so much: a bar on a terminal, lines elsewhere."""
        return display(self.out, name, total)

    def verdicts(self, verdicts: Sequence[Verdict], seconds: float, report: Path) -> None:
        """Print the table of claims, that of the checks of the instrument, and where the report is."""
        for title, kind in (("Verdicts", "paper"), ("Checks of the instrument", "instrument")):
            own = [verdict for verdict in verdicts if verdict.kind == kind]
            if own:
                self.out.print(_table(title, own))
        for standing, sentence in _LATE.items():
            late = [verdict.id for verdict in verdicts if verdict.declared == standing]
            if late:
                self.say(f"{sentence}: {', '.join(late)}.")
        self.say(f"{seconds:.0f} s. The report is {report}")


def _table(title: str, verdicts: Sequence[Verdict]) -> Table:
    levels = Counter(verdict.level for verdict in verdicts)
    usual = max(levels, key=lambda level: levels[level])
    table = Table(
        title=f"{title}, with {100 * usual:.4g} % intervals",
        title_justify="left",
        box=rich.box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    whole = all(len(verdict.id) <= LONGEST for verdict in verdicts)
    table.add_column("claim", overflow="fold", no_wrap=whole)
    for heading in ("estimate", "interval", "true in", "verdict"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "verdict")
    for verdict in verdicts:
        table.add_row(*_judged(verdict, usual))
    return table


def _judged(verdict: Verdict, usual: float | None) -> tuple[str | Text, ...]:
    word = Text(verdict.verdict, style=_COLOURS[verdict.verdict])
    low, high = (float("nan") if end is None else end for end in (verdict.low, verdict.high))
    value = "–" if verdict.estimate is None else f"{verdict.estimate:.4g}"
    interval = "–" if verdict.estimate is None else span(low, high)
    ends = (
        float("-inf") if verdict.region[0] is None else verdict.region[0],
        float("inf") if verdict.region[1] is None else verdict.region[1],
    )
    unusual = "" if verdict.level == usual or verdict.estimate is None else f" at {100 * verdict.level:.4g} %"
    return verdict.id, value, f"{interval}{unusual}", span(*ends, strict=verdict.strict), word
