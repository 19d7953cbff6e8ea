"""What tests of a grid's runs share."""

import json
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
