"""``testbed gallery``: a page with every world, and a picture of each."""

import argparse
from pathlib import Path
from typing import Any

from testbed.cli.parser import add as add_command
from testbed.cli.parser import no_more, path


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "gallery", command, "draw the gallery of worlds: a page, and a picture of each world"
    )
    parser.add_argument("--out", type=path, default=Path("docs"), help="folder of the page (default docs)")


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Write the page and the pictures."""
    no_more(asked, rest)
    if not asked.out.is_dir():
        raise ValueError(f"--out {asked.out}: it is not a folder; make it, or name one that is there.")
    from testbed.report import gallery
    from testbed.report.portrait import picture, portrait
    from testbed.store import write_outside

    (asked.out / "gallery").mkdir(exist_ok=True)
    shown = []
    for name, world in gallery.exhibits().items():
        print(name, flush=True)
        shown.append(portrait(world, world.truth(gallery.LENGTH)))
        write_outside(asked.out / "gallery" / f"{name}.svg", picture(shown[-1]).encode())
    write_outside(asked.out / "gallery.md", gallery.page(shown).encode())
    print(f"The gallery is {asked.out / 'gallery.md'}")
    return 0
