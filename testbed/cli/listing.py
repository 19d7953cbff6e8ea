"""``testbed list``: what is on the shelves."""

import argparse
import textwrap
from pathlib import Path
from typing import Any

from testbed.cli.experiments import files, presets, shipped
from testbed.cli.fields import WIDTH
from testbed.cli.parser import add as add_command
from testbed.cli.parser import no_more
from testbed.cli.shelves import SHELVES, summary
from testbed.ground.wording import sentence


def add(commands: Any) -> None:
    """Add the command to the parser."""
    add_command(
        commands,
        "list",
        command,
        "what is on the shelves: worlds, attentions, feed-forwards, claims' estimates, experiments",
    )


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Print every shelf, the estimates, and the experiments of this folder."""
    no_more(asked, rest)
    from testbed.ground import catalog
    from testbed.studies.grid.measures import measures
    from testbed.study import kinds

    for title, package in SHELVES.items():
        _show(title, {name: summary(variant) for name, variant in catalog.shelf(package).items()})
    _show("measures on stored parameters", {name: summary(measure) for name, measure in measures().items()})
    _show("kinds of questions", {name: summary(kind) for name, kind in kinds().items()})
    for name, kind in kinds().items():
        told = {quantity: summary(number) for quantity, number in kind.estimates().items()}
        _show(f"estimates that claims can be about, {name}", told)
    _show("experiments that come with testbed, by name", {name: _told(path) for name, path in shipped().items()})
    here = [path for path in files(Path("experiments")).values() if not _is_shipped(path)]
    if here:
        _show("experiments in this folder", {str(path): _told(path) for path in here})
    return 0


def _told(path: Path) -> str:
    """Return the presets of an experiment, or why it has none: one that is broken hides no other."""
    try:
        return f"presets: {', '.join(presets(path))}"
    except ValueError as refusal:
        return sentence(refusal).removeprefix(f"{path} ")


def _is_shipped(path: Path) -> bool:
    return any(path.samefile(each) for each in shipped().values())


def _show(title: str, listed: dict[str, str]) -> None:
    """Print a shelf: each name and what it is, within 80 columns."""
    print(f"{title}:")
    room = max(map(len, listed), default=0) + 2
    for name, told in listed.items():
        print(
            textwrap.fill(f"  {name:{room}}{told}", WIDTH, subsequent_indent=" " * (room + 2), break_on_hyphens=False)
        )
