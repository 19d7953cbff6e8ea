"""From the words of a command to its exit status: the one place where a refusal becomes a sentence."""

import argparse
import io
import sys
from collections.abc import Sequence

from testbed import __version__
from testbed.cli import edge, fit, gallery, judge, listing, power, report, run, truth
from testbed.cli.parser import Parser

_EPILOG = """examples:
  testbed power bias_variance             what its claims can decide
  testbed run bias_variance --preset quick --out runs/demo
  testbed run bias_variance --out runs/wide --grid.replicates 5
  testbed run bias_variance --help        the typed overrides of an experiment
  testbed run clt_noise --out runs/noise
  testbed judge runs/demo --claims-of bias_variance
  testbed truth markov                    the gallery's example of a world
  testbed truth block_stationary --length 64 --json
  testbed truth hidden_markov --process mess3 --width 1e-6
  testbed truth markov --vocabulary 2 --lags 1 2 8 --features '[[1], [-1]]'
  testbed truth noisy --base '{"kind": "markov", "vocabulary": 4}' --sigma 0.1
  testbed fit losses.csv --entropy 1.69   a scaling law of your own losses
"""

_COMMANDS = (listing, truth, fit, gallery, power, run, judge, report)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    0: done. 2: the request cannot be met (one sentence on standard error says why). 70: a fault of testbed.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the signs of a table still gets the rest
    try:
        asked, rest = _parser().parse_known_args(words)
        return int(asked.command(asked, rest))
    except SystemExit:  # help was printed
        raise
    except BaseException as error:
        return edge.status(error)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="testbed",
        description="Judge claims about scaling on worlds whose entropy is known exactly.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"testbed {__version__}")
    commands = parser.add_subparsers(required=True, metavar="{list,truth,fit,gallery,power,run,judge,report}")
    for each in _COMMANDS:
        each.add(commands)
    return parser
