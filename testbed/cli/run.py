"""``testbed run``: train what is missing, judge, report."""

import argparse
import re
from pathlib import Path
from typing import Any

import msgspec

from testbed.cli import claims
from testbed.cli.experiments import help_all, help_of, located, preset
from testbed.cli.parser import add as add_command
from testbed.cli.parser import help_or_refuse, number, path, whole
from testbed.ground import cores


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "run", command, "train what is missing, judge, report", helped=False)
    parser.add_argument(
        "experiment",
        nargs="?",
        help="an experiment that comes with testbed, by name (see `testbed list`), or a Python file that defines"
        " PRESETS; add --help after it for its overrides",
    )
    parser.add_argument("--preset", default="quick", help="a preset of the experiment (default quick)")
    parser.add_argument("--out", type=path, help="folder of the run (default runs/NAME-PRESET)")
    claims.add(parser)
    parser.add_argument(
        "--placement", default="jit", choices=("jit", "pmap"), help="how runs are spread over devices (default jit)"
    )
    parser.add_argument(
        "--mapping", choices=("map", "vmap"), help="how a device walks its runs (default: map on CPUs, vmap elsewhere)"
    )
    parser.add_argument(
        "--checkpoint-seconds", type=number, default=60.0, help="seconds between snapshots (default 60)"
    )
    parser.add_argument(
        "--memory-gib",
        type=number,
        help="memory per device for a batch of runs (default: a share of the device's)",
    )
    parser.add_argument(
        "--simulations",
        type=whole,
        default=40,
        help="simulated runs of each claim and place of its truth, before the run (default 40; 0 leaves it out, and no"
        " claim is refused then)",
    )
    help_all(parser)


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Run a preset of an experiment file, with its overrides."""
    if asked.experiment is None:
        return help_or_refuse(asked, "name an experiment, e.g. bias_variance; `testbed list` shows them")
    cores.use_all()
    experiment = preset(located(asked.experiment), asked.preset)
    if asked.help or asked.help_all:
        return help_of(asked, experiment)
    from testbed.cli.overrides import overridden

    experiment = msgspec.structs.replace(experiment, claims=claims.chosen(experiment.claims, asked.claims))
    experiment = overridden(type(experiment), experiment, rest, f"testbed run {asked.experiment}")
    from testbed import pipeline
    from testbed.ground.options import Options
    from testbed.terminal.console import Console

    options = Options(
        placement=asked.placement,
        mapping=asked.mapping,
        checkpoint_seconds=asked.checkpoint_seconds,
        memory_gib=asked.memory_gib,
        simulations=asked.simulations,
    )
    folder = asked.out or Path("runs") / _folder_name(f"{experiment.name}-{asked.preset}")
    pipeline.run(experiment, folder, options, Console())
    return 0


def _folder_name(name: str) -> str:
    """Return a name as that of one folder, whatever signs it holds."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "run"
