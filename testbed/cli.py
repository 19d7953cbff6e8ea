"""The command line: arguments in, exit status out. Rooms are entered only when their command is named."""

import argparse
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from testbed import cores

if TYPE_CHECKING:
    from testbed.sources import Source
    from testbed.spec import Experiment
    from testbed.study import NoiseStudy

_EPILOG = """examples:
  testbed run experiments/bias_variance.py --preset quick --out runs/demo
  testbed run experiments/bias_variance.py --preset quick --out runs/wide --grid.replicates 5
  testbed run experiments/bias_variance.py --help        the typed overrides of an experiment
  testbed truth block_stationary --length 64 --json
  testbed truth hidden_markov --file process.json --width 1e-6
  testbed truth markov --vocabulary 2 --lags 1 2 8 --features '[[1], [-1]]'
  testbed truth noisy --base '{"kind": "markov", "vocabulary": 4}' --sigma 0.1
  testbed run experiments/clt_noise.py --out runs/noise
  testbed judge runs/demo --claims-of experiments/bias_variance.py
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 done, 2 the request cannot be met (one sentence on standard error)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        asked, rest = _parser().parse_known_args(words)
        return int(asked.command(asked, rest))
    except ValueError as refusal:
        print("testbed:", " ".join(str(refusal).split()), file=sys.stderr)
        return 2
    except MemoryError:
        print("testbed: this needs more memory than there is; ask for less of it.", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read standard output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("testbed: interrupted; run the same command again to go on from the last snapshot.", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """A parser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise ValueError with what is wrong, and where help is."""
        raise ValueError(f"{message}; see {self.prog} --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="testbed",
        description="Judge claims about scaling on worlds whose entropy is known exactly.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(required=True, metavar="{list,truth,gallery,run,judge,report}")
    _add(
        commands,
        "list",
        _list,
        "what is on the shelves: worlds, attentions, feed-forwards, claims' estimates, experiments",
    )
    truth = _add(commands, "truth", _truth, "the exact entropies of a world", helped=False)
    truth.add_argument(
        "name", nargs="?", help="a world, as `testbed list` names it; add --help after it for its parameters"
    )
    truth.add_argument("--length", type=int, default=64, help="window n in tokens (default 64)")
    truth.add_argument("--json", action="store_true", help="print JSON instead of a table")
    truth.add_argument("--lags", type=int, nargs="+", help="also tell the pair laws at these lags")
    truth.add_argument(
        "--features", help="also tell the autocovariance of these features, '[[1], [-1]]': a row for each symbol"
    )
    truth.add_argument("--svg", type=Path, help="also draw the world into this file")
    truth.add_argument("--predictors", action="store_true", help="also measure what classical predictors attain")
    truth.add_argument("--file", type=Path, help="read the world from this file, where it is of a kind that can be")
    truth.add_argument("--width", type=float, help="refuse, and name the price, if an interval is wider than this")
    truth.add_argument("--contexts", type=int, help="most contexts that an entropy is enumerated over")
    truth.add_argument("--tokens", type=int, help="tokens to sample where that is too few")
    run = _add(commands, "run", _run, "train what is missing, judge, report", helped=False)
    run.add_argument(
        "experiment",
        nargs="?",
        type=Path,
        help="a Python file that defines PRESETS; add --help after it for its overrides",
    )
    run.add_argument("--preset", default="quick", help="a preset of the file (default quick)")
    run.add_argument("--out", type=Path, help="folder of the run (default runs/NAME-PRESET)")
    run.add_argument(
        "--placement", default="jit", choices=("jit", "pmap"), help="how lanes are spread over devices (default jit)"
    )
    run.add_argument(
        "--mapping", choices=("map", "vmap"), help="how a device walks its lanes (default: map on CPUs, vmap elsewhere)"
    )
    run.add_argument("--checkpoint-seconds", type=float, default=60.0, help="seconds between snapshots (default 60)")
    run.add_argument(
        "--memory-gib", type=float, help="memory per device that a bucket may take (default: a share of the device's)"
    )
    judge = _add(commands, "judge", _judge, "judge a finished run again, without training")
    judge.add_argument("folder", type=Path, help="the folder of a run")
    judge.add_argument(
        "--claims-of", type=Path, help="take the claims from this experiment file (default: the run's own spec.json)"
    )
    judge.add_argument("--preset", default="quick", help="with --claims-of: the preset (default quick)")
    gallery = _add(commands, "gallery", _gallery, "draw the gallery of worlds: a page, and a picture of each world")
    gallery.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page (default docs)")
    report = _add(commands, "report", _report, "write the report of a judged run again")
    report.add_argument("folder", type=Path, help="the folder of a run")
    report.add_argument("--picture", type=Path, help="also write the main figure as SVG here")
    return parser


def _add(commands: Any, name: str, command: Any, summary: str, *, helped: bool = True) -> argparse.ArgumentParser:
    """Add a command; with ``helped`` false it answers --help itself, and leaves options it does not know."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary, add_help=helped, allow_abbrev=helped
    )
    if not helped:
        parser.add_argument(
            "-h", "--help", action="store_true", help="show this help, with the overrides of what is named"
        )
    parser.set_defaults(command=command, parser=parser, strict=helped)
    return parser


