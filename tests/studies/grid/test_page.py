"""The page stands alone, escapes what it is given, and shows every verdict, number and failure it was handed."""

import dataclasses

import msgspec
import numpy as np

from testbed.studies.grid import GridStudy
from testbed.studies.grid.page import figures
from testbed.studies.grid.page.content import Page, render
from testbed.verdict import Claim, judge
from tests.report.reading import check_page
from tests.studies.grid.planted_page import HOSTILE, LEVEL

ESTIMATES = GridStudy.estimates()


def test_the_page_stands_alone_and_is_small(text):
    found = check_page(text)
    assert len(found.payloads) == 7 and len(text.encode()) <= 3_000_000


def test_the_answer_comes_first_then_the_main_figure_then_the_cards(text):
    places = [
        text.index(part) for part in ('id="summary"', 'id="main"', 'class="plot"', 'id="claims"', 'class="claim ')
    ]
    assert places == sorted(places)


def test_checks_of_the_instrument_are_apart_and_not_in_the_tally(page):
    lines = [line | {"verdict": "supported", "kind": "paper"} for line in page.ledger]
    lines[1] |= {"kind": "instrument", "verdict": "refuted", "sentence": "The instrument stands."}
    shown = render(Page(**{**vars(page), "ledger": lines}))
    assert '<li class="refuted"><b>0</b>refuted</li>' in shown and '<li class="supported"><b>2</b>' in shown
    assert (
        "Both claims of the paper are supported. Apart from these: the one check of the instrument is refuted" in shown
    )
    assert shown.index("The instrument stands.") > shown.index('id="instrument"')
    assert 'id="instrument"' not in render(Page(**{**vars(page), "ledger": lines[:1]}))


def test_what_passed_at_an_edge_is_not_said_to_have_passed(page):
    edge = {"name": "rates inside", "passed": True, "sentence": "It is the lowest.", "edge": "at an edge"}
    shown = render(Page(**{**vars(page), "checks": [edge]}))
    assert ">at an edge</td><td>rates inside</td>" in shown and ">passed<" not in shown
    assert "No check of the run failed, but look at rates inside (at an edge)." in shown


def test_a_level_that_is_not_the_usual_one_is_shown(page, text):
    """What a run attained is an end of B, whose three ends hold at once; the rest is at 95 %."""
    odd = page.estimates[page.estimates["level"] != LEVEL]
    assert set(odd["quantity"]) == {"attained"} and len(odd) == len(page.estimates["parameters"].dropna().unique())
    assert text.count("at 98.33 %") == len(odd) and "at 95 % where the method names no other level" in text


def test_hostile_text_is_escaped_everywhere(text):
    assert HOSTILE not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") >= 5


def test_every_verdict_number_and_failure_is_shown(page, text):
    for line in page.ledger:
        assert f'class="claim {line["verdict"]}"' in text and line["reason"].replace("'", "&#39;") in text
    assert "A planted failure." in text and "diverged" in text and "never used" not in text
    assert "0.462098120373" in text and "3 more" in text


def test_a_page_of_nothing_is_a_page(page):
    none = {name: getattr(page, name).iloc[:0] for name in ("estimates", "parts", "curves", "compute", "references")}
    bare = {"ledger": [], "checks": [], "constants": {}, "figures": [], "truth": [], "dropped": {}, "provenance": {}}
    empty = dataclasses.replace(page, **none, **bare)
    shown = render(empty)
    assert "No claim was declared." in shown and "no reference predictor was asked for" in shown


def test_invalid_lines_without_numbers_are_shown(page):
    claim = Claim(id="x", sentence="s", section="t", quantity="e", low=0.0, high=None, level=LEVEL)
    line = msgspec.to_builtins(judge(claim, "there is nothing.", []))
    shown = render(Page(**{**vars(page), "ledger": [line]}))
    assert "no estimate" in shown and "there is nothing." in shown


def test_the_same_page_twice_is_the_same(page, text):
    assert render(page) == text


def test_the_stacked_bars_end_at_the_loss(page):
    drawn = figures.parts(page.parts)
    top = np.asarray(drawn.data[-1].base) + np.asarray(drawn.data[-1].y)
    assert np.allclose(top, page.parts.sort_values(["parameters", "tokens"])["loss"])
