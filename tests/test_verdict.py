"""Verdicts follow the whole interval, never the point, and no verdict outlives a failed check."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.cli.experiments import located, presets
from testbed.stats.estimate import Estimate
from testbed.stats.mean import mean
from testbed.store import Store
from testbed.store.declarations import Declarations
from testbed.studies.grid.checks import Check
from testbed.terminal.console import Console
from testbed.verdict import Claim, Verdict, judge

LEVEL = 0.9
GOOD = Check(name="good", passed=True, sentence="All is well.")
BAD = Check(name="bad", passed=False, sentence="Half of the cells diverged.")


def claim(low=None, high=None, level=LEVEL):
    return Claim(id="c", sentence="a sentence", section="§1", quantity="e", low=low, high=high, level=level)


def estimate(low, high, value=None, level=LEVEL):
    middle = (low + high) / 2 if value is None else value
    return Estimate(value=middle, low=low, high=high, level=level, n=5, method="t")


@pytest.mark.parametrize(
    ("region", "interval", "word"),
    [
        ((0.0, None), (0.0, 1.0), "supported"),
        ((0.0, None), (-0.1, 1.0), "undecided"),
        ((0.0, None), (-1.0, -0.1), "refuted"),
        ((0.0, None), (-1.0, 0.0), "undecided"),
        ((-0.1, 0.1), (-0.05, 0.1), "supported"),
        ((-0.1, 0.1), (-0.2, 0.2), "undecided"),
        ((-0.1, 0.1), (0.2, 0.3), "refuted"),
        ((None, 0.0), (-5.0, -1.0), "supported"),
    ],
)
def test_the_whole_interval_decides(region, interval, word):
    assert judge(claim(*region), estimate(*interval), [GOOD]).verdict == word


@pytest.mark.parametrize(
    ("region", "interval", "word"),
    [
        ((None, 0.0), (-1.0, -1e-300), "supported"),
        ((None, 0.0), (-1.0, 0.0), "undecided"),
        ((None, 0.0), (-0.0, -0.0), "refuted"),
        ((None, 0.0), (0.0, 1.0), "refuted"),
        ((None, 0.0), (-math.inf, -1.0), "supported"),
        ((0.0, None), (0.0, math.inf), "undecided"),
        ((0.0, None), (1.0, math.inf), "supported"),
        ((-0.1, 0.1), (-0.1, 0.05), "undecided"),
        ((-0.1, 0.1), (0.1, 0.2), "refuted"),
    ],
)
def test_a_strict_region_is_without_its_ends(region, interval, word):
    strict = msgspec.structs.replace(claim(*region), strict=True)
    value = max(interval[0], -5.0)
    found = judge(strict, estimate(*interval, value=value), [GOOD])
    assert found.verdict == word and found.strict and "(" in found.reason.partition("region ")[2]


def test_a_step_of_zero_falls_only_where_the_region_has_its_end():
    """The liar: a closed region calls it a fall that nothing changes at all."""
    flat = estimate(0.0, 0.0)
    assert judge(claim(high=0.0), flat, [GOOD]).verdict == "supported"
    assert judge(msgspec.structs.replace(claim(high=0.0), strict=True), flat, [GOOD]).verdict == "refuted"
    assert b"strict" not in msgspec.json.encode(claim(high=0.0)), "what was declared before stays as it was"
    shipped = presets(located("bias_variance"))["standard"].claims
    falls = {each.id for each in shipped if " falls " in each.sentence}
    assert len(falls) == 4 and falls <= {each.id for each in shipped if each.strict}


def test_endless_intervals_decide_nothing_unless_they_lie_on_one_side():
    assert judge(claim(low=0.0), estimate(-math.inf, math.inf, 1.0), []).verdict == "undecided"
    assert judge(claim(low=0.0), estimate(1.0, math.inf, 2.0), []).verdict == "supported"


def test_a_failed_check_makes_invalid_and_gives_its_sentence():
    found = judge(claim(low=0.0), estimate(1.0, 2.0), [GOOD, BAD])
    assert found.verdict == "invalid" and BAD.sentence in found.reason and GOOD.sentence not in found.reason


def test_a_failed_estimate_makes_invalid_and_gives_its_sentence():
    found = judge(claim(low=0.0), "no size finished.", [])
    assert found.verdict == "invalid" and "no size finished." in found.reason and found.estimate is None


def test_an_estimate_at_another_level_is_refused():
    with pytest.raises(ValueError, match="level"):
        judge(claim(low=0.0), estimate(1.0, 2.0, level=0.8), [])


@pytest.mark.parametrize(
    "wrong", [{"low": 1.0, "high": 0.0}, {"low": None, "high": None}, {"level": 1.5}, {"quantity": " "}]
)
def test_claims_that_cannot_be_judged_are_refused(wrong):
    fields = {
        "id": "c",
        "sentence": "s",
        "section": "t",
        "quantity": "e",
        "low": 0.0,
        "high": 1.0,
        "level": 0.9,
    } | wrong
    with pytest.raises(ValueError):
        Claim(**fields)


def test_the_ledger_is_json_without_infinities_and_reads_back():
    found = judge(claim(low=0.0), estimate(1.0, math.inf, 2.0), [])
    text = msgspec.json.encode(found)
    assert b"null" in text and b"nf" not in text.replace(b"interval", b"")
    again = msgspec.json.decode(text, type=Verdict)
    assert again.high is None and again.verdict == "supported" and again.region == (0.0, None)


def test_claims_made_before_they_had_a_kind_are_told_from_checks_of_the_instrument():
    old = {"id": "floor", "sentence": "s", "section": "instrument: true by construction", "quantity": "e",
           "low": 0.0, "high": None, "level": LEVEL}  # fmt: skip
    declared = msgspec.convert(old, Claim)
    assert declared.kind == "instrument" and declared == msgspec.structs.replace(declared, kind="instrument")
    assert msgspec.convert(old | {"section": "the instrument"}, Claim).kind == "paper"
    line = msgspec.to_builtins(judge(declared, estimate(1.0, 2.0), []))
    assert (
        msgspec.convert({name: value for name, value in line.items() if name != "kind"}, Verdict).kind == "instrument"
    )
    assert b"kind" not in msgspec.json.encode(claim(low=0.0)), "claims of the paper are written as they were"


def test_a_claim_declared_before_claims_had_a_kind_stays_declared(tmp_path):
    store = Store(tmp_path)
    old = {"id": "c", "sentence": "a sentence", "section": "instrument: so", "quantity": "e", "low": 0.0, "high": None,
           "level": LEVEL}  # fmt: skip
    store.write_json("declared.json", [old])
    store.write_json("provenance.json", [{}])
    asked = msgspec.convert(old | {"kind": "instrument"}, Claim)
    assert Declarations(store).of(asked).standing == "before the run"
    assert Declarations(store).of(msgspec.structs.replace(asked, low=0.1)).standing == "after the run"


@pytest.mark.parametrize("kind", ["paper", "instrument"])
def test_the_console_tells_checks_of_the_instrument_apart(kind, capsys):
    lines = [judge(claim(low=0.0), estimate(1.0, 2.0), [])]
    lines += [judge(msgspec.structs.replace(claim(low=0.0), id="other", kind=kind), estimate(1.0, 2.0), [])]
    Console().verdicts(lines, 1.0, Path("report.html"))
    said = capsys.readouterr().out
    apart = "Checks of the instrument"
    assert (apart in said) == (kind == "instrument") and "other" in said
    assert kind == "paper" or said.index(apart) < said.index("other")


@given(st.floats(-5, 5), st.floats(0, 5), st.floats(-5, 5), st.floats(0.01, 5))
def test_supported_and_refuted_exclude_each_other_and_shrinking_never_reverses(middle, half, low, width):
    region = claim(low, low + width)
    wide = judge(region, estimate(middle - half, middle + half, middle), []).verdict
    narrow = judge(region, estimate(middle - half / 2, middle + half / 2, middle), []).verdict
    assert wide in ("undecided", narrow)


def wrong_rate(judging, truth=0.0, simulations=400):
    """How often a truth on the edge of the region is called supported or refuted."""
    rng = np.random.default_rng(0)
    words = [judging(claim(low=0.0), mean(truth + rng.standard_normal(5), level=LEVEL)) for _ in range(simulations)]
    return np.mean([word in ("supported", "refuted") for word in words])


def test_on_the_edge_of_the_region_decisions_are_as_rare_as_the_level_says_and_the_point_as_judge_is_caught():
    def honest(asked, found):
        return judge(asked, found, []).verdict

    def liar(asked, found):
        return "supported" if found.value >= asked.low else "refuted"

    bound = 1 - LEVEL + 4 * np.sqrt(LEVEL * (1 - LEVEL) / 400)
    assert wrong_rate(honest) < bound < wrong_rate(liar)
