"""The page of a study of noise stands alone, escapes what it is given, drops no arm, and draws what the tables say."""

import dataclasses
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from testbed.report import intervals
from testbed.studies.noise.page import figures as drawn_figures
from testbed.studies.noise.page import forest
from testbed.studies.noise.page.content import render
from testbed.studies.noise.page.curves import curves, steepness
from testbed.studies.noise.page.overview import decimals, short
from testbed.studies.noise.page.view import subjects
from tests.report.reading import check_page
from tests.studies.noise import page_tables

HOSTILE = "<img src=x onerror=alert(1)>"
PER_ARM = ("Noise against 1/n", "Distance to the normal law", "Quantiles against normal quantiles")


def only(page, *arms, **more):
    """The same page of some arms."""
    kept = {
        field.name: table[table["arm"].isin(arms)]
        for field in dataclasses.fields(page)
        if isinstance(table := getattr(page, field.name), pd.DataFrame) and "arm" in table
    }
    return dataclasses.replace(page, **(kept | {"ledger": []} | more))


def section(text, heading):
    return re.search(f'<section data-section="{heading}">(.*?)</section>', text, flags=re.DOTALL).group(1)


def check_arms(text, arms):
    """Every arm is in the overview, described, in each figure, in the table of fits, and in those that are by arm."""
    table = re.search(r'<table class="overview">(.*?)</table>', text, flags=re.DOTALL).group(1)
    assert re.findall(r'<a href="#arm-\d+">(.*?)</a>', table) == arms
    assert re.findall(r'<h3>(.*?)</h3>\n<dl class="arms">', text) == arms
    for heading in PER_ARM:
        found = re.findall(r"<figcaption>.*?<b>(.*?)</b>", section(text, heading))
        assert list(dict.fromkeys(found)) == arms, heading
        assert section(text, heading).count('class="plot"') == len(found)
    named = re.findall(r"</i>(.*?)</span>", section(text, "Effective sample size of attention"))
    assert named == arms
    for arm in arms:
        assert text.count(f"<summary>{arm} (") == 4 and f'<td class="word">{arm}</td>' in text


def test_the_page_stands_alone_and_every_panel_is_there(text):
    found = check_page(text)
    arms, groups, layers = len(page_tables.ARMS), 5, 3
    assert len(found.payloads) == 1 + 3 * arms + 1 + groups + layers
    assert "could be drawn" not in text
    for payload in found.payloads:
        go.Figure(payload)


def test_the_answer_comes_first_and_most_is_folded(text):
    places = [
        text.index(part) for part in ('id="summary"', 'id="main"', 'class="plot"', 'id="claims"', 'class="claim ')
    ]
    assert places == sorted(places)
    assert re.findall(r'<details class="section"( open)?>', text).count(" open") == 1
    first = section(text, PER_ARM[0])
    assert re.findall(r'<details class="group"( open)?>', first).count(" open") == 1
    assert '<details class="arms" open>' in text and '<details class="claims">' in text


def test_the_main_figure_shows_every_arm_beside_the_claim(page):
    found = forest.rows([subject(page, arm.name) for arm in page_tables.ARMS], page.fits)
    drawn = forest.forest(found)
    assert drawn["layout"]["yaxis"]["ticktext"] == [arm.name for arm in page_tables.ARMS]
    for row, arm in zip(found, page_tables.ARMS, strict=True):
        claimed = -1.0 if arm.measure == "variance" else -0.5
        assert row.predicted == pytest.approx(arm.predicted_slope / claimed, nan_ok=True)
        assert row.low <= row.value <= row.high or np.isnan(row.value)
        assert row.arm in forest.told(found)
    far = forest.forest([found[0]._replace(value=9.0, low=0.5, high=np.inf), found[0]._replace(value=np.nan)])
    marks = [trace["marker"].get("symbol") for trace in far["data"]]
    heads = [mark for mark in marks if isinstance(mark, list)]
    assert heads == [["circle", "triangle-right-open"]], "a point beyond the axis is an arrow, an absent one nothing"
    assert not any(9.0 in list(trace["x"]) for trace in far["data"])


def test_bars_that_reach_zero_end_in_open_arrows(page):
    def heads(levels):
        figure = drawn(dataclasses.replace(page, levels=levels), "iid")[2]
        low = 10 ** figure["layout"]["yaxis"]["range"][0]
        marks = [each for each in figure["data"] if isinstance(each.get("marker", {}).get("symbol"), list)]
        return [
            low < y < 1.5 * low
            for each in marks
            for y, mark in zip(each["y"], each["marker"]["symbol"], strict=True)
            if mark == intervals.DOWN
        ]

    assert heads(page.levels) == []
    wide = page.levels.assign(
        error=np.where(page.levels["length"] == 64, page.levels["variance"], page.levels["error"])
    )
    assert heads(wide) == [True, True], "given the query token and not"


