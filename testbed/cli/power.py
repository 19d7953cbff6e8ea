"""``testbed power``: what the claims of an experiment can decide, before it is run."""

import argparse
from typing import TYPE_CHECKING, Any

import msgspec

from testbed.cli import claims
from testbed.cli.experiments import help_all, help_of, located, preset
from testbed.cli.parser import add as add_command
from testbed.cli.parser import help_or_refuse, path, whole
from testbed.ground.options import MOST_SIMULATIONS
from testbed.ground.rules import require_between

if TYPE_CHECKING:
    from testbed.judging.power import Remedy
    from testbed.study import Study


def add(commands: Any) -> None:
    """Add the command to the parser."""
    summary = "what the claims of an experiment can decide, before it is run, and what would decide the rest"
    parser = add_command(commands, "power", command, summary, helped=False)
    parser.add_argument(
        "experiment",
        nargs="?",
        help="an experiment by name, or a Python file that defines PRESETS; add --help after it for its overrides",
    )
    parser.add_argument("--preset", default="quick", help="a preset of the experiment (default quick)")
    parser.add_argument(
        "--out", type=path, help="folder of a run of it whose pilots tell more than a guess (default: a guess)"
    )
    parser.add_argument(
        "--simulations", type=whole, default=100, help="simulated runs of each claim and place (default 100)"
    )
    parser.add_argument("--json", action="store_true", help="print the counts as JSON instead")
    claims.add(parser)
    help_all(parser)


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Print what each claim can decide, and which knob decides those that the design does not."""
    if asked.experiment is None:
        return help_or_refuse(asked, "name an experiment, e.g. bias_variance; `testbed list` shows them")
    require_between("--simulations", asked.simulations, 1, MOST_SIMULATIONS, "100")
    study = preset(located(asked.experiment), asked.preset)
    if asked.help or asked.help_all:
        return help_of(asked, study)
    from testbed.cli.overrides import overridden

    study = msgspec.structs.replace(study, claims=claims.chosen(study.claims, asked.claims))
    study = overridden(type(study), study, rest, f"testbed power {asked.experiment}")
    _tell(study, asked)
    return 0


def _tell(study: "Study", asked: argparse.Namespace) -> None:
    from testbed import judging
    from testbed.judging import power
    from testbed.store import ledger
    from testbed.terminal.console import Console
    from testbed.terminal.plan import show_power
    from testbed.verdict.forecast import FEWEST

    judging.check_claims(study)
    store = None if asked.out is None else judging.of_study(asked.out, study)
    foresight = study.foresight(store)
    if foresight is None or not study.claims:
        lack = "has no claims" if foresight is not None else "is of a kind that foresees nothing"
        raise ValueError(f"{study.name} {lack}: there is nothing to tell; declare claims, or choose another.")
    found = power.forecasts(study, foresight, study.claims, simulations=asked.simulations)
    helps = {
        claim.id: power.remedy(study, foresight, claim, simulations=min(asked.simulations, FEWEST))
        for claim in study.claims
        if found[claim.id].right < power.HELPS and not found[claim.id].unplanted
    }
    if asked.json:
        told = {name: ledger.plain(each) | {"remedy": _plain(helps.get(name))} for name, each in found.items()}
        print(msgspec.json.format(msgspec.json.encode(told), indent=1).decode())
        return
    show_power(Console(), found, {name: _words(each) for name, each in helps.items()})


def _plain(found: "Remedy | None") -> dict[str, Any] | None:
    return None if found is None else found._asdict()


def _words(found: "Remedy | None") -> str:
    return "none of the knobs alone" if found is None else f"{found.knob}, {found.cost:.3g}× the work"