def _list(asked: argparse.Namespace, rest: list[str]) -> int:
    _no_more(asked, rest)
    from testbed import catalog
    from testbed.judging import known_estimates
    from testbed.measure.ensemble import measures
    from testbed.measure.noise.claimed import ESTIMATES

    for title, package in _SHELVES.items():
        print(f"{title}:")
        for name, variant in catalog.shelf(package).items():
            print(f"  {name:18} {_summary(variant)}")
    print("measures on stored parameters:")
    for name, measure in measures().items():
        print(f"  {name:18} {_summary(measure)}")
    print("estimates that claims can be about:")
    for name, function in (known_estimates() | ESTIMATES).items():
        print(f"  {name:26} {_summary(function)}")
    print("experiments here:")
    for path in sorted(Path("experiments").glob("*.py")):
        print(f"  {path}  presets: {', '.join(_presets(path))}")
    return 0


def _truth(asked: argparse.Namespace, rest: list[str]) -> int:
    if asked.name is None:
        return _help_or_refuse(asked, "name a world, as `testbed list` shows them")
    from testbed.sources import Budget, _pairs, _render, _truth

    world = _world(asked, rest)
    _truth.check_length(asked.length)
    if asked.svg is not None:
        _check_picture(asked.svg)
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
    from testbed.overrides import overridden

    shelf = catalog.shelf(_SHELVES["worlds"])
    variant: type[Source] = catalog.pick(shelf, asked.name)
    if asked.help:
        asked.parser.print_help()
    elif asked.file is not None:
        return _read(shelf, asked, rest)
    about = f"{_summary(variant)}\n\nGood for: {variant.good_for}"
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


def _gallery(asked: argparse.Namespace, rest: list[str]) -> int:
    _no_more(asked, rest)
    if not asked.out.is_dir():
        raise ValueError(f"--out {asked.out}: it is not a folder; make it, or name one that is there.")
    from testbed.report import gallery
    from testbed.report.portrait import picture, portrait
    from testbed.store import write_outside

    (asked.out / "gallery").mkdir(exist_ok=True)
    shown = []
    for name, world in gallery.exhibits().items():
        print(name, flush=True)
        shown.append(portrait(world, world.truth(gallery.LENGTH)))
        write_outside(asked.out / "gallery" / f"{name}.svg", picture(shown[-1]).encode())
    write_outside(asked.out / "gallery.md", gallery.page(shown).encode())
    print(f"The gallery is {asked.out / 'gallery.md'}")
    return 0


