"""The page of a study of noise stands alone, escapes what it is given, drops no arm, and draws what the tables say."""

import dataclasses
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from testbed.report import intervals, noise_figures, noise_forest, noise_shapes, panels
from testbed.report.noise_curves import curves, ends, height, law, residuals, steepness
from testbed.report.noise_overview import decimals, short
from testbed.report.noise_page import render
from testbed.report.noise_picture import picture
from testbed.report.noise_tables import RATE, TESTS, adjusted
from testbed.report.noise_view import extremes, subjects
from testbed.stats.normality import false_discoveries
from tests.report import noise_tables
from tests.report.reading import check_page

HOSTILE = "<img src=x onerror=alert(1)>"
PER_ARM = ("Noise against 1/n", "Distance to the normal law", "Quantiles against normal quantiles")


@pytest.fixture(scope="module")
def page():
    return noise_tables.page(count=100)


@pytest.fixture(scope="module")
def text(page):
    return render(page)


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
    arms, groups, layers = len(noise_tables.ARMS), 5, 3
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
    found = noise_forest.rows([subject(page, arm.name) for arm in noise_tables.ARMS], page.fits)
    drawn = noise_forest.forest(found)
    assert drawn["layout"]["yaxis"]["ticktext"] == [arm.name for arm in noise_tables.ARMS]
    for row, arm in zip(found, noise_tables.ARMS, strict=True):
        claimed = -1.0 if arm.measure == "variance" else -0.5
        assert row.predicted == pytest.approx(arm.predicted_slope / claimed, nan_ok=True)
        assert row.low <= row.value <= row.high or np.isnan(row.value)
        assert row.arm in noise_forest.told(found)
    far = noise_forest.forest([found[0]._replace(value=9.0, low=0.5, high=np.inf), found[0]._replace(value=np.nan)])
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
    check_arms(text, [arm.name for arm in noise_tables.ARMS])


def test_a_page_that_drops_an_arm_is_noticed(text):
    arms = [arm.name for arm in noise_tables.ARMS]
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
        (arm,) = (arm for arm in noise_tables.ARMS if arm.name == name)
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


def test_one_arm_without_claims_joint_rows_or_predictions(page):
    bare = only(page, "iid", joint=page.joint.iloc[:0], assumed=page.assumed.iloc[:0], dropped={})
    nothing = {"predicted_slope": np.nan, "ratio": np.nan, "ratio_low": np.nan, "ratio_high": np.nan}
    bare = dataclasses.replace(
        bare,
        levels=bare.levels.assign(predicted=np.nan),
        fits=bare.fits.assign(**nothing),
        arms=bare.arms.assign(predicted_slope=np.nan),
    )
    shown = render(bare)
    assert "No claim was declared." in shown and "Nothing was left out." in shown and "nothing is predicted" in shown
    said = re.sub(r"<(script|style)[^>]*>.*?</\1>|<[^>]*>", " ", shown, flags=re.DOTALL)
    assert "Every assumption kept" in said and not re.search(r"\b(nan|None|inf)\b", said)
    assert "Layer by layer" not in shown and shown.count('class="plot"') == 5


@pytest.mark.parametrize("lacking", [("levels",), ("fits",), ("shapes",), ("levels", "fits", "shapes")])
def test_an_arm_of_which_something_was_not_measured_is_still_there(page, lacking):
    one = only(page, "heavy-tails")
    shown = render(dataclasses.replace(one, **{name: getattr(one, name).iloc[:0] for name in lacking}))
    for heading in PER_ARM:
        assert "<b>heavy-tails</b>" in section(shown, heading)
    assert ("could be drawn" in shown) == (lacking != ("fits",))


def test_projections_without_spread_are_said_to_have_no_shape(page):
    numbers = page.shapes.columns[page.shapes.columns.get_loc("distance") : -1]
    flat = page.shapes.assign(**dict.fromkeys(numbers, np.nan), quantiles=[[np.nan] * 61] * len(page.shapes))
    shown = render(only(page, "iid", shapes=flat[flat["arm"] == "iid"]))
    assert all("could be drawn" in section(shown, heading) for heading in PER_ARM[1:])


def test_training_runs_and_what_each_arm_states_are_told(text):
    assert "Training runs (1)" in text and "<td>0.0123</td>" in text
    assert text.count("<dd>dropped: as the arm") == sum(arm.assumption != "" for arm in noise_tables.ARMS)


def test_a_page_of_nothing_is_a_page(page):
    empty = {name: pd.DataFrame([]) for name in ("arms", "levels", "fits", "shapes", "joint", "assumed", "trained")}
    assert "What was measured" in render(dataclasses.replace(page, **empty, ledger=[]))
    few = {name: pd.DataFrame([]) for name in ("shapes", "joint", "assumed")}
    shown = render(dataclasses.replace(only(page, "iid"), **few, ledger=[page.ledger[0] | {"about": "iid"}]))
    assert '<a href="#arm-1">iid</a></dd>' in shown and "No rows." in shown


