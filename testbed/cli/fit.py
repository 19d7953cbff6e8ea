"""``testbed fit``: a scaling law fitted to a table of losses."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from testbed.cli.files import check_place
from testbed.cli.parser import add as add_command
from testbed.cli.parser import no_more, number, path, whole
from testbed.ground.wording import offered, short

if TYPE_CHECKING:
    from testbed.stats.scaling.findings import Findings
    from testbed.stats.scaling.forms import Form
    from testbed.stats.scaling.law import Law
    from testbed.stats.scaling.reading import Read

COLUMNS = ("params", "tokens", "loss", "flops", "group")
MOST_RESAMPLES = 100_000


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "fit", command, "fit a scaling law to a table of losses")
    parser.add_argument("file", type=path, help="comma-separated values with a line of names: params, tokens, loss")
    parser.add_argument(
        "--form",
        default="chinchilla",
        help="chinchilla (default), kaplan, variance, power_params, power_tokens, broken_params or broken_tokens",
    )
    parser.add_argument(
        "--columns", help="names in the file, params=N,tokens=D,loss=L,flops=C,group=RUN; those left out"
    )
    parser.add_argument("--entropy", type=number, help="the irreducible loss E, where it is known: it is pinned")
    parser.add_argument(
        "--entropy-within", type=number, nargs=2, metavar=("LOW", "HIGH"), help="assume that E lies between these"
    )
    parser.add_argument("--pin", nargs="+", default=[], metavar="NAME=VALUE", help="pin other parameters, alpha=0.5")
    parser.add_argument(
        "--objective",
        choices=("huber", "log-squares", "squares"),
        default="huber",
        help="what is minimised, a sum over rows: the Huber loss of log loss with delta 0.001 (default), squares of log"
        " loss, or squares of loss",
    )
    parser.add_argument(
        "--interval",
        choices=("cells", "seeds", "profile"),
        help="resample whole cells or groups (default of huber, or of groups), or seeds within cells; else profile",
    )
    parser.add_argument("--level", type=number, default=0.95, help="of intervals (default 0.95)")
    parser.add_argument("--resamples", type=whole, default=1000, help="how many (default 1000)")
    parser.add_argument("--seed", type=whole, default=0, help="of resamples and folds (default 0)")
    parser.add_argument("--flops", type=number, nargs="+", default=[], help="tell what is best at these FLOPs, rising")
    parser.add_argument(
        "--compare", nargs="+", default=[], metavar="FORM", help="also fit these, and compare forecasts"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--svg", type=path, help="also draw losses, residuals, isoFLOP curves and the frontier")
    parser.add_argument(
        "--residuals", type=path, help="also write each row with its fit, residual and leverage, as CSV"
    )


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Fit the law, and tell what follows from it."""
    no_more(asked, rest)
    form, others, within = _form(asked.form), [_form(name) for name in asked.compare], _within(asked)
    columns = _columns(asked.columns)
    _check(asked)
    from testbed.report.scaling import record, shown
    from testbed.stats.identified import NoInformation
    from testbed.stats.scaling.reading import read

    table = read(asked.file, columns)
    if told := shown.bad_rows(table):
        print(f"testbed: {told}", file=sys.stderr)
    try:
        law = _law(asked, form, within, table)
    except NoInformation as refusal:
        if asked.json:
            print(json.dumps(record.refused(form, str(refusal), table), allow_nan=False))
        raise
    from testbed.stats.scaling.findings import findings

    found = findings(
        table.table, law, level=asked.level, seed=asked.seed, resamples=asked.resamples, flops=asked.flops,
        others=[each for each in others if each.name != form.name], within=within,
    )  # fmt: skip
    if asked.json:
        named = ("interval", "level", "resamples", "seed")
        told_of = {"objective": asked.objective} | {name: getattr(asked, name) for name in named}
        print(json.dumps(record.record(found, table, told_of | {"interval": _interval(asked)}), allow_nan=False))
    else:
        shown.show(found, table)
    _leave(asked, found, table)
    return 0


