"""Law: what README and docs say can be done can be done. Commands are run, or marked as long and read to their end.

In a block of commands a comment that begins with "long" marks one that takes minutes: its words are read, its
experiment is made and checked, and nothing is trained. What is named in code marks (files, options, targets) exists.
"""

import contextlib
import importlib.util
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pytest

from testbed import cli, judging, pipeline
from testbed.cli import fields
from testbed.cli.experiments import presets, shipped
from testbed.ground import catalog
from testbed.studies.noise import NoiseStudy, points
from testbed.studies.noise.finished import TABLES
from tests.stats.scaling.planted import exact, grid

ROOT = Path(__file__).parents[1]
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
STANDS_FOR = {"NAME": "hidden_markov", "my_world": "hidden_markov", "FILE": "process.json", "W": "1e-3"}
"""What is put in the place of words that stand for others."""
GALLERY = "docs/gallery.md"
CHEAP = ("--length", "2", "--tokens", "4096", "--contexts", "64")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PROGRAMS = ("testbed", "make", "python", "pip", "source")


class Command(NamedTuple):
    """A command that a page shows."""

    page: str
    words: tuple[str, ...]
    long: bool
    in_text: bool = False
    """Within a sentence, so that a shorter window will do."""

    @property
    def text(self):
        return shlex.join(self.words)


def in_blocks(page, text):
    """The commands of the fenced blocks of a page; each line is one, in a block that is not marked otherwise."""
    for language, block in BLOCK.findall(text):
        assert language in ("", "sh", "python", "text"), f"{page}: a block of {language}"
        for line in block.splitlines() if language in ("", "sh") else ():
            words = tuple(shlex.split(line, comments=True))
            assert words and words[0] in PROGRAMS, f"{page}: {line!r} is no command; mark its block as text"
            comment = re.search(r"\s# ([^#]*)$", line)
            yield Command(page, words, long=bool(comment and comment[1].startswith("long")))


def in_text(page, text):
    """The commands within sentences."""
    for code in re.findall(r"`([^`]+)`", BLOCK.sub("", text)):
        words = tuple(STANDS_FOR.get(word, word) for word in shlex.split(code)) if code.split()[0] in PROGRAMS else ()
        if len(words) > 1:
            yield Command(page, words, long=False, in_text=True)


COMMANDS = [each for page, text in PAGES.items() for find in (in_blocks, in_text) for each in find(page, text)]
OURS = [each for each in dict.fromkeys(COMMANDS) if each.words[0] == "testbed"]
QUICK = [each for each in OURS if not each.long]
LONG = [each for each in OURS if each.long]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the small experiment stands where the pages have a run of their own."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "docs").mkdir()
    params, tokens = grid()
    columns = {"params": params, "tokens": tokens, "loss": exact(params, tokens) * np.tile([1.003, 0.998, 1.0], 24)}
    pd.DataFrame(columns).to_csv(folder / "losses.csv", index=False)
    (folder / "process.json").write_text(json.dumps({"T": [[[0.5, 0], [1, 0]], [[0, 0.5], [0, 0]]]}))
    assert cli.main(["run", str(ROOT / "tests" / "presets.py"), "--out", str(folder / "runs" / "demo")]) == 0
    return folder


def done(words, folder, monkeypatch):
    """Run a command of testbed in a folder; return its exit status."""
    monkeypatch.chdir(folder)
    try:
        return cli.main(list(words))
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("command", [each for each in QUICK if each.page != GALLERY], ids=lambda each: each.text)
def test_a_quick_command_is_done(command, folder, monkeypatch, capsys):
    words = command.words[1:]
    if command.in_text:
        words = (*words, *(["--help"] if len(words) == 1 else CHEAP if words[0] == "truth" else []))
    status = done(words, folder, monkeypatch)
    captured = capsys.readouterr()
    priced = "--width" in words and status == 2 and "width=" in captured.err  # the pages say that it may be
    small = "scaling_laws" in words and status == 2 and "take a grid of more sizes or D" in captured.err  # four cells
    assert status == 0 or priced or small, captured.err


@pytest.mark.parametrize("command", [each for each in QUICK if each.page == GALLERY], ids=lambda each: each.words[2])
def test_a_command_of_the_gallery_is_done_for_a_short_window(command, folder, monkeypatch, capsys):
    assert done([*command.words[1:], *CHEAP, "--json"], folder, monkeypatch) == 0
    found = json.loads(capsys.readouterr().out)["source"]
    assert msgspec.convert(found, kind := catalog.shelf("testbed.sources")[command.words[2]]) == kind.exhibit()


@pytest.mark.parametrize("command", LONG, ids=lambda each: each.text)
def test_a_long_command_is_read_to_its_end(command, tmp_path, monkeypatch):
    made = []

    monkeypatch.setattr(pipeline, "run", lambda study, folder, options, console: made.append(study))
    assert done(command.words[1:], tmp_path, monkeypatch) == 0
    changed = [
        word for word in command.words if word.startswith(("--claims", "--grid", "--world", "--model", "--arms"))
    ]
    assert (made[0] != presets(shipped()[command.words[2]])["quick"]) == bool(changed)
    judging.check_claims(made[0])
    if isinstance(made[0], NoiseStudy) and changed:  # as arms of presets are tried elsewhere
        points.check_arms(made[0])


