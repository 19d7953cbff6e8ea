"""``testbed report``: write the report of a judged run again."""

import argparse
from typing import Any

from testbed.cli.files import check_place
from testbed.cli.parser import add as add_command
from testbed.cli.parser import no_more, path


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "report", command, "write the report of a judged run again")
    parser.add_argument("folder", type=path, help="the folder of a run")
    parser.add_argument("--picture", type=path, help="also write the main figure as SVG here")


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Write the page, and the main figure if asked."""
    no_more(asked, rest)
    if asked.picture is not None:
        check_place("--picture", asked.picture, "figure.svg")
    from testbed import judging
    from testbed.terminal.console import Console

    judging.rewrite_report(asked.folder, Console(), asked.picture)
    return 0
