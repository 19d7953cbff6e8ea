"""A refusal's remedy works when it is followed: its own words are taken from it, asked for, and accepted."""

import re
from pathlib import Path

import pytest

from testbed import cli
from testbed.cli.experiments import preset
from testbed.cli.overrides import overridden
from testbed.ground.options import Options
from testbed.studies.grid import GridStudy
from tests.cli.common import FILE, asked

OVERRIDES = """
--grid.replicates 1 | at least 2
--grid.replicates 0 | no interval
--grid.replicates -7 | at least 2
--grid.replicates 1000000000 | at most 30000
--grid.replicates 10000000000000000000000 | 64 bits
--grid.multiples 0 | positive
--grid.multiples 0 1 | positive
--grid.multiples -2 1 | positive
--grid.multiples 2 1 | rising order
--grid.multiples 1 1 | distinct
--grid.multiples 1000000000000000000000000 | 64 bits
--grid.tokens 0 | positive
--grid.tokens 128 64 | rising order
--grid.tokens 64 64 | distinct
--grid.tokens 8 | at least one window
--grid.tokens 65 | whole number of windows
--grid.tokens 1600000000000 | at most 2147483647 windows
--grid.tokens 30000000000000000000000 | 64 bits
--training.steps 0 | a multiple of 4
--training.steps 33 | a multiple of 4
--training.steps 4000000000 | below 2^31
--training.ladder 2 | at least 3
--training.ladder 1000000 | between 3 and 28
--training.ratio 1 | at least 2
--training.ratio 1000000 | between 2 and
--training.learning-rates 0 | positive
--training.learning-rates nan | positive
--training.learning-rates inf | positive
--training.learning-rates 1e99 | between
--training.learning-rates 0.1 0.01 | rising order
--optimiser.batch 0 | at least one sequence
--optimiser.batch 10000000000 | between 1 and
--optimiser.batch 2147483647 | at most 2147483647 sequences
--optimiser.warmup 1 | share
--optimiser.warmup nan | share
--optimiser.weight-decay -1 | not negative
--optimiser.weight-decay 1e99 | between
--optimiser.beta1 1 | 0.999999
--optimiser.beta2 nan | 0.999999
--optimiser.clip 0 | positive
--optimiser.clip 1e99 | between
--evaluation.sequences 7 | even
--evaluation.sequences 2 | at least 4
--evaluation.sequences 100000000 | between 4 and
--evaluation.checkpoints 1 | at least 2
--evaluation.checkpoints 1000000000 | between 2 and
--model.width 5 | multiple of heads
--model.width 0 | at least 1
--model.width 4000000 | granted per device
--model.layers 0 | at least 1
--model.layers 1000000000 | at most 1024
--model.heads 0 | at least 1
--model.context 0 | at least 1
--model.vocabulary 5 | number of symbols
--world.vocabulary 5 | number of symbols
--world.vocabulary 1 | at least 2
--model.layout papper | one of
--model.positions round | one of
--model.logit-gain 0 | above zero
--model.logit-gain 1e99 | between
--model.attention.temperature -1 | above zero
--training.stopping early | one of
--optimiser.batch 16777216 | granted per device
--evaluation.sequences 1048576 | granted per device
--seed -1 | in [0, 2^32)
--seed 100000000000000000000000 | 64 bits
--grid.replicats 3 | no such option
--optimizer.batch 4 | no such option
"""
"""Wrong overrides, and a part of the rule."""


