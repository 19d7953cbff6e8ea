"""Law: the tree stays readable: files, functions and folders keep to their sizes, the library's page to the code."""

import ast
import re
from pathlib import Path

import pytest

from docs import make_library

ROOT = Path(__file__).parents[1]
PLACES = ("testbed", "tests", "experiments", "benchmarks", "docs")
FILES = [path for place in PLACES for path in sorted((ROOT / place).rglob("*.py"))]
LINES, BODY, ENTRIES = 250, 40, 25
"""Most lines of a file; of a function, its docstring aside; most entries of a folder."""


def long_functions(text):
    """Functions whose code, without the docstring, has more lines than it may."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            told = node.body[0] if ast.get_docstring(node) else None
            lines = node.end_lineno - node.lineno + 1 - (told.end_lineno - told.lineno + 1 if told else 0)
            found += [node.name] * (lines > BODY)
    return found


def crowded(folder):
    """Folders within a folder, itself among them, that have more entries than they may."""
    inside = [folder, *(path for path in folder.rglob("*") if path.is_dir() and path.name != "__pycache__")]
    return [path for path in inside if sum(entry.name != "__pycache__" for entry in path.iterdir()) > ENTRIES]


def test_no_file_is_long():
    assert [str(path) for path in FILES if len(path.read_text().splitlines()) > LINES] == []


def test_no_function_is_long():
    assert {str(path): long for path in FILES if (long := long_functions(path.read_text()))} == {}


def test_a_long_function_is_found():
    """The liar: forty-one lines, but not forty with a long docstring."""
    lines = "\n".join(f"    x = {at}" for at in range(BODY))
    assert long_functions(f"def f():\n{lines}\n") == ["f"]
    shorter = "\n".join(f"    x = {at}" for at in range(BODY - 1))
    assert long_functions(f'def f():\n    """One\n\n    two\n    """\n{shorter}\n') == []


@pytest.mark.parametrize("place", ["testbed", "tests"])
def test_no_folder_is_crowded(place):
    assert crowded(ROOT / place) == []


def test_a_crowded_folder_is_found(tmp_path):
    for at in range(ENTRIES + 1):
        (tmp_path / f"{at}.py").touch()
    assert crowded(tmp_path) == [tmp_path]


def test_the_laws_that_take_long_exist():
    for law in (ROOT / "tests" / "shared" / "long.txt").read_text().split():
        path, *_, name = law.split("::")
        assert re.search(rf"^def {name.rpartition('.')[2]}\(", (ROOT / path).read_text(), flags=re.MULTILINE), law


def test_the_page_of_the_library_is_that_of_its_docstrings():
    assert (ROOT / "docs" / "library.md").read_text() == make_library.page()
