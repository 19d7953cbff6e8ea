"""What ``make seeds`` says of verdicts under several seeds."""

import pytest

from benchmarks.seeds import table


@pytest.mark.parametrize(
    ("verdicts", "word", "sound"),
    [
        (("supported", "supported"), "same", True),
        (("undecided", "undecided"), "same", True),
        (("supported", "undecided"), "open under some", True),
        (("invalid", "refuted"), "open under some", True),
        (("supported", "refuted"), "CONTRADICTED", False),
    ],
)
def test_only_verdicts_that_are_decided_both_ways_contradict_each_other(verdicts, word, sound):
    rows, told = table({seed: {"steady": "refuted", "claim": verdict} for seed, verdict in enumerate(verdicts)})
    assert told == sound
    assert rows[0] == "| claim | seed 0 | seed 1 | |"
    assert rows[2] == "| steady | refuted | refuted | same |"
    assert rows[3] == f"| claim | {verdicts[0]} | {verdicts[1]} | {word} |"
