"""Law: the figures of a page on noise show what was measured, and theory beside it."""

import dataclasses
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from testbed.report import panels
from testbed.stats.normality import false_discoveries
from testbed.studies.noise.page import shapes as drawn_shapes
from testbed.studies.noise.page.curves import ends, height, law, residuals
from testbed.studies.noise.page.picture import picture
from testbed.studies.noise.page.tables import RATE, TESTS, adjusted
from testbed.studies.noise.page.view import extremes
from tests.studies.noise import page_tables
from tests.studies.noise.test_page import PER_ARM, drawn, only, section, subject


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
    figures = [drawn(dataclasses.replace(page, levels=odd), arm.name)[2] for arm in page_tables.ARMS]
    figures += [drawn_shapes.distances(subject(page, "iid"), page.shapes, 0.01, 1.0)]
    for figure in figures:
        go.Figure(figure)
        for trace in figure["data"]:
            if trace["yaxis"] == "y":
                y, x = np.array(trace["y"], dtype=float), np.array(trace["x"], dtype=float)
                assert not (y <= 0).any() and not (x <= 0).any()
                assert not (y - trace.get("error_y", {"arrayminus": 0.0})["arrayminus"] <= 0).any()
    for figure in (
        drawn_shapes.quantiles(subject(page, "relu"), drawn_shapes.worst(subject(page, "relu"), page.shapes)),
        drawn_shapes.effective([subject(page, "iid")], page.levels),
    ):
        go.Figure(figure)
    with pytest.raises(ValueError, match="no_such"):
        go.Figure(panels.blank(height=100) | {"data": [{"type": "scatter", "no_such": 1}]})


def test_largest_and_median_distance(page):
    own = page.shapes.iloc[:5].assign(length=64, distance=[0.3, 0.1, np.nan, 0.2, 0.4], direction=list("abcde"))
    found = extremes(own).set_index("which")["direction"]
    assert found["largest"] == "e" and found["median"] == "d"
    assert extremes(own.iloc[:0]).empty
    chosen = drawn_shapes.worst(subject(page, "iid"), page.shapes)
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
    assert all(f"<!-- {arm.name}: " in shown for arm in page_tables.ARMS)
    assert "<!-- markov: −0.995 (−1) -->" in shown
    few = only(page, "iid", "top-k")
    shown = picture(few.levels, few.fits, few.arms)
    assert shown == picture(few.levels, few.fits, few.arms)
    assert shown != picture(few.levels.assign(predicted=few.levels["predicted"] * 2), few.fits, few.arms)
    bare = picture(few.levels[few.levels["arm"] == "iid"], few.fits.iloc[:0], few.arms)
    assert "<!-- top-k: nothing measured -->" in bare and "<!-- iid: – (−1) -->" in bare