def _law(asked: argparse.Namespace, form: "Form", within: dict[str, tuple[float, float]], table: "Read") -> "Law":
    """Return the fitted law."""
    from testbed.stats.scaling.law import scaling_law
    from testbed.stats.scaling.objectives import OBJECTIVES

    return scaling_law(
        table.table, form, OBJECTIVES[asked.objective], interval=_interval(asked), level=asked.level, within=within,
        seed=asked.seed, resamples=asked.resamples,
    )  # fmt: skip


def _leave(asked: argparse.Namespace, found: "Findings", table: "Read") -> None:
    """Write the figure and the residuals that were asked for."""
    from testbed.store import write_outside

    told_on = sys.stderr if asked.json else sys.stdout
    if asked.svg is not None:
        from testbed.report.scaling.figure import figure

        write_outside(asked.svg, figure(found).encode())
        print(f"The figure is {asked.svg}", file=told_on)
    if asked.residuals is not None:
        from testbed.report.scaling.residuals import residuals

        write_outside(asked.residuals, residuals(found, table).encode())
        print(f"The residuals are {asked.residuals}", file=told_on)


def _interval(asked: argparse.Namespace) -> str:
    grouped = "group" in _columns(asked.columns)
    usual = "cells" if asked.objective == "huber" or grouped else "profile"
    return asked.interval or usual


def _form(name: str) -> "Form":
    from testbed.stats.scaling.forms import FORMS

    if name not in FORMS:
        raise ValueError(f"form {short(name)!r}: it must be a form that there is; {offered(name, FORMS)}.")
    return FORMS[name]


def _columns(text: str | None) -> dict[str, str]:
    """Return the names of columns that were given."""
    found = {}
    for word in (text or "").split(",") if text is not None else ():
        what, equals, name = word.partition("=")
        if what.strip() not in COLUMNS or not equals or not name.strip():
            raise ValueError(
                f"--columns {short(word)!r}: it must be one of {', '.join(COLUMNS)} and a name; e.g. params=N,loss=L."
            )
        found[what.strip()] = name.strip()
    return found


def _within(asked: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Return the parameters that are pinned, or narrowed to a range."""
    if asked.entropy is not None and asked.entropy_within is not None:
        raise ValueError("--entropy pins E and --entropy-within assumes a range of it; give one of the two.")
    found: dict[str, tuple[float, float]] = {}
    if asked.entropy is not None:
        found["E"] = (asked.entropy, asked.entropy)
    if asked.entropy_within is not None:
        found["E"] = tuple(asked.entropy_within)
    for word in asked.pin:
        name, equals, value = word.partition("=")
        if not equals or name in found:
            raise ValueError(f"--pin {short(word)!r}: it must be a parameter and a value, each once; e.g. alpha=0.5.")
        try:
            found[name] = (float(value), float(value))
        except ValueError:
            raise ValueError(f"--pin {short(word)!r}: {short(value)!r} is no number; e.g. {short(name)}=0.5.") from None
    return found


def _check(asked: argparse.Namespace) -> None:
    """Refuse what can be refused before the file is read."""
    from testbed.ground.rules import require, require_between
    from testbed.stats.estimate import check_level

    check_level(asked.level)
    require_between("resamples", asked.resamples, 100, MOST_RESAMPLES, "1000")
    require_between("seed", asked.seed, 0, 2**63 - 1, "0")
    rising = len(asked.flops) != 1 and asked.flops == sorted(set(asked.flops))
    finite = all(1e-30 < each < 1e60 for each in asked.flops)
    require(rising and finite, "flops", asked.flops, "two or more positive numbers, rising", "e.g. 1e18 1e21")
    for option, place, example in (("--svg", asked.svg, "fit.svg"), ("--residuals", asked.residuals, "residuals.csv")):
        if place is not None:
            check_place(option, place, example)