def test_tables_that_do_not_fit_together_are_refused(page):
    with pytest.raises(ValueError, match="lacks floor_95"):
        dataclasses.replace(page, shapes=page.shapes.drop(columns="floor_95"))
    with pytest.raises(ValueError, match="the table levels has the arms \\['iid'\\]"):
        dataclasses.replace(page, arms=page.arms[page.arms["arm"] != "iid"])
    with pytest.raises(ValueError, match="name each once"):
        dataclasses.replace(page, arms=pd.concat([page.arms, page.arms]))
    with pytest.raises(ValueError, match="A5"):
        dataclasses.replace(page, arms=page.arms.assign(assumption="A5"))


def test_the_same_page_twice_is_the_same(page):
    one = only(page, "relu")
    assert render(one) == render(one)


def subject(page, name):
    (found,) = (one for group in subjects(page.arms, page.levels).values() for one in group if one.arm == name)
    return found


def drawn(page, name, measure="variance"):
    one = subject(page, name)
    found = curves(one, page.levels, page.shapes, measure)
    return one, found, noise_figures.decay(one, found, one.fit(page.fits, measure), steepness([found]), measure)


def check_decay(figure, levels, theory):
    """Points are T against 1/n; the black line is theory; below are measured/theory − 1 and 1.96 errors of it."""
    own = levels.sort_values("length")
    (line,) = (each for each in figure["data"] if each["mode"] == "lines" and each["line"]["color"] == panels.INK)
    np.testing.assert_allclose(line["x"], 1 / own["length"])
    np.testing.assert_allclose(line["y"], theory)
    above, below = ([e for e in figure["data"] if e["yaxis"] == y and e["mode"] == "markers"][-1] for y in ("y", "y2"))
    np.testing.assert_allclose(above["x"], 1 / own["length"])
    np.testing.assert_allclose(above["y"], own["variance"])
    np.testing.assert_allclose(above["error_y"]["array"], 1.959964 * own["error"], rtol=1e-6)
    np.testing.assert_allclose(below["y"], own["variance"] / theory - 1)
    np.testing.assert_allclose(below["error_y"]["array"], 1.959964 * own["error"] / theory, rtol=1e-6)


def test_theory_is_superimposed_and_residuals_are_against_it(page):
    one, _, figure = drawn(page, "gaussian-logits")
    own = one.rows(page.levels).sort_values("length")
    check_decay(figure, own, own["predicted"].to_numpy())
    for wrong in (1.001 * own["predicted"], own["variance"]):
        with pytest.raises(AssertionError):
            check_decay(figure, own, wrong.to_numpy())


def test_a_predicted_slope_alone_is_drawn_through_the_points(page):
    one, found, _ = drawn(page, "power-law-blocks")
    curve = found[found["given"] == "query"]
    beside = law(curve, -0.5, one.fit(page.fits))
    assert beside.kind == "slope" and np.allclose(
        np.diff(np.log(beside.value_N)) / np.diff(np.log(beside.length_N)), -0.5
    )
    assert abs(np.log(curve["value"] / beside.value_N)).max() < 0.15
    assert law(curve, np.nan, one.fit(page.fits)).kind == "fit" and law(curve, np.nan, None).kind == "none"


def test_the_fitted_line_is_that_of_the_table_and_its_residuals_are_in_standard_errors(page):
    one, found, figure = drawn(page, "top-k")
    curve, fit = found[found["given"] == "query"], one.fit(page.fits)
    assert height(curve, fit.slope) == pytest.approx(fit.constant, rel=0.01)
    left = residuals(curve, fit)
    assert not left.relative and abs(left.value_N).max() < 4
    far = residuals(curve, fit._replace(slope=fit.slope - 0.1))
    assert abs(far.value_N).max() > 4, "a wrong slope shows"
    assert any(shape["type"] == "rect" for shape in figure["layout"]["shapes"])
    assert residuals(curve, None) is None


def test_the_interquartile_range_has_a_panel_of_its_own(page, text):
    assert section(text, PER_ARM[0]).count("<b>heavy-tails</b>") == 2
    one, found, figure = drawn(page, "heavy-tails", "interquartile range")
    assert figure["layout"]["yaxis"]["title"]["text"] == "interquartile range"
    np.testing.assert_allclose(np.sort(found["value"]), np.sort(one.rows(page.shapes)["iqr"]))
    guides = [drawn(page, "heavy-tails", measure)[2]["data"][0] for measure in ("variance", "interquartile range")]
    slopes = [np.diff(np.log(guide["y"])) / np.diff(-np.log(guide["x"])) for guide in guides]
    np.testing.assert_allclose(np.ravel(slopes), [-1.0, -0.5])
    assert "theory is about the interquartile range" in section(text, PER_ARM[0])


