"""A file that is no experiment is refused, whatever it does while it is read."""

import pytest

from tests.cli.common import asked, refused

NO_FILE = "import sys\n"
NO_PRESETS = "PRESETS = {}\n"
WRONG_FIELD = "from testbed.studies.grid import Grid\nPRESETS = {'quick': Grid(replicats=3)}\n"
WRONG_KIND = "PRESETS = {'quick': 3}\n"
WRONG_VALUE = "from testbed.studies.grid import Grid\nPRESETS = {'quick': Grid(replicates=1)}\n"
WRONG_NAME = "PRESETS = {'quick': experiment}\n"
WRONG_SYNTAX = "PRESETS = {\n"


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        (NO_FILE, ["defines no PRESETS"]),
        (NO_PRESETS, ["defines no PRESETS"]),
        (WRONG_FIELD, ["cannot be loaded", "replicats", "mend it"]),
        (WRONG_KIND, ["defines no PRESETS", "GridStudy"]),
        (WRONG_VALUE, ["cannot be loaded", "replicates=1", "at least 2"]),
        (WRONG_NAME, ["cannot be loaded", "experiment", "mend it"]),
        (WRONG_SYNTAX, ["cannot be loaded", "mend it"]),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(text, patterns, capsys, tmp_path):
    file = tmp_path / "odd.py"
    file.write_text(text)
    assert refused(asked(capsys, "run", file, "--out", tmp_path / "run"), "odd.py", *patterns)
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_python_is_refused(capsys, tmp_path):
    (tmp_path / "odd.txt").write_text("x")
    assert refused(asked(capsys, "run", tmp_path / "odd.txt"), "is not Python", "PRESETS")


def test_an_exception_that_cannot_say_what_it_is_is_named(capsys, tmp_path):
    file = tmp_path / "mute.py"
    file.write_text("class Mute(Exception):\n    def __str__(self):\n        raise ValueError\nraise Mute()\n")
    assert refused(asked(capsys, "run", file), "mute.py", r"cannot be loaded \(Mute\)", "mend it")
