"""Experiment files: Python that defines PRESETS, found by path or, if they come with testbed, by name."""

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import testbed
from testbed.ground.wording import said, short

if TYPE_CHECKING:
    from testbed.study import Study


def shipped() -> dict[str, Path]:
    """Return the experiments that come with testbed, by name: in an installed package, or beside one in a checkout."""
    package = Path(testbed.__file__).parent
    installed = package / "experiments"
    folder = installed if installed.is_dir() else package.parent / "experiments"
    return files(folder)


def located(word: str) -> Path:
    """Return the file that a word names: a file that is there, or else an experiment that comes with testbed.

    Error: ValueError that lists the names if it is neither.
    """
    path, known = Path(word), shipped()
    if path.is_file():
        return path
    if len(path.parts) == 1 and path.suffix in ("", ".py") and path.stem in known:
        return known[path.stem]
    if path.stem in known:
        raise ValueError(f"{word} is not a file here: the experiment of that name comes with testbed; say {path.stem}.")
    raise ValueError(
        f"{word} is not a file, nor an experiment that comes with testbed: name a Python file that defines PRESETS, or "
        f"one of {', '.join(known)}."
    )


def preset(path: Path, name: str) -> "Study":
    """Return a preset of an experiment file.

    Error: ValueError if the file cannot be read, defines no presets, or not this one.
    """
    found = presets(path)
    if name not in found:
        known = short(", ".join(found), 160)
        raise ValueError(f"--preset '{short(name)}': {path} has no such preset; known: {known}.")
    return found[name]


def presets(path: Path) -> "dict[str, Study]":
    """Return the presets of an experiment file.

    Error: ValueError if it cannot be read, or defines none.
    """
    found = getattr(_loaded(path), "PRESETS", None)
    if type(found) is not dict or not found or not all(map(_is_study, found.values())):
        raise ValueError(
            f"{path} defines no PRESETS: an experiment file maps preset names to studies, such as a GridStudy or a"
            " NoiseStudy."
        )
    for name in found:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise ValueError(
                f"{path}: the preset {short(repr(name))} is no name: keys of PRESETS are words; e.g. 'quick'."
            )
    return found


def help_all(parser: argparse.ArgumentParser) -> None:
    """Add the option that asks for all of the help."""
    parser.add_argument("--help-all", action="store_true", help="with an experiment: every override, of every arm too")


def help_of(asked: argparse.Namespace, study: "Study") -> int:
    """Print the options of a command, and those that override a field of the preset that it names."""
    from testbed.cli import fields

    asked.parser.print_help()
    fields.show(f"overrides: every field of {asked.experiment}, preset {asked.preset}", study, asked.help_all)
    return 0


def files(folder: Path) -> dict[str, Path]:
    """Return the experiment files of a folder by name; those that begin with an underscore are shared pieces."""
    return {path.stem: path for path in sorted(folder.glob("[!_]*.py"))}


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not Python: an experiment is a .py file that defines PRESETS.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a file does wrong while it is read, sys.exit included, it is to be mended
        why = short(said(error), 200)
        raise ValueError(f"{path} cannot be loaded ({why}): mend it and try again.") from error
    return module


def _is_study(value: object) -> bool:
    from testbed.study import Study

    return isinstance(value, Study)
