"""``testbed truth``: the exact entropies of a world."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from testbed.cli.parser import add as add_command
from testbed.cli.parser import help_or_refuse
from testbed.cli.shelves import SHELVES, summary

if TYPE_CHECKING:
    from testbed.sources import Budget, Source, Truth
    from testbed.sources._pairs import SecondOrder

PATIENCE = 60.0


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "truth", command, "the exact entropies of a world", helped=False)
    parser.add_argument(
        "name", nargs="?", help="a world, as `testbed list` names it; add --help after it for its parameters"
    )
    parser.add_argument("--length", type=int, default=64, help="window n in tokens (default 64)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--lags", type=int, nargs="+", help="also tell the pair laws at these lags")
    parser.add_argument(
        "--features", help="also tell the autocovariance of these features, '[[1], [-1]]': a row for each symbol"
    )
    parser.add_argument("--svg", type=Path, help="also draw the world into this file")
    parser.add_argument("--predictors", action="store_true", help="also measure what classical predictors attain")
    parser.add_argument("--file", type=Path, help="read the world from this file, where it is of a kind that can be")
    parser.add_argument("--width", type=float, help="refuse, and name the price, if an interval is wider than this")
    parser.add_argument("--contexts", type=int, help="most contexts that an entropy is enumerated over")
    parser.add_argument("--tokens", type=int, help="tokens to sample where that is too few")
    parser.add_argument("--sampling-seed", type=int, help="seed of what is sampled (default 0); worlds have their own")
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE,
        help=f"seconds of work, as foreseen, beyond which to refuse and name the price (default {PATIENCE:g})",
    )


def command(asked: argparse.Namespace, rest: list[str]) -> int:
    """Print the truth of the named world, and draw it if asked."""
    if asked.name is None:
        return help_or_refuse(asked, "name a world, as `testbed list` shows them")
    from testbed.cli import working
    from testbed.sources import _pairs, _truth

    world = _world(asked, rest)
    _truth.check_length(asked.length)
    if asked.svg is not None:
        _check_picture(asked.svg)
    budget = _budget(asked)
    with working.shown():
        second_order = _pairs.asked_for(world.for_window(asked.length), asked.lags, asked.features)
        truth = world.truth(asked.length, budget=budget)
        _truth.check_width(truth, budget)
        regrets = _regrets(world, asked.length) if asked.predictors else None
        shown = _shown(world, truth, second_order, json=asked.json)
    if asked.json:
        found = shown | {"budget": msgspec.to_builtins(budget)} | ({} if regrets is None else {"predictors": regrets})
        print(json.dumps(found, allow_nan=False))
    else:
        from testbed.report import sketch

        sketch.show(shown, regrets, second_order)
    if asked.svg is not None:
        from testbed.report.portrait import picture, portrait
        from testbed.store import write_outside

        write_outside(asked.svg, picture(portrait(world, truth, regrets=regrets or ())).encode())
        print(f"The picture is {asked.svg}", file=sys.stderr if asked.json else sys.stdout)
    return 0


def _budget(asked: argparse.Namespace) -> "Budget":
    """Return the work that may be done."""
    from testbed.sources import Budget

    named = {name: getattr(asked, name) for name in ("contexts", "tokens", "width", "patience")}
    named["seed"] = asked.sampling_seed
    return Budget(**{name: value for name, value in named.items() if value is not None})


def _shown(world: "Source", truth: "Truth", asked: "SecondOrder", *, json: bool) -> Any:
    """Return the record for programs, or the portrait for people."""
    from testbed.report.portrait import portrait
    from testbed.sources import _render

    if json:
        return _render.record(world, truth, asked)
    return portrait(world, truth, sequences=1, lags=_render.LAGS)


def _check_picture(path: Path) -> None:
    """Refuse a file that cannot be made, before any work."""
    if path.is_dir():
        raise ValueError(f"--svg {path}: it is a folder; name a file in it, e.g. {path / 'world.svg'}.")
    if not path.parent.is_dir():
        raise ValueError(f"--svg {path}: there is no folder {path.parent}; make it, or name a file in another one.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ValueError(f"--svg {path}: it may not be written there; name a file in another folder.")


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
        raise ValueError(f"{' '.join(rest)}: --file {asked.file} gives the whole world; leave out one of the two.")
    world: Source = read(asked.file)
    return world


def _regrets(world: "Source", length: int) -> list[dict[str, Any]]:
    from testbed.measure.regret import regrets

    return regrets(world, length)
