"""A request that cannot be met ends with status 2 and one sentence of value, rule and remedy; nothing is lost."""

import pytest

from tests.cli.common import BLOCKS, CHAIN, FILE, NOISY, asked, called, refused

REFUSALS = {
    "nothing": ([], "arguments are required", "list,truth,fit,gallery,power,run,judge,report"),
    "command": (["rnu"], "invalid choice: 'rnu'", "list"),
    "flag of list": (["list", "--all"], "unrecognised arguments: --all"),
    "no world": (["truth"], "nothing is named", "testbed list"),
    "world": (["truth", "nowhere"], "'nowhere'", "known names: .*iid.*markov"),
    "rows": (
        ["truth", "markov", "--vocabulary", "2", "--rows", "[[0.8,0.2],[0.3,0.6]]"],
        "rows, row 1, sums to 0.8999999999999999",
        "must sum to 1",
        "divide the row by its sum",
    ),
    "rows cut short": (
        ["truth", "markov", "--vocabulary", "2", "--rows", "[[0.8,0.2"],
        "\\[\\[0.8,0.2 cannot be read",
        "truncated",
        "JSON is expected",
        "e.g.",
    ),
    "shape of rows": (["truth", "markov", "--vocabulary", "2", "--rows", "[[0.5,0.5]]"], "rows", "2"),
    "words for rows": (
        ["truth", "markov", "--vocabulary", "2", "--rows", '"ab"'],
        '"ab" does not fit',
        "got `str`",
        "e.g.",
    ),
    "vocabulary": (["truth", "iid", "--vocabulary", "1"], "vocabulary=1", "at least 2", "single symbol"),
    "length": (["truth", "iid", "--vocabulary", "4", "--length", "0"], "length=0", "at least 1", "positive"),
    "endless": (["truth", "iid", "--vocabulary", "4", "--length", "100000000000"], "length=100000000000", "at most"),
    "endless vocabulary": (["truth", "iid", "--vocabulary", "100000000000"], "vocabulary=1", "at most", "give less"),
    "infinite exponent": (["truth", "iid", "--vocabulary", "4", "--zipf", "inf"], "zipf=inf", "give a smaller"),
    "vocabulary in words": (["truth", "iid", "--vocabulary", "four"], "--vocabulary", "'four'", "INT", "--help"),
    "weights in words": (
        ["truth", "iid", "--vocabulary", "4", "--weights", "a"],
        "--weights",
        "'a'",
        "FLOAT",
        "--help",
    ),
    "no value": (["truth", "iid", "--vocabulary"], "--vocabulary", "missing", "INT", "--help"),
    "no vocabulary": (["truth", "iid", "--zipf", "1"], "--vocabulary", "must be given", "truth iid --help"),
    "stray word": (["truth", "iid", "--vocabulary", "4", "five"], "five", "no such option", "--help"),
    "lengths": (
        ["truth", "block_stationary", "--lengths", "odd"],
        "--lengths odd",
        "one of fixed, geometric, power_law",
    ),
    "lag": (["truth", "iid", "--vocabulary", "4", "--lags", "-1"], "lag=-1", "0 or more"),
    "lag in words": (["truth", "iid", "--vocabulary", "4", "--lags", "one"], "--lags", "'one'"),
    "features": (["truth", "iid", "--vocabulary", "3", "--features", "[[1]]"], "\\(1, 1\\)", "3 symbols", "e.g."),
    "length in words": (["truth", "iid", "--vocabulary", "4", "--length", "ten"], "--length", "'ten'"),
    "flag of a world": (["truth", "iid", "--vocabulary", "4", "--vocabluary", "5"], "--vocabluary", "--vocabulary"),
    "world inside": ([*NOISY, '{"kind": "nowhere"}'], "Invalid value 'nowhere'", "correct that", "e.g.", '"iid"'),
    "field of a world inside": ([*NOISY, '{"kind": "iid", "vocabluary": 4}'], "unknown field `vocabluary`", "e.g."),
    "field of a world inside given twice": (
        [*NOISY, '{"kind": "iid", "vocabulary": 4, "vocabulary": 8}'],
        "the name vocabulary stands twice",
        "correct that",
        "e.g.",
    ),
    "features that are not finite": (
        ["truth", "iid", "--vocabulary", "2", "--features", "[[1], [1e999]]"],
        "1e999 is no finite number",
        "e.g.",
    ),
    "value of a world inside": (
        [*NOISY, '{"kind": "iid", "vocabulary": 1}'],
        "vocabulary=1: it must be at least 2; a single symbol carries no information. $",
    ),
    "words for a world inside": (
        [*NOISY, "a chain"],
        "a chain cannot be read",
        "malformed",
        "JSON is expected",
        "e.g.",
    ),
    "name alone for a world inside": ([*NOISY, "iid"], "iid does not fit", "required field `vocabulary`", "e.g."),
    "world inside cut short": ([*NOISY, '{"kind": "iid", "voc'], "truncated", "JSON is expected", "e.g."),
    "number for a world inside": ([*NOISY, "3"], "got `int`", "correct that", "e.g."),
    "no file of a process": ([*CHAIN, "no/such.json"], "no/such.json", "no such file", "give the path"),
    "file and fields": (
        [*CHAIN, "no/such.json", "--process", "mess3"],
        "--process mess3",
        "gives the whole world",
        "leave out one of the two",
    ),
    "file of another world": (
        ["truth", "iid", "--file", "no/such.json"],
        "iid is not read from a file",
        "only hidden_markov",
        "give options instead",
    ),
    "no width": (["truth", "iid", "--vocabulary", "4", "--width", "-1"], "width=-1.0", "positive", "1e-9"),
    "too narrow": (
        [*BLOCKS, "--tokens", "64", "--contexts", "1", "--width", "1e-3"],
        "width=0.001",
        "Monte Carlo",
        "about tokens=",
        "not 64: allow them",
        "leave it out",
    ),
    "contexts": (["truth", "iid", "--vocabulary", "4", "--contexts", "0"], "contexts=0", "positive"),
    "tokens": (["truth", "iid", "--vocabulary", "4", "--tokens", "0"], "tokens=0", "positive"),
    "picture": (["truth", "iid", "--vocabulary", "4", "--svg", "no/such.svg"], "--svg no/such.svg", "no folder no;"),
    "picture in place of a folder": (["truth", "iid", "--vocabulary", "4", "--svg", "."], "--svg .", "is a folder"),
    "gallery": (["gallery", "--out", "no/such"], "--out no/such", "not a folder", "make it"),
    "no experiment": (["run"], "nothing is named", "bias_variance"),
    "no file": (["run", "no/such.py"], "no/such.py", "is not a file", "name a Python file", "bias_variance"),
    "preset": (["run", FILE, "--preset", "huge"], "--preset 'huge'", "no such preset", "known: quick, other, unknown"),
    "override": (["run", FILE, "--grid.replicats", "3"], "--grid.replicats", "--grid.replicates"),
    "malformed": (["run", FILE, "--grid.replicates", "three"], "--grid.replicates", "'three'", "--help"),
    "heads": (["run", FILE, "--model.width", "5"], "width=5", "multiple of heads", "use width 4 or 6"),
    "small D": (["run", FILE, "--grid.tokens", "8"], "D=8", "at least one window of n=16", "use 16 or more"),
    "broken D": (["run", FILE, "--grid.tokens", "65"], "D=65", "whole number of windows", "use 64 or 80"),
    "symbols": (["run", FILE, "--world.vocabulary", "5"], "vocabulary=6", "the world, 5", "--model.vocabulary 5"),
    "one regime": (["run", FILE, "--world.vocabulary", "1"], "vocabulary=1", "at least 2"),
    "replicates": (["run", FILE, "--grid.replicates", "1"], "replicates=1", "at least 2", "e.g. 3"),
    "memory": (["run", FILE, "--memory-gib", "0.00001"], "needs", "1e-05 GiB are granted", "raise --memory-gib"),
    "no memory": (["run", FILE, "--memory-gib", "-1"], "--memory-gib", "positive"),
    "memory that is no number": (["run", FILE, "--memory-gib", "nan"], "--memory-gib", "positive"),
    "checkpoints": (["run", FILE, "--checkpoint-seconds", "-1"], "--checkpoint-seconds", "not negative"),
    "placement": (["run", FILE, "--placement", "cloud"], "--placement", "'cloud'", "jit", "pmap"),
    "estimate": (["run", FILE, "--preset", "unknown"], "claim odd", "no_such_estimate", "known: lowest_excess"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused(name, capsys, tmp_path, monkeypatch):
    words, *patterns = REFUSALS[name]
    monkeypatch.chdir(tmp_path)
    assert refused(asked(capsys, *words, *(["--out", tmp_path / "run"] if words[:1] == ["run"] else [])), *patterns)
    assert not list(tmp_path.iterdir())


def test_a_refusal_in_a_process_of_its_own_is_status_2():
    done = called("truth", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_words_of_several_lines_are_refused_in_one(capsys):
    assert refused(asked(capsys, *NOISY, '{"kind":\n"iid",\n"vocabulary": 1}'), "vocabulary=1", "at least 2")