def _run(asked: argparse.Namespace, rest: list[str]) -> int:
    if asked.experiment is None:
        return _help_or_refuse(asked, "name an experiment file, e.g. experiments/bias_variance.py")
    cores.use_all()
    experiment = _preset(asked.experiment, asked.preset)
    if asked.help:
        asked.parser.print_help()
    from testbed.overrides import overridden

    prog = f"testbed run {asked.experiment}"
    experiment = overridden(type(experiment), experiment, rest, prog, description="overrides", helped=asked.help)
    from testbed.console import Console
    from testbed.training import Options

    options = Options(
        placement=asked.placement,
        mapping=asked.mapping,
        checkpoint_seconds=asked.checkpoint_seconds,
        memory_gib=asked.memory_gib,
    )
    folder = asked.out or Path("runs") / f"{experiment.name}-{asked.preset}"
    _story_of(experiment).run(experiment, folder, options, Console())
    return 0


def _judge(asked: argparse.Namespace, rest: list[str]) -> int:
    _no_more(asked, rest)
    from testbed.console import Console

    claims = None if asked.claims_of is None else _preset(asked.claims_of, asked.preset).claims
    _judging_of(asked.folder).rejudge(asked.folder, claims, Console())
    return 0


def _report(asked: argparse.Namespace, rest: list[str]) -> int:
    _no_more(asked, rest)
    from testbed.console import Console

    _judging_of(asked.folder).rewrite_report(asked.folder, Console(), asked.picture)
    return 0


_SHELVES = {
    "worlds": "testbed.sources",
    "predictors": "testbed.predictors",
    "attentions": "testbed.model.attention",
    "feed-forwards": "testbed.model.feedforward",
    "embedding noises": "testbed.model.noise",
    "weights": "testbed.weights",
}


def _story_of(experiment: "Experiment | NoiseStudy") -> Any:
    """Return the module that runs experiments of this kind."""
    from testbed.spec import Experiment

    return importlib.import_module(f"testbed.{'pipeline' if isinstance(experiment, Experiment) else 'noise_pipeline'}")


def _judging_of(folder: Path) -> Any:
    """Return the module that judges the run in this folder."""
    from testbed.store import Store
    from testbed.study import is_study

    spec = (Store.existing(folder).folder / "spec.json").read_bytes()
    return importlib.import_module(f"testbed.{'noise_judging' if is_study(spec) else 'judging'}")


def _preset(path: Path, name: str) -> "Experiment | NoiseStudy":
    presets = _presets(path)
    if name not in presets:
        raise ValueError(f"--preset {name}: {path} has no such preset; known: {', '.join(presets)}.")
    return presets[name]


def _presets(path: Path) -> "dict[str, Experiment | NoiseStudy]":
    """Return the presets of an experiment file.

    Error: ValueError if it cannot be read, or defines none.
    """
    if not path.is_file():
        raise ValueError(
            f"{path} is not a file: an experiment is a Python file that defines PRESETS; see experiments/."
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not Python: an experiment is a .py file that defines PRESETS.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a file does wrong while it is read, the file is to be mended
        raise ValueError(
            f"{path} cannot be loaded ({type(error).__name__}: {error}): mend it and try again."
        ) from error
    presets = getattr(module, "PRESETS", None)
    if not isinstance(presets, dict) or not presets or not all(map(_is_experiment, presets.values())):
        raise ValueError(
            f"{path} defines no PRESETS: an experiment file maps preset names to Experiment or NoiseStudy values."
        )
    return presets


def _is_experiment(value: object) -> bool:
    """Return whether a value is a grid or a study of noise."""
    from testbed.spec import Experiment

    if isinstance(value, Experiment):
        return True
    from testbed.study import NoiseStudy  # late: a grid needs none of it

    return isinstance(value, NoiseStudy)


def _help_or_refuse(asked: argparse.Namespace, remedy: str) -> int:
    if not asked.help:
        raise ValueError(f"nothing is named: {remedy}.")
    asked.parser.print_help()
    return 0


def _no_more(asked: argparse.Namespace, rest: list[str]) -> None:
    if rest:
        asked.parser.error(f"unrecognised arguments: {' '.join(rest)}")


def _summary(thing: Any) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def _version() -> str:
    from testbed import __version__

    return f"testbed {__version__}"


def _entry() -> NoReturn:
    sys.exit(main())


if __name__ == "__main__":
    _entry()
