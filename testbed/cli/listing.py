"""``testbed list``: what is on the shelves."""

import argparse
from pathlib import Path
from typing import Any

from testbed.cli.experiments import files, presets
from testbed.cli.parser import add as add_command
from testbed.cli.parser import no_more
from testbed.cli.shelves import SHELVES, summary
from testbed.wording import sentence


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
    from testbed import catalog
    from testbed.judging import known_estimates
    from testbed.measure.ensemble import measures
    from testbed.measure.noise.claimed import ESTIMATES

    for title, package in SHELVES.items():
        print(f"{title}:")
        for name, variant in catalog.shelf(package).items():
            print(f"  {name:18} {summary(variant)}")
    print("measures on stored parameters:")
    for name, measure in measures().items():
        print(f"  {name:18} {summary(measure)}")
    print("estimates that claims can be about:")
    for name, function in (known_estimates() | ESTIMATES).items():
        print(f"  {name:26} {summary(function)}")
    print("experiments here:")
    for path in files(Path("experiments")):
        print(f"  {path}  {_presets(path)}")
    return 0


def _presets(path: Path) -> str:
    """Return the presets of a file, or why it has none: one that is broken hides no other."""
    try:
        return f"presets: {', '.join(presets(path))}"
    except ValueError as refusal:
        return sentence(refusal).removeprefix(f"{path} ")
