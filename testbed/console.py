"""What a person sees of judging: sentences, and the table of claims."""

from collections.abc import Sequence
from pathlib import Path

import rich.box
import rich.console
from rich.table import Table
from rich.text import Text

from testbed.verdict import Verdict, span

_COLOURS = {"supported": "green", "refuted": "red", "undecided": "yellow", "invalid": "magenta"}

_LATE = {
    "after the run": "Declared after the run",
    "declaration missing": "Declaration missing (no sound declared.json tells what was claimed before the run)",
}


class Console:
    """Prints to one stream; quiet when told to be."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Write to standard output, or nowhere if ``quiet``; names and sentences are shown as they stand."""
        self.out = rich.console.Console(quiet=quiet, highlight=False, markup=False, emoji=False)

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self.out.print(sentence, soft_wrap=True)

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
    table = Table(title=title, title_justify="left", box=rich.box.SIMPLE_HEAD)
    for heading in ("claim", "estimate", "interval", "true in", "verdict"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("claim", "verdict"))
    for verdict in verdicts:
        table.add_row(*_judged(verdict))
    return table


def _judged(verdict: Verdict) -> tuple[str | Text, ...]:
    word = Text(verdict.verdict, style=_COLOURS[verdict.verdict])
    low, high = (float("nan") if end is None else end for end in (verdict.low, verdict.high))
    value = "–" if verdict.estimate is None else f"{verdict.estimate:.4g}"
    interval = "–" if verdict.estimate is None else span(low, high)
    ends = (
        float("-inf") if verdict.region[0] is None else verdict.region[0],
        float("inf") if verdict.region[1] is None else verdict.region[1],
    )
    return verdict.id, value, f"{interval} at {verdict.level:.3g}", span(*ends), word
