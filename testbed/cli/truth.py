"""``testbed truth``: the exact entropies of a world."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from testbed.cli.files import check_place
from testbed.cli.parser import add as add_command
from testbed.cli.parser import help_or_refuse, number, path, whole
from testbed.cli.shelves import SHELVES, summary
from testbed.wording import short

if TYPE_CHECKING:
    from testbed.sources import Source


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "truth", command, "the exact entropies of a world", helped=False)
    parser.add_argument(
        "name", nargs="?", help="a world, as `testbed list` names it; add --help after it for its parameters"
    )
    parser.add_argument("--length", type=whole, default=64, help="window n in tokens (default 64)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--lags", type=whole, nargs="+", help="also tell the pair laws at these lags")
    parser.add_argument(
        "--features", help="also tell the autocovariance of these features, '[[1], [-1]]': a row for each symbol"
    )
    parser.add_argument("--svg", type=path, help="also draw the world into this file")
    parser.add_argument("--predictors", action="store_true", help="also measure what classical predictors attain")
    parser.add_argument("--file", type=path, help="read the world from this file, where it is of a kind that can be")
    parser.add_argument("--width", type=number, help="refuse, and name the price, if an interval is wider than this")
    parser.add_argument("--contexts", type=whole, help="most contexts that an entropy is enumerated over")
    parser.add_argument("--tokens", type=whole, help="tokens to sample where that is too few")


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Print the truth of the named world, and draw it if asked."""
    if asked.name is None:
        return help_or_refuse(asked, "name a world, as `testbed list` shows them")
    from testbed.sources import Budget, _pairs, _render, _truth

    world = _world(asked, rest)
    _truth.check_length(asked.length)
    if asked.svg is not None:
        check_place("--svg", asked.svg, "world.svg")
    second_order = _pairs.asked_for(world.for_window(asked.length), asked.lags, asked.features)
    named = {name: getattr(asked, name) for name in ("contexts", "tokens", "width")}
    budget = Budget(**{name: value for name, value in named.items() if value is not None})
    truth = world.truth(asked.length, budget=budget)
    _truth.check_width(truth, budget)
    regrets = _regrets(world, asked.length) if asked.predictors else None
    if asked.json:
        found = _render.record(world, truth, second_order) | ({} if regrets is None else {"predictors": regrets})
        print(json.dumps(found, allow_nan=False))
    else:
        from testbed.report import sketch

        sketch.show(world, truth, regrets, second_order)
    if asked.svg is not None:
        from testbed.report.portrait import picture, portrait
        from testbed.store import write_outside

        write_outside(asked.svg, picture(portrait(world, truth, regrets=regrets or ())).encode())
        print(f"The picture is {asked.svg}", file=sys.stderr if asked.json else sys.stdout)
    return 0


def _world(asked: argparse.Namespace, rest: list[str]) -> "Source":
    """Return the world that is named, of these words or of a file."""
    from testbed import catalog
    from testbed.cli.overrides import overridden

    shelf = catalog.shelf(SHELVES["worlds"])
    variant: type[Source] = catalog.pick(shelf, asked.name)
    if asked.help:
        asked.parser.print_help()
    elif asked.file is not None:
        return _read(shelf, asked, rest)
    about = f"{summary(variant)}\n\nGood for: {variant.good_for}"
    return overridden(variant, None, rest, f"testbed truth {asked.name}", description=about, helped=asked.help)


def _read(shelf: dict[str, type], asked: argparse.Namespace, rest: list[str]) -> "Source":
    """Return the world that a file holds."""
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