def offered(option, message):
    """The words of a remedy, as whoever reads it would type them."""
    meant = message.rpartition(": ")[2]
    if field := re.match(r"((?:grid|training|optimiser|evaluation)\.\w+)=", message):
        option = f"--{field[1].replace('_', '-')}"
    if near := re.search(r"did you mean (--[\w.-]+)", message):
        return [near[1], "4"]
    if field := re.search(r"set one of them, e\.g\. (--[\w.-]+)", message):
        return [field[1], "1"]
    if choice := re.search(r"one of ([\w/]+),", message):
        return [option, choice[1]]
    if narrow := re.search(r"keep width × multiple at (\d+) or below", meant):
        return [option, str(int(narrow[1]) // 2 // 2 * 2)]  # the largest multiple of the preset is 2
    if both := re.search(r"use (--optimiser\.batch \d+) with (--evaluation\.sequences \d+)", meant):
        return [*both[1].split(), *both[2].split()]
    if other := re.search(r"use (--[\w.-]+ [\d.]*\d)", message):
        return other[1].split()
    if several := re.search(r"e\.g\. \w+=\(([\d, ]+)\)", message):
        return [option, *several[1].split(", ")]
    found = re.search(r"(?:e\.g\.|use|for example)(?: for example)? (?:[a-z_]+[ =])?([\d. e+-]*\d)", message)
    if found is None:
        return [option, "2"] if "at least 2" in message else pytest.fail(message)
    return [option, *found[1].split()]


def accepted(words):
    """Read the words as `testbed run` does, and lay out the plan of a grid that is not huge, by a memory of 4 GiB."""
    experiment = preset(Path(FILE), "quick")
    made = overridden(GridStudy, experiment, words, "testbed run FILE")
    if made.cell_count < 1000:
        made.plan(Options(memory_gib=4.0))


@pytest.mark.parametrize("line", OVERRIDES.strip().splitlines())
def test_an_override_that_follows_the_remedy_is_accepted(line):
    """Where one remedy uncovers another fault of the same request, it is followed too."""
    request, rule = line.split(" | ")
    words = request.split()
    with pytest.raises(ValueError) as refusal:
        accepted(words)
    message = str(refusal.value)
    assert rule in message and len(message) <= 400
    for _ in range(3):
        remedy = offered(words[0], message)
        instead = remedy[0] in words or "did you mean" in message or "set one of them" in message
        words = remedy if instead else [*words, *remedy]
        try:
            accepted(words)
            return
        except ValueError as again:
            message = str(again)
    pytest.fail(f"{request}: {message}")


TRUTHS = """
iid --vocabulary 1 | at least 2 | --vocabulary 2
iid --vocabulary 4 --length 0 | at least 1 | --vocabulary 4 --length 1
iid --vocabulary 4 --length 100000000 | at most 1048576 | --vocabulary 4 --length 64
iid --vocabulary 4 --lags -1 | 0 or more | --vocabulary 4 --lags 0
iid --vocabulary 4 --width -1 | for example 1e-9 | --vocabulary 4 --width 1e-9
iid --vocabulary 4 --tokens 0 | positive number | --vocabulary 4 --tokens 1
iid --vocabulary 4 --contexts 0 | positive number | --vocabulary 4 --contexts 1
iid --vocabulary 3 --zipf -1 | from frequent to rare | --vocabulary 3 --zipf 0
iid --vocabulary 3 --concentration 0 | give for example concentration=1.0 | --vocabulary 3 --concentration 1.0
iid --vocabulary 3 --zipf 1 --concentration 1 | leave only one | --vocabulary 3 --zipf 1
iid --vocabulary 2 --weights 0.5 0.6 | divide the row by its sum | --vocabulary 2 --weights 0.45454545454 0.54545454546
iid --vocabulary 2 --concentration 1 --seed -1 | give for example seed=0 | --vocabulary 2 --concentration 1 --seed 0
markov --vocabulary 2 --order 0 | use the source iid | iid --vocabulary 2
markov --vocabulary 2 --smoothing 2 | give for example smoothing=0.02 | --vocabulary 2 --smoothing 0.02
iid --vocabulary 2 --features [[1e308],[1]] | [[1.0], [-1.0]] | --vocabulary 2 --features [[1.0],[-1.0]]
iid --vocabulary 2 --features [[1]] | [[1.0], [-1.0]] | --vocabulary 2 --features [[1.0],[-1.0]]
noisy --sigma 0.1 --base iid | {"kind": "iid", "vocabulary": 4} | --sigma 0.1 --base {"kind":"iid","vocabulary":4}
block_stationary --lengths odd | one of fixed | --lengths fixed
"""
"""Wrong truths, the remedy, and what it comes to."""


@pytest.mark.parametrize("line", TRUTHS.strip().splitlines())
def test_a_truth_that_follows_the_remedy_is_told(line, capsys):
    request, remedy, followed = line.split(" | ")
    world, *words = request.split()
    status, said = asked(capsys, "truth", world, *words)
    assert status == 2 and remedy in said
    again = followed.split() if not followed.startswith("--") else [world, *followed.split()]
    length = [] if "--length" in again else ["--length", "4"]
    assert cli.main(["truth", *again, *length, "--json"]) == 0


def test_a_picture_in_place_of_a_folder_is_told_where_it_may_be(capsys, tmp_path):
    status, said = asked(capsys, "report", tmp_path, "--picture", tmp_path)
    assert status == 2 and "it is a folder; name a file in it, e.g." in said and "--out" not in said
    named = re.search(r"e\.g\. (\S+figure\.svg)\.", said)[1]
    status, said = asked(capsys, "report", tmp_path, "--picture", named)
    assert "is not a run of testbed" in said, "the picture is no longer what is refused"
