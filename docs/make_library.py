"""Writes docs/library.md from the docstrings of the names that the library offers: `make library`."""

import inspect
import sys
from pathlib import Path
from typing import Any

import testbed
from testbed.ground.options import Options
from testbed.model.transformer import Transformer
from testbed.sources import Absent, Budget, Quantity, Truth
from testbed.store import StoreError
from testbed.studies.grid import Evaluation, Grid, GridStudy, Optimiser, Training
from testbed.studies.noise import Arm, Fit, NoiseStudy
from testbed.studies.scaling import ScalingStudy
from testbed.verdict import Claim, Verdict

SECTIONS: dict[str, dict[str, Any]] = {
    "Run, open, ask": {f"testbed.{name}": getattr(testbed, name) for name in ("run", "open", "truth", "Run")},
    "What is asked of a grid": {
        f"testbed.studies.grid.{each.__name__}": each for each in (GridStudy, Grid, Training, Optimiser, Evaluation)
    },
    "What is asked of noise": {f"testbed.studies.noise.{each.__name__}": each for each in (NoiseStudy, Arm, Fit)},
    "What is asked of scaling laws": {"testbed.studies.scaling.ScalingStudy": ScalingStudy},
    "What is true": {f"testbed.sources.{each.__name__}": each for each in (Truth, Quantity, Absent, Budget)},
    "What both share": {
        "testbed.model.transformer.Transformer": Transformer,
        "testbed.verdict.Claim": Claim,
        "testbed.verdict.Verdict": Verdict,
        "testbed.ground.options.Options": Options,
        "testbed.store.StoreError": StoreError,
    },
}
HEAD = """# The library

The names that a notebook needs, written by `make library` from their docstrings. Worlds are in
[gallery.md](gallery.md): each is a class of `testbed.sources`. All else in the package may change without notice.
"""


def page() -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    for heading, names in SECTIONS.items():
        parts += [f"## {heading}\n", *(_entry(name, thing) for name, thing in names.items())]
    return "\n".join(parts).rstrip() + "\n"


def _entry(name: str, thing: Any) -> str:
    lines = [f"### `{name}`\n"]
    if inspect.isfunction(thing):
        lines.append(f"```text\n{_signature(thing)}\n```\n")
    lines.append(_doc(thing))
    if inspect.isclass(thing):
        lines += [f"- {told}" for told in (*_fields(thing), *_members(thing))]
        lines.append("")
    return "\n".join(lines)


def _signature(function: Any) -> str:
    given = str(inspect.signature(function)).replace("'", "").replace("pathlib._local.", "").replace("pathlib.", "")
    return f"{function.__name__}{given}"


def _doc(thing: Any) -> str:
    return f"{(inspect.getdoc(thing) or '').split('>>>')[0].rstrip()}\n"


def _fields(kind: type) -> list[str]:
    """Return the fields of a frozen value, as the help of the command line lists them."""
    from testbed.cli import fields

    if not hasattr(kind, "__struct_fields__"):
        return []
    return [
        f"`{option.flag.removeprefix('--').replace('-', '_')}` ({option.words or 'bool'}): {option.about}"
        for option in fields.options(kind)
        if option.about
    ]


def _members(kind: type) -> list[str]:
    """Return the public properties and methods that a class defines itself, unless it is a frozen value."""
    if hasattr(kind, "__struct_fields__"):
        return []
    own = {name: member for name, member in vars(kind).items() if not name.startswith("_")}
    return [
        f"`{name}{'(…)' if inspect.isfunction(member) else ''}`: {(inspect.getdoc(member) or '').splitlines()[0]}"
        for name, member in own.items()
    ]


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("library.md")
    target.write_text(page())
