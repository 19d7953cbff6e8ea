"""Law: what any command prints for people fits 80 columns, and nothing in it is cut off."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from testbed import cli
from testbed.cli.experiments import presets, shipped
from testbed.ground import catalog
from testbed.ground.options import Options
from testbed.terminal.console import Console
from testbed.terminal.plan import show
from testbed.training import where
from testbed.verdict import Verdict

GRID = str(Path(__file__).parents[1] / "presets.py")
STUDY = str(Path(__file__).parents[1] / "small_study.py")
HELPS = [
    *([], ["list"], ["truth"], ["gallery"], ["run"], ["judge"], ["report"]),
    *(["truth", name] for name in catalog.shelf("testbed.sources")),
    *(["run", name] for name in (*shipped(), GRID, STUDY)),
]


@pytest.fixture(autouse=True)
def narrow(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def fits(text, *paths):
    """Whether no line is wider than 80 cells, save for a word that is a path, and no word is cut off."""
    for line in text.splitlines():
        assert cell_len(line) <= 80 or any(path in line for path in paths), line
        assert not re.search(r"[\w.)\]]…", line), line
    return bool(text.strip())


def printed(capsys, *words):
    try:
        status = cli.main(list(words))
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return captured.out + captured.err


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help_fits_and_folds_what_is_repeated(words, capsys):
    text = printed(capsys, *words, "--help")
    assert fits(text, GRID, STUDY)
    assert len(text.splitlines()) < 300, "grids have some 90 fields, each told once"


@pytest.mark.parametrize("name", ["clt_assumptions", "bias_variance"])
def test_every_field_is_listed_once_when_all_are_asked_for(name, capsys):
    from testbed.cli import fields

    text = printed(capsys, "run", name, "--help-all")
    assert fits(text)
    experiment = presets(shipped()[name])["quick"]
    listed = re.findall(r"^  (--\S+?)[, ]", text.partition("overrides: ")[2], flags=re.MULTILINE)
    assert listed == [option.flag for option in fields.options(experiment)]
    short = printed(capsys, "run", name, "--help")
    assert (
        f"and {len(listed) - len(re.findall(r'^  --', short.partition('overrides: ')[2], re.MULTILINE))} more" in short
    )


def test_fields_are_told_with_type_default_and_meaning(capsys):
    text = " ".join(printed(capsys, "run", GRID, "--help").split())
    for told in (
        "--grid.replicates INT (default: 2) Replicates, each with a draw of the data",
        "--grid.nested, --grid.no-nested (default: False) Share draws",
        "--model.head-width INT or None (default: None) Width K of one head",
        "--model.attention JSON (default: softmax) How a position weighs the positions up to itself. kinds: hard_max,",
        "--world.boundaries hidden|announced (default: hidden) Whether each block begins",
        "--training.learning-rates FLOAT … (default: 0.01 0.03) Candidates",
        "--claims ID … (default: 3 of them) Judged at the end",
    ):
        assert told in text
    assert "--sigma FLOAT (required)" in " ".join(printed(capsys, "truth", "noisy", "--help").split())


def test_the_list_fits(capsys):
    assert fits(printed(capsys, "list"))


@pytest.mark.parametrize("name", catalog.shelf("testbed.sources"))
def test_a_truth_fits(name, capsys):
    assert fits(printed(capsys, "truth", name, "--length", "2", "--tokens", "4096", "--contexts", "64", "--lags", "1"))


def test_a_run_and_its_verdicts_fit_and_say_what_goes_on(capsys):
    text = printed(capsys, "run", GRID, "--out", "run")
    assert fits(text)
    for told in ("Plan of small", "computing the truth: done", "training: done", "measuring: done", "Judging 3 claims"):
        assert told in text
    assert text.count("90 %") == 1
    assert "run/report.html" in text
    for words in (["judge", "run"], ["judge", "run", "--claims-of", GRID, "--claims", "law"], ["report", "run"]):
        assert fits(printed(capsys, *words))


@pytest.mark.parametrize("name", shipped())
def test_plans_and_verdicts_of_what_is_shipped_fit(name, capsys):
    options, console = Options(memory_gib=1e4), Console()
    for experiment in presets(shipped()[name]).values():
        show(console, experiment.name, experiment.plan(options), where(options))
        console.verdicts([_judged(claim, 1.234e-16) for claim in experiment.claims], 1.0, Path("runs/x/report.html"))
        assert fits(capsys.readouterr().out)
        console.verdicts([_judged(claim, 0.9753) for claim in experiment.claims], 1.0, Path("runs/x/report.html"))
        text = capsys.readouterr().out
        assert fits(text)
        assert all(all(part in text for part in claim.id.split()) for claim in experiment.claims)
        assert len(re.findall("supported", text)) == len(experiment.claims)


def _judged(claim, scale):
    return Verdict(
        id=claim.id, sentence=claim.sentence, section="", quantity=claim.quantity, estimate=-scale,
        low=-1.1 * scale, high=8.1 * scale, level=claim.level, region=(claim.low, claim.high), verdict="supported", n=3,
        method="", reason="", declared="before the run",
    )  # fmt: skip
