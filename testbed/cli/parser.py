"""What the commands share: a parser that refuses in one sentence."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from testbed.ground.wording import cut, printable, short

Command = Callable[[argparse.Namespace, list[str]], int]


class Parser(argparse.ArgumentParser):
    """A parser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise ValueError with what is wrong, and where help is."""
        raise ValueError(f"{cut(printable(message), 240)}; see {self.prog} --help.")


def whole(word: str) -> int:
    """Return the whole number that a word stands for."""
    try:
        return int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{short(word)}' is no whole number in digits; e.g. 64") from None


def number(word: str) -> float:
    """Return the number that a word stands for."""
    try:
        return float(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{short(word)}' is no number; e.g. 0.5") from None


def path(word: str) -> Path:
    """Return the path that a word stands for."""
    if not word.strip() or "\0" in word:
        raise argparse.ArgumentTypeError(f"'{short(word)}' is no path: name a file or a folder")
    return Path(word)


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
        asked.parser.error(f"unrecognised arguments: {short(' '.join(rest))}; leave them out")
