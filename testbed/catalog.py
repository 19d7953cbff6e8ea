"""Shelves: folders in which every file is one variant, found by its file name."""

import importlib
import pkgutil

from testbed.wording import short


def tag(module: str) -> str:
    """Return the name under which the variant defined in ``module`` is known: its file name."""
    return module.rsplit(".", 1)[-1]


def shelf(package: str) -> dict[str, type]:
    """Return the variants of a shelf, file name to its one public class, in alphabetical order.

    The class carries the file's name in CamelCase; files that begin with an underscore are shared pieces.

    Error: LookupError if a file does not define the class that its name promises.
    """
    folder = importlib.import_module(package).__path__
    names = sorted(entry.name for entry in pkgutil.iter_modules(folder) if not entry.name.startswith("_"))
    return {name: _variant(f"{package}.{name}") for name in names}


def pick(variants: dict[str, type], name: str) -> type:
    """Return the variant called ``name``.

    Error: ValueError that lists the known names.
    """
    if name not in variants:
        raise ValueError(f"'{short(name)}' is not on this shelf; known names: {', '.join(variants)}.")
    return variants[name]


def _variant(module: str) -> type:
    symbol = "".join(part.capitalize() for part in tag(module).split("_"))
    found = getattr(importlib.import_module(module), symbol, None)
    if not isinstance(found, type):
        raise LookupError(f"{module} must define the class {symbol}, as its file name promises.")
    return found
