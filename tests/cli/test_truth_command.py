"""`testbed truth`: what is sampled has a seed, what takes long is told, and what takes too long is refused first."""

import io
import json
import re
import time

import pytest

from testbed import cli
from testbed.cli import working
from testbed.laws import effort

LONG = ["truth", "in_context_markov", "--vocabulary", "2", "--concentration", "0.3"]
FORGETFUL = {
    "T": [
        [[0, 0.3, 0.3, 0], [0, 0, 0, 0.5], [0, 0, 0, 1], [0.2, 0, 0, 0]],
        [[0, 0.4, 0, 0], [0, 0, 0, 0.5], [0, 0, 0, 0], [0.8, 0, 0, 0]],
    ]
}


def answered(capsys, *words):
    assert cli.main(list(map(str, words))) == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


def refusal(capsys, *words):
    assert cli.main(list(map(str, words))) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_long_window_of_few_samples_keeps_to_what_is_certain(capsys):
    """From 4 windows it was [-0.007, 0.134]; the rate is 0.258."""
    found = answered(capsys, *LONG, "--length", 2**12, "--tokens", 2**14, "--contexts", 64, "--json")
    epsilon, rate = found["epsilon"], found["rate"]
    assert epsilon["method"] == "Monte Carlo"
    assert rate["low"] <= epsilon["low"] <= epsilon["value"] <= epsilon["high"] <= 0.6932


def test_samples_have_a_seed_of_their_own_which_is_recorded(capsys):
    words = [*LONG, "--length", 12, "--tokens", 1, "--contexts", 1, "--json"]
    plain, first, other = (answered(capsys, *words, *more) for more in ([], *(["--sampling-seed", s] for s in (0, 7))))
    assert plain == first and other["epsilon"]["value"] != first["epsilon"]["value"]
    assert other["budget"] == {"contexts": 1, "tokens": 1, "seed": 7, "width": None, "patience": 60.0}
    assert "seed=-1: it must lie between 0" in refusal(capsys, *words, "--sampling-seed", "-1")


def test_what_takes_too_long_is_refused_first_and_the_remedy_works(capsys):
    words = [*LONG, "--length", 64, "--contexts", 1, "--tokens", 2**15, "--json"]
    told = refusal(capsys, *words, "--patience", "0.002")
    patience = re.search(r"patience=0\.002: sampling .* take about .*; allow it by patience=(\d+),", told)[1]
    assert answered(capsys, *words, "--patience", patience)["budget"]["patience"] == float(patience)
    assert "positive number" in refusal(capsys, *words, "--patience", "0")


def test_a_narrow_curve_of_a_forgetful_chain_is_answered_or_refused_at_once(capsys, tmp_path):
    """It once said nothing for 80 seconds, and would have gone on for an hour."""
    (tmp_path / "process.json").write_text(json.dumps(FORGETFUL))
    words = ["truth", "hidden_markov", "--file", tmp_path / "process.json", "--width", "1e-8", "--json"]
    begun = time.process_time()
    assert answered(capsys, *words, "--length", 24)["epsilon"]["method"] == "enumeration"
    assert "contexts would be needed" in refusal(capsys, *words, "--length", 4000)
    assert time.process_time() - begun < 20


# ------------------------------------------------------------------------------------------------------- progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def soon(monkeypatch):
    """No waiting before something is shown."""
    monkeypatch.setattr(working, "QUIET", 0.02)
    monkeypatch.setattr(working, "OFTEN", 0.01)
    monkeypatch.setattr(working, "SELDOM", 0.05)


def work(seconds):
    effort.step("summing", 1, 4)
    time.sleep(seconds)


def test_long_work_is_told_in_lines_on_standard_error(soon, capsys):
    with working.shown():
        work(0.3)
    captured = capsys.readouterr()
    assert not captured.out
    assert 2 <= len(captured.err.splitlines()) <= 8
    assert all(
        re.fullmatch(r"testbed: summing, 25% done, \d s so far, .* s to go", each) for each in captured.err.splitlines()
    )


def test_long_work_is_a_bar_on_a_terminal(soon, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with working.shown():
        work(0.3)
    assert "summing" in terminal.getvalue() and "25%" in terminal.getvalue()


def test_short_work_says_nothing(capsys):
    with working.shown():
        effort.step("summing", 1, 4)
    assert capsys.readouterr() == ("", "")


def test_a_refusal_ends_what_is_shown(soon, capsys):
    with pytest.raises(ValueError, match="no"), working.shown():
        raise ValueError("no")
    time.sleep(0.1)
    assert capsys.readouterr().err == ""
