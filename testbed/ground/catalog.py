"""Shelves: folders in which every file, or folder, is one variant, found by its name; others may add to them."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence
from pathlib import Path

from testbed.ground.wording import said, short

_PACKAGE = Path(__file__).parents[1]


def extended(path: Sequence[str], name: str) -> list[str]:
    """Return the path of a package of testbed with the folders elsewhere on Python's path that add to it.

    Those have no ``__init__.py``: a folder with one is another copy of testbed, whose files are none of this one's.
    """
    own, *others = pkgutil.extend_path(list(path), name)
    return [own, *(folder for folder in others if not (Path(folder) / "__init__.py").exists())]


def tag(module: str | None) -> str:
    """Return the name under which the variant defined in ``module``, a file or a folder, is known: its last part."""
    return (module or "").rsplit(".", 1)[-1]


def names(package: str) -> list[str]:
    """Return the names of the variants of a shelf, in alphabetical order; shared pieces begin with an underscore.

    Error: ValueError if two files have one name.
    """
    found: dict[str, str] = {}
    for folder in importlib.import_module(package).__path__:
        for entry in pkgutil.iter_modules([folder]):
            if entry.name in found:
                raise ValueError(
                    f"{folder}: {entry.name} stands in {found[entry.name]} already, and each name of a shelf is one"
                    " variant; rename the file and its class."
                )
            if not entry.name.startswith("_"):
                found[entry.name] = folder
    return sorted(found)


def shelf(package: str, ending: str = "") -> dict[str, type]:
    """Return the variants of a shelf, file name to its one public class, in alphabetical order.

    The class carries the file's name in CamelCase, with the shelf's ``ending``.

    Error: ValueError if a file is not what its name promises.
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

    Error: ValueError if its file cannot be loaded, or does not define the whole class that its name promises.
    """
    symbol = "".join(part.capitalize() for part in name.split("_")) + ending
    spec = importlib.util.find_spec(f"{package}.{name}")
    file = Path(spec.origin if spec is not None and spec.origin else name)
    try:
        found = getattr(importlib.import_module(f"{package}.{name}"), symbol, None)
    except Exception as error:
        if file.is_relative_to(_PACKAGE):
            raise
        raise ValueError(
            f"{file} cannot be loaded ({short(said(error), 160)}): mend it, or take it off Python's path."
        ) from error
    if not isinstance(found, type):
        raise ValueError(
            f"{file} does not define the class {symbol}, as its name promises; define it, or rename the file."
        )
    lacking = ", ".join(sorted(getattr(found, "__abstractmethods__", ())))
    if lacking:
        raise ValueError(f"{file}: {symbol} lacks {lacking}; define what its contract asks for.")
    struct = getattr(found, "__struct_config__", None)
    if struct is not None and (struct.tag, struct.tag_field) != (name, "kind"):
        raise ValueError(
            f"{file}: {symbol} is not tagged by its name, by which JSON knows it; give its class frozen=True,"
            ' kw_only=True, tag_field="kind", tag=catalog.tag(__name__).'
        )
    return found
