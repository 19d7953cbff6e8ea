"""What tests of a grid's runs share."""

import json
import re
from pathlib import Path

from testbed.ground.options import Options
from testbed.pipeline import run
from testbed.terminal.console import Console

ROOT = Path(__file__).parents[3]
QUIET = Console(quiet=True)


def ran(experiment, folder, console=QUIET):
    return run(experiment, folder, Options(simulations=0), console)


def read(folder, name):
    return json.loads((folder / name).read_text())


def contents(folder):
    """Every file with its time of change, the spec's apart: it is written anew by every run, with the same words."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != "spec.json"}


def told_columns(text=None):
    """The columns that the page of tables tells, by table; what a kind adds to all its tables stands under the kind."""
    found: dict[str, list[str]] = {}
    for section in (text or (ROOT / "docs" / "tables.md").read_text()).split("\n## ")[1:]:
        names, heading = re.findall(r"`(\w+)`", section.splitlines()[0]), None
        for line in section.splitlines():
            if line.startswith("| column"):
                heading = (re.findall(r"`(\w+)`", line) or names)[0]
            elif line.startswith("| `") and heading:
                found.setdefault(heading, []).extend(re.findall(r"`(\w+)`", line.split("|")[1]))
    return found
