"""The summary counts what the paper claims, tells the strongest first, and is silent about no edge."""

import math

import pytest

from testbed.report.summary import MOST, counted, edge, strength, summary, tally
from testbed.report.template import state
from testbed.stats.estimate import Estimate
from testbed.store import ledger
from testbed.verdict import Claim, Declared, judge


def verdict(
    name, value, low, high, region=(-1.05, -0.95), *, checks=(), standing="before the run", section="§4", found=None
):
    claim = Claim(
        id=name, sentence=f"{name}.", section=section, quantity="q", low=region[0], high=region[1], level=0.95
    )
    seen = found or Estimate(value=value, low=low, high=high, level=0.95, n=9, method="t")
    return ledger.plain(judge(claim, seen, checks, declared=Declared(standing)))


STRONG = verdict("strong", -1.0, -1.001, -0.999)
WEAK = verdict("weak", -1.0, -1.049, -0.96)
REFUTED = verdict("refuted", 0.0, -0.01, 0.01)
ACROSS = verdict("across", -1.04, -1.06, -1.02)
NOTHING = verdict("nothing", 0, 0, 0, found="there is nothing.")
CHECK = verdict("check", 0.0, -0.001, 0.5, (-0.01, None), section="instrument: true by construction")


def test_strongest_first_and_the_instrument_apart():
    found = summary([ACROSS, NOTHING, WEAK, CHECK, STRONG, REFUTED])
    assert [line.id for line in found.lines] == ["refuted", "strong", "weak", "across", "nothing"]
    assert [line.id for line in found.checked] == ["check"]
    assert found.paper == "Of 5 claims of the paper, 2 are supported, 1 is refuted, 1 is undecided and 1 is invalid."
    assert found.instrument == "The one check of the instrument is supported."
    assert dict(tally([ACROSS, CHECK, STRONG]))["supported"] == 1
    assert strength(REFUTED) > strength(STRONG) > strength(WEAK) > strength(ACROSS) == -math.inf


def test_what_was_declared_late_is_counted():
    late = verdict("late", -1.0, -1.001, -0.999, standing="after the run")
    assert summary([STRONG, late]).paper == "Both claims of the paper are supported; 1 was not declared before the run."
    assert [line.late for line in summary([late]).lines] == [True]
    assert counted([], "claim", "claims") == "There are no claims."


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (STRONG, ""),
        (WEAK, "Only just: the interval ends at −1.049, 0.001 from the edge −1.05."),
        (verdict("touches", -0.01, -0.02, 0.0, (None, 0.0)), "Only just: the interval touches the edge 0."),
        (verdict("out", -0.93, -0.949, -0.91), "Only just: the interval ends at −0.949, 0.001 from the edge −0.95."),
        (ACROSS, "The interval reaches across −1.05."),
        (verdict("wide", -1.0, -1.2, math.inf), "The interval reaches across −1.05 and −0.95."),
        (NOTHING, ""),
        (REFUTED, ""),
    ],
)
def test_the_edge_is_told_with_numbers(found, said):
    assert edge(found) == said


def test_endless_intervals_and_regions_have_no_edge_at_infinity():
    far = verdict("far", 1.57, 1.18, math.inf, (-10.0, None))
    below = verdict("below", -4.0, -math.inf, -3.0, (None, 0.1))
    assert edge(far) == edge(below) == ""
    assert strength(far) > strength(WEAK)
    near = verdict("near", 1.57, 1.18, math.inf, (1.17, None))
    assert edge(near) == "Only just: the interval ends at 1.18, 0.01 from the edge 1.17."


def test_more_than_a_few_are_folded_and_counted():
    many = [verdict(f"claim {number}", -1.0, -1.001, -0.999) for number in range(MOST + 1)]
    found = summary([*many, ACROSS])
    assert len(found.told) == MOST and found.rest == "2 more: 1 supported and 1 undecided"


def test_the_state_of_the_run_names_what_failed_and_what_touched_an_edge():
    fine = {"name": "complete", "passed": True, "sentence": "", "edge": ""}
    assert state([fine, fine]) == "All 2 checks of the run passed."
    assert state([fine, fine | {"passed": False, "name": "finite"}]) == "Of 2 checks of the run, 1 failed: finite."
    edged = fine | {"name": "rates inside", "edge": "at an edge"}
    assert state([fine, edged]) == (
        "No check of the run failed, but look at rates inside (at an edge); the other 1 passed."
    )
    assert state([]) == "The run was not checked."
