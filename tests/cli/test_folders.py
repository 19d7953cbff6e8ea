"""Folders that a command cannot use are refused, and nothing in them changes."""

from pathlib import Path

import pytest

from tests.cli.common import FILE, asked, contents, refused


def test_an_output_folder_of_another_spec_is_refused(copied, capsys):
    before = contents(copied)
    answer = asked(capsys, "run", FILE, "--out", copied, "--grid.replicates", "3")
    assert refused(answer, "another experiment", "replicates", "choose another --out")
    assert contents(copied) == before


def test_an_output_folder_of_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("Dear")
    assert refused(asked(capsys, "run", FILE, "--out", tmp_path), "is not a run of testbed", "choose another")
    assert contents(tmp_path) == {Path("letter.txt"): b"Dear"}


def test_an_output_folder_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "letter").write_text("Dear")
    assert refused(asked(capsys, "run", FILE, "--out", tmp_path / "letter"), "letter", "choose another")
    assert refused(asked(capsys, "run", FILE, "--out", tmp_path / "letter" / "run"), "letter", "choose another")
    assert contents(tmp_path) == {Path("letter"): b"Dear"}


@pytest.mark.parametrize("command", ["judge", "report"])
def test_a_folder_that_is_no_run_cannot_be_judged(command, tmp_path, capsys):
    assert refused(asked(capsys, command, tmp_path), "is not a run of testbed", "spec.json", "--out")
    assert refused(asked(capsys, command, tmp_path / "none"), "is not a run of testbed", "--out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["judge", "report"])
def test_an_unfinished_run_cannot_be_judged(command, copied, capsys):
    (copied / "ensemble_split.parquet").unlink()
    before = contents(copied)
    assert refused(asked(capsys, command, copied), "is not finished", "run the experiment to its end")
    assert contents(copied) == before


def test_a_claim_about_an_unknown_estimate_is_refused(copied, capsys):
    before = contents(copied)
    answer = asked(capsys, "judge", copied, "--claims-of", FILE, "--preset", "unknown")
    assert refused(answer, "claim odd", "'no_such_estimate' is unknown", "known: lowest_excess")
    assert contents(copied) == before


def test_a_preset_without_an_experiment_is_refused(copied, capsys):
    assert refused(asked(capsys, "judge", copied, "--preset", "nonsense"), "--preset nonsense", "--claims-of")
