"""``testbed truth``: the exact entropies of a world."""

import argparse
import json
import shlex
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import msgspec

from testbed.cli.files import check_place
from testbed.cli.parser import add as add_command
from testbed.cli.parser import help_or_refuse, number, path, whole
from testbed.cli.shelves import SHELVES, summary
from testbed.ground.wording import short

if TYPE_CHECKING:
    from testbed.laws.second_order import SecondOrder
    from testbed.laws.units import Unit
    from testbed.sources import Budget, Source, Truth

PATIENCE = 60.0


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "truth", command, "the exact entropies of a world", helped=False)
    parser.add_argument(
        "name", nargs="?", help="a world, as `testbed list` names it; add --help after it for its parameters"
    )
    parser.add_argument("--length", type=whole, default=64, help="window n in tokens (default 64)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--unit",
        choices=("nats", "bits"),
        default="nats",
        help="unit of entropies, also in JSON and --svg (default nats); --bits is short for --unit bits, where that is"
        " no option of the world",
    )
    parser.add_argument("--lags", type=whole, nargs="+", help="also tell the pair laws at these lags")
    parser.add_argument(
        "--features", help="also tell the autocovariance of these features, '[[1], [-1]]': a row for each symbol"
    )
    parser.add_argument("--svg", type=path, help="also draw the world into this file")
    parser.add_argument("--predictors", action="store_true", help="also measure what classical predictors attain")
    parser.add_argument("--file", type=path, help="read the world from this file, where it is of a kind that can be")
    parser.add_argument("--width", type=number, help="refuse, and name the price, if an interval is wider (nats)")
    parser.add_argument("--contexts", type=whole, help="most contexts that an entropy is enumerated over")
    parser.add_argument("--tokens", type=whole, help="tokens to sample where that is too few")
    parser.add_argument(
        "--sampling-seed", type=whole, help="seed of what is sampled (default 0); worlds have their own"
    )
    parser.add_argument(
        "--patience",
        type=number,
        default=PATIENCE,
        help=f"seconds of work, as foreseen, beyond which to refuse and name the price (default {PATIENCE:g})",
    )


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Print the truth of the named world, and draw it if asked."""
    if asked.name is None:
        return help_or_refuse(asked, "name a world, as `testbed list` shows them")
    if asked.help:
        return _help(asked)
    from testbed.cli import working
    from testbed.laws import effort, record
    from testbed.laws import second_order as pairs

    unit, rest = _unit(asked, rest)
    world = _world(asked, rest)
    record.check_length(asked.length)
    if asked.svg is not None:
        check_place("--svg", asked.svg, "world.svg")
    budget = _budget(asked)
    with working.shown(), effort.limited(budget):
        second_order = pairs.asked_for(world.for_window(asked.length), asked.lags, asked.features)
        truth, regrets = _measured(world, asked, budget, unit)
        shown = _shown(world, truth, second_order, asked, unit)
    if asked.json:
        found = shown | {"budget": msgspec.to_builtins(budget)} | ({} if regrets is None else {"predictors": regrets})
        print(json.dumps(found, allow_nan=False))
    else:
        from testbed.report import sketch

        sketch.show(shown, regrets, second_order, unit)
    if asked.svg is not None:
        from testbed.report.portrait import picture, portrait
        from testbed.store import write_outside

        write_outside(asked.svg, picture(portrait(world, truth, regrets=regrets or ()), unit).encode())
        print(f"The picture is {asked.svg}", file=sys.stderr if asked.json else sys.stdout)
    return 0


def _unit(asked: argparse.Namespace, rest: list[str]) -> "tuple[Unit, list[str]]":
    """Return the unit that is asked for, and the other words."""
    short = "bits" not in {field.name for field in msgspec.structs.fields(_kind(asked))}
    if not (short and "--bits" in rest):
        return asked.unit, rest
    return "bits", [word for word in rest if word != "--bits"]


def _budget(asked: argparse.Namespace) -> "Budget":
    """Return the work that may be done."""
    from testbed.sources import Budget

    named = {name: getattr(asked, name) for name in ("contexts", "tokens", "width", "patience")}
    named["seed"] = asked.sampling_seed
    return Budget(**{name: value for name, value in named.items() if value is not None})


def _measured(
    world: "Source", asked: argparse.Namespace, budget: "Budget", unit: "Unit"
) -> "tuple[Truth, list[dict[str, Any]] | None]":
    """Return the truth, and if asked how far predictors are from it, in the unit."""
    from testbed.laws import record, units

    truth = world.truth(asked.length, budget=budget)
    record.check_width(truth, budget)
    regrets = _regrets(world, asked.length) if asked.predictors else None
    if unit == "nats":
        return truth, regrets
    return units.in_bits(truth), None if regrets is None else units.regrets_in_bits(regrets)


def _shown(world: "Source", truth: "Truth", second: "SecondOrder", asked: argparse.Namespace, unit: "Unit") -> Any:
    """Return the record for programs, or the portrait for people."""
    from testbed.report import render
    from testbed.report.portrait import portrait

    if asked.json:
        return render.record(world, truth, second, unit)
    return portrait(world, truth, sequences=1, lags=render.LAGS)


def _kind(asked: argparse.Namespace) -> "type[Source]":
    """Return the family that is named."""
    from testbed.ground import catalog

    found: type[Source] = catalog.pick(catalog.shelf(SHELVES["worlds"]), asked.name)
    return found


def _help(asked: argparse.Namespace) -> int:
    """Print the options of the command, and those of the named world."""
    from testbed.cli import fields

    kind = _kind(asked)
    asked.parser.print_help()
    print("\n" + textwrap.fill(f"{asked.name}: {summary(kind)}", fields.WIDTH))
    print("\n" + textwrap.fill(f"Good for: {kind.good_for}", fields.WIDTH))
    fields.show(f"options of {asked.name}; with none of them, the example of the gallery is taken", kind, whole=True)
    return 0


def _world(asked: argparse.Namespace, rest: list[str]) -> "Source":
    """Return the world that is named, of these words, of a file, or where nothing is said the one of the gallery."""
    from testbed.cli.overrides import overridden

    kind = _kind(asked)
    if asked.file is not None:
        return _read(asked, rest)
    if rest:
        return overridden(kind, None, rest, f"testbed truth {asked.name}")
    from testbed.report import gallery

    example = kind.exhibit()
    words = shlex.join(["testbed", "truth", *gallery.request(example)])
    told = f"no options given: the gallery's example, {words}"
    print(textwrap.fill(told, 80, break_on_hyphens=False), file=sys.stderr if asked.json else sys.stdout)
    return example


def _read(asked: argparse.Namespace, rest: list[str]) -> "Source":
    """Return the world that a file holds."""
    from testbed.ground import catalog

    shelf = catalog.shelf(SHELVES["worlds"])
    readers = {name: getattr(sys.modules[kind.__module__], "from_file", None) for name, kind in shelf.items()}
    read = readers[asked.name]
    if read is None:
        known = ", ".join(name for name, reader in readers.items() if reader)
        raise ValueError(
            f"--file {asked.file}: {asked.name} is not read from a file, only {known}; give options instead."
        )
    if rest:
        raise ValueError(
            f"{short(' '.join(rest))}: --file {asked.file} gives the whole world; leave out one of the two."
        )
    world: Source = read(asked.file)
    return world


def _regrets(world: "Source", length: int) -> list[dict[str, Any]]:
    from testbed.measure.regret import regrets

    return regrets(world, length)