def test_no_arm_is_dropped(text):
    check_arms(text, [arm.name for arm in page_tables.ARMS])


def test_a_page_that_drops_an_arm_is_noticed(text):
    arms = [arm.name for arm in page_tables.ARMS]
    with pytest.raises(AssertionError):
        check_arms(text, [*arms, "another"])
    for pattern in (
        r'<tr><td><a href="#arm-\d+">top-k</a>.*?</tr>',
        r'<h3>top-k</h3>\n<dl class="arms">',
        r"<figcaption>(?:(?!</figcaption>).)*<b>top-k</b>",
        r"</i>top-k</span>",
        r"<summary>top-k \(",
        r'<td class="word">top-k</td>',
    ):
        wrong, count = re.subn(pattern, "", text, flags=re.DOTALL)
        assert count
        with pytest.raises(AssertionError):
            check_arms(wrong, arms)


def test_arms_that_keep_everything_come_first_then_each_assumption(page, text):
    mixed = dataclasses.replace(page, arms=page.arms.iloc[::-1], levels=page.levels.iloc[::-1])
    grouped = subjects(mixed.arms, mixed.levels)
    assert list(grouped) == ["", "A1", "A2", "A3", "A4"] and len(grouped[""]) == 4
    headings = ["Every assumption kept", *(f"A{number} dropped" for number in range(1, 5))]
    places = [text.index(f"</i>{heading}") for heading in headings]
    assert places == sorted(places)


def test_every_verdict_number_and_failure_is_shown(page):
    failed = [{"name": "planted", "passed": False, "sentence": "A planted failure."}]
    shown = render(only(page, "markov", "holder", ledger=page.ledger, checks=failed))
    for line in page.ledger:
        assert f'class="claim {line["verdict"]}"' in shown and line["sentence"] in shown
    assert 'href="#arm-1">markov</a>, layer 1, attention, given the query token</dd>' in shown
    assert "<dd>iid/1/attention/query</dd>" in shown, "what a verdict is about, although the page has no such arm"
    assert "A planted failure." in shown and "did not fit the memory" in shown and "never happened" not in shown
    for name in ("markov", "holder"):
        (arm,) = (arm for arm in page_tables.ARMS if arm.name == name)
        own = page.fits[(page.fits["arm"] == name) & (page.fits["layer"] == 1) & (page.fits["part"] == arm.part)]
        fit = own[own["given"] == "query"].iloc[0]
        last = page.shapes[(page.shapes["arm"] == name) & (page.shapes["length"] == arm.lengths[-1])]
        last = last[(last["layer"] == 1) & (last["part"] == arm.part)]
        numbers = [decimals(fit[each]) for each in ("slope", "slope_low", "slope_high", "ratio", "ratio_low")]
        numbers += [short(last["distance"].max()), short(last["floor"].iloc[0]), short(last["floor_95"].iloc[0])]
        row = shown[shown.index(f">{name}</a><small>") :]
        row = row[: row.index("</tr>")]
        assert all(number in row for number in numbers), (name, numbers)
        assert f'class="word {fit["law"]}">{fit["law"]}' in row and arm.limit in row and arm.switch in row
        assert f">{arm.predicted_slope:g}<".replace("-", "−") in row


def test_hostile_text_is_escaped_everywhere(page):
    one = only(page, "markov")
    tables = {
        name: getattr(one, name).assign(arm=HOSTILE)
        for name in ("arms", "levels", "fits", "shapes", "joint", "assumed")
    }
    columns = ("switch", "world", "model", "weights", "predicted_limit", "why")
    tables["arms"] = tables["arms"].assign(**dict.fromkeys(columns, HOSTILE))
    tables["shapes"] = tables["shapes"].assign(direction=HOSTILE)
    tables["assumed"] = tables["assumed"].assign(quantity=HOSTILE, note=HOSTILE)
    ledger = [line | {"sentence": HOSTILE, "about": f"{HOSTILE}/1/attention/query"} for line in page.ledger[:1]]
    hostile = dataclasses.replace(
        one, **tables, ledger=ledger, title=HOSTILE, question=HOSTILE, spec=HOSTILE, dropped={HOSTILE: 1},
        provenance={HOSTILE: HOSTILE}, checks=[{"name": HOSTILE, "passed": True, "sentence": HOSTILE}],
    )  # fmt: skip
    shown = render(hostile)
    assert HOSTILE not in shown and "<img" not in shown
    assert shown.count("&lt;img src=x onerror=alert(1)&gt;") > 30


def subject(page, name):
    (found,) = (one for group in subjects(page.arms, page.levels).values() for one in group if one.arm == name)
    return found


def drawn(page, name, measure="variance"):
    one = subject(page, name)
    found = curves(one, page.levels, page.shapes, measure)
    return one, found, drawn_figures.decay(one, found, one.fit(page.fits, measure), steepness([found]), measure)
