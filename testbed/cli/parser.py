"""What the commands share: a parser that refuses in one sentence."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

Command = Callable[[argparse.Namespace, list[str]], int]


class Parser(argparse.ArgumentParser):
    """A parser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise ValueError with what is wrong, and where help is."""
        raise ValueError(f"{message}; see {self.prog} --help.")


def add(commands: Any, name: str, command: Command, summary: str, *, helped: bool = True) -> argparse.ArgumentParser:
    """Return the parser of a new command; one not ``helped`` answers --help itself, and leaves unknown options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary, add_help=helped, allow_abbrev=helped
    )
    if not helped:
        parser.add_argument(
            "-h", "--help", action="store_true", help="show this help, with the overrides of what is named"
        )
    parser.set_defaults(command=command, parser=parser, strict=helped)
    return parser


def help_or_refuse(asked: argparse.Namespace, remedy: str) -> int:
    """Print the help that was asked for.

    Error: ValueError with the remedy if none was.
    """
    if not asked.help:
        raise ValueError(f"nothing is named: {remedy}.")
    asked.parser.print_help()
    return 0


def no_more(asked: argparse.Namespace, rest: list[str]) -> None:
    """Refuse words that no option takes."""
    if rest:
        asked.parser.error(f"unrecognised arguments: {' '.join(rest)}")