def test_what_other_programs_are_told_exists():
    makefile = (ROOT / "Makefile").read_text()
    for command in COMMANDS:
        program, *words = command.words
        if program == "make":
            asked = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=False)
            assert asked.returncode == 0, (command, asked.stderr)
        elif program == "python" and words[0] == "-m":
            assert importlib.util.find_spec(words[1]) is not None
        elif program == "python":
            compile((ROOT / words[0]).read_text(), words[0], "exec")
        elif program == "source":
            assert words == [".venv/bin/activate"] and "VENV ?= .venv\n" in makefile
        elif program == "pip":
            assert words == ["install", "."] and (ROOT / "pyproject.toml").exists()


def test_every_target_of_make_is_helped():
    makefile = (ROOT / "Makefile").read_text()
    helped = set(re.findall(r'@echo "make ([\w-]+)', makefile))
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE)) - {"help", "setup"}
    assert helped == targets


def python_blocks():
    return [
        (page, code) for page, text in PAGES.items() for language, code in BLOCK.findall(text) if language == "python"
    ]


@pytest.mark.parametrize(("page", "code"), python_blocks(), ids=[page for page, _ in python_blocks()])
def test_python_of_the_pages_runs(page, code, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    exec(compile(code, page, "exec"), names)
    for told in re.findall(r"# columns: (.*), …", code):
        cells = names["cells"]
        assert isinstance(cells, pd.DataFrame) and set(told.split(", ")) <= set(cells.columns)


def test_there_is_something_to_test():
    assert len(python_blocks()) >= 1 and len(QUICK) >= 30 and len(LONG) >= 5


def named(text):
    """What stands in code marks, blocks of text aside."""
    return re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))


def absent_files(page, text, folder):
    """What a page names or links to that is neither in the repository nor in the folder of a run."""
    left = {path.name for path in (folder / "runs" / "demo").rglob("*")} | {"tests", "runs", "process.json", ".venv"}
    left |= {f"{name}.parquet" for name in (*TABLES, "fits")}
    left |= {path.name for place in ("testbed", "experiments", "tests") for path in (ROOT / place).rglob("*")}
    for token in named(text):
        is_file = re.fullmatch(r"[\w./-]+\.(py|md|json|parquet|html|svg|toml|lock)|[\w.-]+(/[\w.-]+)*/", token)
        if is_file and "my_" not in token:
            places = (ROOT / token, ROOT / "testbed" / token, folder / token)
            if not any(place.exists() for place in places) and token.rstrip("/") not in left:
                yield token
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not link.startswith("http") and not ((ROOT / page).parent / link).exists():
            yield link


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page, folder):
    assert list(absent_files(page, PAGES[page], folder)) == []


def test_modules_in_the_tree_of_the_architecture_exist():
    (tree,) = [block for language, block in BLOCK.findall(PAGES["docs/architecture.md"]) if "testbed/\n" in block]
    for name in re.findall(r"\b\w+\.py\b", tree):
        assert (ROOT / "testbed" / name).exists(), name
    for name in re.findall(r"^  (\w+)/", tree, flags=re.MULTILINE):
        assert (ROOT / "testbed" / name).is_dir(), name


def known_options(capsys):
    """Every option of every command, world and experiment."""
    known = set()
    for words in ([], ["list"], ["truth"], ["fit"], ["gallery"], ["run"], ["judge"], ["report"]):
        with contextlib.suppress(SystemExit):
            cli.main([*words, "--help"])
        known |= set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    values = [preset for path in shipped().values() for preset in presets(path).values()]
    for value in (*values, *catalog.shelf("testbed.sources").values()):
        known |= {option.flag for option in fields.options(value)}
    return known


def absent_options(text, known):
    """What a page names that no command takes."""
    found = re.findall(r"(?<![\w-])--[a-z][\w.-]*[a-z0-9]", "\n".join(named(text)))
    return [option for option in found if option not in known]


def test_options_that_are_named_exist(capsys):
    known = known_options(capsys)
    assert {"--json", "--bits", "--grid.nested", "--sigma", "--help-all"} <= known
    assert {page: absent_options(text, known) for page, text in PAGES.items()} == {page: [] for page in PAGES}
    assert absent_options("give `--no-such-option 3`, or `testbed run --jsn`", known) == ["--no-such-option", "--jsn"]


def test_pages_that_lie_are_found_out(folder):
    wrong = "see `docs/nowhere.md`, `testbed/nowhere.py`, [here](docs/nowhere.svg) and `report.html`"
    assert list(absent_files("README.md", wrong, folder)) == [
        "docs/nowhere.md",
        "testbed/nowhere.py",
        "docs/nowhere.svg",
    ]
    with pytest.raises(AssertionError, match="is no command"):
        list(in_blocks("README.md", "```sh\nfrobnicate\n```\n"))
    found = in_blocks("README.md", "```sh\ntestbed list # long: never\ntestbed list # not long\n```\n")
    assert [each.long for each in found] == [True, False]
