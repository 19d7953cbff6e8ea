"""Wrong requests by the hundred: each ends in one sentence with status 2, at once, and leaves nothing behind.

``benchmarks/wrong_requests.py`` runs all of them; of the words for numbers, this takes every fifth.
"""

import json
from pathlib import Path

import pytest

from testbed import cli
from testbed.cli import edge
from testbed.terminal.console import Console
from testbed.terminal.plan import Planned, show
from testbed.verdict import Claim, judge
from tests.cli import wrong
from tests.cli.answers import answer, faults, quiet
from tests.cli.common import asked

WORDS = {name: words for at, (name, words) in enumerate(wrong.words().items()) if "line" in name or at % 5 == 0}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with quiet(tmp_path_factory.mktemp("wrong")) as folder:
        yield folder


@pytest.mark.parametrize("name", WORDS)
def test_wrong_words_are_refused(name, place):
    found = answer(WORDS[name], place)
    assert not faults(found), found


def test_wrong_files_are_refused(place):
    told = {name: answer(words, place) for name, words in wrong.with_files(place / "files").items()}
    assert len(told) > 100
    assert not {name: (faults(found), found) for name, found in told.items() if faults(found)}


def test_a_fault_of_testbed_is_one_sentence_that_says_so(capsys, monkeypatch, place):
    """Whatever goes wrong: with the place, the name of the exception, and the traceback in a file."""
    for error in (
        KeyError("x"),
        RuntimeError("l" * 1000),
        BaseException("[red]"),
        AssertionError(),
        RecursionError("deep"),
    ):

        def broken(*arguments, error=error):
            raise error

        monkeypatch.setattr("testbed.cli.truth._world", broken)
        found = answer(["truth", "iid"], place)
        assert found.status == edge.FAULT
        assert found.said.count("\n") == 1 and len(found.said) < 500
        for word in ("a fault of testbed", type(error).__name__, "testbed/cli/truth.py:", "the traceback is in"):
            assert word in found.said
        (left,) = (path for path in found.changed if "testbed-fault-" in path)
        assert "Traceback" in Path(left).read_text()
        monkeypatch.setenv("TESTBED_TRACEBACK", "1")
        assert "Traceback" in answer(["truth", "iid"], place).said
        monkeypatch.delenv("TESTBED_TRACEBACK")


def test_an_error_of_a_library_is_no_refusal(monkeypatch, place):
    """A ValueError that testbed does not raise itself is a fault of testbed, whatever numpy says."""
    monkeypatch.setattr("testbed.cli.truth._world", lambda *arguments: json.loads("{"))
    assert answer(["truth", "iid"], place).status == edge.FAULT


def test_a_cache_that_is_a_file_is_refused(capsys, monkeypatch, tmp_path):
    (tmp_path / "letter").write_text("Dear")
    monkeypatch.setenv("TESTBED_CACHE", str(tmp_path / "letter"))
    status, said = asked(capsys, "run", wrong.FILE, "--out", tmp_path / "run")
    assert status == 2 and "TESTBED_CACHE=" in said and "unset it" in said
    assert not (tmp_path / "run").exists()


def test_names_with_markup_are_shown_as_they_stand(capsys):
    """In the plan, in the bar, in sentences and in the table of verdicts."""

    console, names = Console(), ("t[/]", "[red]", "[/red]x", "[link=x]y[/link]", ":smile:")
    claims = [Claim(id=name, sentence="s", section="s", quantity="q", low=0.0, high=None, level=0.9) for name in names]
    for name in names:
        show(
            console, name, [Planned("grid", {"parameters P": "1", "runs": "1", "tokens": "1"}, 1, 1, 1.0)], "a machine"
        )
        console.say(f"said {name}")
    console.verdicts([judge(claim, "there is [none]", ()) for claim in claims], 1.0, Path("t[/]"))
    text = capsys.readouterr().out
    for name in names:
        assert f"Plan of {name}" in text and f"said {name}" in text and text.count(name) >= 3


def test_experiments_that_are_broken_hide_no_other(capsys, monkeypatch, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "_common.py").write_text("shared = 1\n")
    (tmp_path / "experiments" / "broken.py").write_text("import sys\nsys.exit('[red]')\n")
    (tmp_path / "experiments" / "sound.py").write_text("from tests.presets import PRESETS\n")
    monkeypatch.chdir(tmp_path)

    def without_docstring():
        pass

    monkeypatch.setattr("testbed.studies.grid.estimates.ESTIMATES", {"mine": without_docstring})
    status, _ = asked(capsys, "list")
    assert status == 0
    assert cli.main(["list"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "_common" not in text and "mine" in text and "(no docstring)" in text
    assert "broken.py cannot be loaded (SystemExit: [red])" in text and "sound.py presets: quick" in text