def test_several_draws_are_several_curves(page):
    both = pd.concat([page.levels, page.levels.assign(draw=1, variance=2 * page.levels["variance"])])
    one, found, figure = drawn(dataclasses.replace(page, levels=both), "iid")
    lines = [each for each in figure["data"] if each["mode"] == "lines" and each["line"]["color"] == panels.INK]
    assert found["curve"].nunique() == 2 and len(lines) == 2 and one.arm == "iid"


def test_equal_slopes_look_equal_in_panels_of_equal_lengths(page):
    def slant(name):
        axes = drawn(page, name)[2]["layout"]
        return np.ptp(axes["yaxis"]["range"]) / np.ptp(axes["xaxis"]["range"])

    assert slant("hard-max") == pytest.approx(slant("one-regime"))
    assert slant("relu") > slant("hard-max"), "its points need more room"
    own = drawn(page, "relu")[1]
    low, high = ends(own, 1.1)
    assert low < own["value"].min() and own["value"].max() < high


def test_logarithmic_axes_get_only_positive_ends_and_every_panel_is_valid(page):
    odd = page.levels.assign(error=10 * page.levels["variance"])
    odd.loc[odd["length"] == 64, "variance"] = 0.0
    figures = [drawn(dataclasses.replace(page, levels=odd), arm.name)[2] for arm in noise_tables.ARMS]
    figures += [noise_shapes.distances(subject(page, "iid"), page.shapes, 0.01, 1.0)]
    for figure in figures:
        go.Figure(figure)
        for trace in figure["data"]:
            if trace["yaxis"] == "y":
                y, x = np.array(trace["y"], dtype=float), np.array(trace["x"], dtype=float)
                assert not (y <= 0).any() and not (x <= 0).any()
                assert not (y - trace.get("error_y", {"arrayminus": 0.0})["arrayminus"] <= 0).any()
    for figure in (
        noise_shapes.quantiles(subject(page, "relu"), noise_shapes.worst(subject(page, "relu"), page.shapes)),
        noise_shapes.effective([subject(page, "iid")], page.levels),
    ):
        go.Figure(figure)
    with pytest.raises(ValueError, match="no_such"):
        go.Figure(panels.blank(height=100) | {"data": [{"type": "scatter", "no_such": 1}]})


def test_largest_and_median_distance(page):
    own = page.shapes.iloc[:5].assign(length=64, distance=[0.3, 0.1, np.nan, 0.2, 0.4], direction=list("abcde"))
    found = extremes(own).set_index("which")["direction"]
    assert found["largest"] == "e" and found["median"] == "d"
    assert extremes(own.iloc[:0]).empty
    chosen = noise_shapes.worst(subject(page, "iid"), page.shapes)
    last = page.shapes[(page.shapes["arm"] == "iid") & (page.shapes["length"] == 65536)]
    assert chosen["length"].to_list() == [64, 65536] and chosen["direction"].nunique() == 1
    assert chosen["distance"].iloc[1] == last["distance"].max()


def check_family(found, joint, shapes, raw):
    """All tests of the study are adjusted together, each in its place; tests that were not made are left out."""
    every = np.concatenate([shapes[list(TESTS)].to_numpy().ravel(), raw["p_value"]])
    wanted = np.full(len(every), np.nan)
    made = np.isfinite(every)
    wanted[made] = false_discoveries(every[made].tolist(), RATE, dependent=True).adjusted_N
    np.testing.assert_allclose(np.concatenate([found[list(TESTS)].to_numpy().ravel(), joint["p_value"]]), wanted)


def test_p_values_are_adjusted_as_one_family(page):
    shapes = page.shapes.assign(skewness_p=page.shapes["skewness_p"].where(page.shapes["arm"] != "iid"))
    found, joint, made, rejected = adjusted(shapes, page.joint)
    check_family(found, joint, shapes, page.joint)
    assert made == int(shapes[list(TESTS)].notna().sum().sum()) + len(page.joint)
    assert 0 < rejected < made
    alone = adjusted(shapes, page.joint.iloc[:0])[0]
    with pytest.raises(AssertionError):
        check_family(alone, joint, shapes, page.joint)
    with pytest.raises(AssertionError):
        check_family(shapes, page.joint, shapes, page.joint)


def test_the_picture_is_an_svg_that_names_every_arm_and_the_same_twice(page):
    shown = picture(page.levels, page.fits, page.arms)
    assert ElementTree.fromstring(shown).tag.endswith("svg") and "<image" not in shown
    assert all(f"<!-- {arm.name}: " in shown for arm in noise_tables.ARMS)
    assert "<!-- markov: −0.995 (−1) -->" in shown
    few = only(page, "iid", "top-k")
    shown = picture(few.levels, few.fits, few.arms)
    assert shown == picture(few.levels, few.fits, few.arms)
    assert shown != picture(few.levels.assign(predicted=few.levels["predicted"] * 2), few.fits, few.arms)
    bare = picture(few.levels[few.levels["arm"] == "iid"], few.fits.iloc[:0], few.arms)
    assert "<!-- top-k: nothing measured -->" in bare and "<!-- iid: – (−1) -->" in bare
