"""Which claims of a preset are judged: all of them, or those that are named."""

import argparse
from collections.abc import Sequence

from testbed.verdict import Claim


def add(parser: argparse.ArgumentParser) -> None:
    """Add the option to a parser."""
    parser.add_argument("--claims", nargs="+", metavar="ID", help="judge only these claims of the preset (default all)")


def chosen(claims: Sequence[Claim], ids: Sequence[str] | None) -> tuple[Claim, ...]:
    """Return the claims that are named, in the order of the preset, or all if none is.

    Error: ValueError that lists the known ids for one that is not among them.
    """
    known = [claim.id for claim in claims]
    for each in ids or ():
        if each not in known:
            raise ValueError(f"--claims {each}: there is no such claim; known: {', '.join(known) or 'none'}.")
    return tuple(claim for claim in claims if ids is None or claim.id in ids)
