"""Shelves: folders in which every file, or folder, is one variant, found by its name."""

import importlib
import pkgutil

from testbed.ground.wording import short


def tag(module: str | None) -> str:
    """Return the name under which the variant defined in ``module``, a file or a folder, is known: its last part."""
    return (module or "").rsplit(".", 1)[-1]


def names(package: str) -> list[str]:
    """Return the names of the variants of a shelf, in alphabetical order; shared pieces begin with an underscore."""
    folder = importlib.import_module(package).__path__
    return sorted(entry.name for entry in pkgutil.iter_modules(folder) if not entry.name.startswith("_"))


def shelf(package: str, ending: str = "") -> dict[str, type]:
    """Return the variants of a shelf, file name to its one public class, in alphabetical order.

    The class carries the file's name in CamelCase, with the shelf's ``ending``.

    Error: LookupError if a file does not define the class that its name promises.
    """
    return {name: variant(package, name, ending) for name in names(package)}


def pick(variants: dict[str, type], name: str) -> type:
    """Return the variant called ``name``.

    Error: ValueError that lists the known names.
    """
    if name not in variants:
        raise ValueError(f"'{short(name)}' is not on this shelf; known names: {', '.join(variants)}.")
    return variants[name]


def variant(package: str, name: str, ending: str = "") -> type:
    """Return one variant of a shelf, without loading the others.

    Error: LookupError if its file does not define the class that its name promises.
    """
    symbol = "".join(part.capitalize() for part in name.split("_")) + ending
    found = getattr(importlib.import_module(f"{package}.{name}"), symbol, None)
    if not isinstance(found, type):
        raise LookupError(f"{package}.{name} must define the class {symbol}, as its file name promises.")
    return found
