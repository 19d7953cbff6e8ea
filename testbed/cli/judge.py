"""``testbed judge``: judge a finished run again, without training."""

import argparse
from typing import Any

from testbed.cli import claims
from testbed.cli.experiments import located, preset
from testbed.cli.parser import add as add_command
from testbed.cli.parser import no_more, path


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "judge", command, "judge a finished run again, without training")
    parser.add_argument("folder", type=path, help="the folder of a run")
    parser.add_argument(
        "--claims-of",
        metavar="EXPERIMENT",
        help="take the claims from this experiment, a name or a file (default: the run's own spec.json)",
    )
    parser.add_argument("--preset", help="with --claims-of: the preset (default quick)")
    claims.add(parser)


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Judge the run in a folder, by other claims if asked."""
    no_more(asked, rest)
    from testbed import judging
    from testbed.terminal.console import Console

    if asked.claims_of is None and asked.claims is not None:
        raise ValueError(
            f"--claims {' '.join(asked.claims)}: they are chosen among the claims of an experiment; name it too, "
            "--claims-of EXPERIMENT."
        )
    if asked.claims_of is None and asked.preset is not None:
        raise ValueError(
            f"--preset {asked.preset}: it is a preset of the experiment whose claims are taken; name that too, "
            "--claims-of EXPERIMENT."
        )
    declared = None if asked.claims_of is None else preset(located(asked.claims_of), asked.preset or "quick").claims
    by = None if declared is None else claims.chosen(declared, asked.claims)
    judging.rejudge(asked.folder, by, Console())
    return 0
