"""Law: the figures of the page of a grid draw what the tables hold, bounds and open ends as such."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from testbed.report import intervals
from testbed.report.palette import apart, floor, short, size_colours, ticks
from testbed.studies.grid.measures import positions
from testbed.studies.grid.page import figures
from testbed.studies.grid.page.picture import picture
from tests.studies.grid.planted_page import SEEN


def lines_and_names(drawn):
    """The right ends of the reference lines, and where their names stand."""
    names = {note.text: note.y for note in drawn.layout.annotations}
    return {trace.name: trace.y[-1] for trace in drawn.data if trace.name in names}, names


def test_reference_predictors_are_levels_with_their_names_beside_them(page):
    wanted = {"KT, order 0": 0.4, "context tree, depth 3": 0.395}
    for drawn in (figures.divergence(page.estimates, page.references), figures.learning(page.curves, page.references)):
        ends, names = lines_and_names(drawn)
        assert ends == pytest.approx(wanted)
        assert {name: 10**y for name, y in names.items()} == pytest.approx(wanted, rel=0.5)
        assert names["KT, order 0"] > names["context tree, depth 3"]
        for trace in drawn.data:
            if trace.name in wanted:
                assert len(set(trace.y)) == 1
        none = figures.divergence(page.estimates, page.references.iloc[:0])
        assert not none.layout.annotations


def test_a_predictor_that_is_the_worlds_own_has_no_level_and_spoils_no_axis(page):
    own = page.references.assign(value=[1e-17, 0.395])
    drawn = figures.divergence(page.estimates, own)
    assert set(lines_and_names(drawn)[0]) == {"context tree, depth 3"}
    assert min(drawn.layout.yaxis.tickvals) > 1e-6
    bare = figures.divergence(page.estimates.iloc[:0], own.iloc[:1])
    assert not bare.data and not bare.layout.annotations


def test_reference_predictors_are_added_to_the_bayes_curve(page):
    ends, names = lines_and_names(positions.drawn(SEEN, page.references))
    assert ends == pytest.approx({"KT, order 0": 1 / 3 + 0.3, "context tree, depth 3": 1 / 3 + 0.285})
    assert names["KT, order 0"] - names["context tree, depth 3"] > 0.015


def test_reference_predictors_have_a_row_with_their_interval(text):
    row = text[text.index("<td>KT, order 0</td>") :]
    assert ">0.4</td>" in row[:400] and "−0.8706" in row[:400] and "1.671" in row[:400]


def test_names_are_put_apart_in_their_order():
    value_N = np.array([3.0, 0.0, 0.1, 0.1, 9.0])
    found_N = apart(value_N, 0.5)
    assert (np.diff(np.sort(found_N)) >= 0.5 - 1e-12).all()
    assert (np.argsort(found_N, kind="stable") == np.argsort(value_N, kind="stable")).all()
    assert found_N[0] == 3.0 and found_N[4] == 9.0
    assert (apart(value_N, 0.0) == value_N).all() and len(apart(value_N[:0], 1.0)) == 0


@pytest.mark.parametrize("which", [slice(None), slice(0, 5)])
def test_parts_that_are_not_told_apart_are_drawn_as_one(page, which):
    table = page.parts.sort_values(["parameters", "tokens"], ignore_index=True).assign(bound_only=False)
    assert "not told apart" not in str([trace.name for trace in figures.parts(table).data])
    table.loc[table.index[which], "bound_only"] = True
    drawn = figures.parts(table)
    (merged,) = [np.asarray(trace.y) for trace in drawn.data if trace.name == "B + Ω (not told apart)"]
    assert np.allclose(merged[which], (table["bias"] + table["gap"])[which])
    assert np.allclose(np.asarray(drawn.data[-1].base) + np.asarray(drawn.data[-1].y), table["loss"])
    assert picture(page.estimates, table) != picture(page.estimates, table.assign(bound_only=False))


def open_ends(drawn):
    """The open heads of a figure, as pairs of where they stand."""
    found = []
    for trace in drawn.data:
        symbols = trace.marker.symbol if isinstance(trace.marker.symbol, tuple) else ()
        found += [(x, y) for x, y, mark in zip(trace.x, trace.y, symbols, strict=False) if mark == intervals.DOWN]
    return found


def test_logarithmic_axes_get_only_positive_ends(page):
    frame = pd.concat([page.estimates, page.estimates.assign(low=-np.inf, high=np.inf)])
    for drawn in (
        figures.divergence(frame, page.references),
        figures.bias(frame),
        figures.variance(frame, dict(page.constants)),
    ):
        for trace in drawn.data:
            y = np.array(trace.y, dtype=float)
            assert not (y <= 0).any()
            if trace.error_y.arrayminus is not None:
                assert not (y - np.asarray(trace.error_y.arrayminus, dtype=float) <= 0).any()
                assert np.isfinite(np.asarray(trace.error_y.array, dtype=float)).all()


def test_intervals_that_reach_zero_end_in_open_arrows(page):
    own = page.estimates[page.estimates["quantity"] == "K"].reset_index(drop=True)
    assert open_ends(figures.divergence(own, page.references)) == []
    own.loc[2, "low"] = 0.0
    drawn = figures.divergence(own, page.references)
    ((x, y),) = open_ends(drawn)
    assert x == own.loc[2, "tokens"] and y == pytest.approx(floor(own["value"].to_list()))
    (bar,) = [
        trace.error_y.arrayminus[list(trace.y).index(own.loc[2, "value"])]
        for trace in drawn.data
        if own.loc[2, "value"] in list(trace.y) and trace.error_y.arrayminus is not None
    ]
    assert bar == 0, "no closed end where the interval is open"


@pytest.mark.parametrize("draw", [figures.bias, lambda frame: figures.variance(frame, {})])
def test_a_bound_is_no_point(page, draw):
    quantity = "B" if draw is figures.bias else "V"
    frame = page.estimates.reset_index(drop=True)
    first = frame.index[frame["quantity"] == quantity][0]
    if quantity == "B":
        frame.loc[first, "method"] = "bound only: planted"
    else:
        frame.loc[first, ["value", "low"]] = -0.01, -0.02
    frame.loc[first, ["low", "high"]] = min(0.0, frame.loc[first, "low"]), 0.07
    drawn = draw(frame)
    points = [y for trace in drawn.data if trace.error_y.array is not None for y in np.array(trace.y, dtype=float)]
    assert frame.loc[first, "value"] not in points and not any(0 < y < floor(points) for y in points)
    (heights,) = [trace.y for trace in drawn.data if trace.y is not None and 0.07 in list(trace.y)]
    assert len(open_ends(drawn)) >= 1 and min(y for y in heights if y is not None) < 0.07


def test_whole_intervals_and_bounds_as_lines():
    found = intervals.interval(
        [1.0, 0.5, -0.1, 0.4], [-np.inf, 0.4, -0.2, 0.3], [np.inf, 0.7, 0.2, 0.5], 0.1, [0, 0, 0, 1]
    )
    below, above = intervals.bars(found)
    assert np.allclose(below, [0, 0.1, 0, 0]) and np.allclose(above, [0, 0.2, 0, 0])
    drawn = intervals.arrows(range(4), found, "#000000")
    lines = [(drawn["x"][i], drawn["y"][i], drawn["y"][i + 1]) for i in range(0, len(drawn["x"]), 3)]
    assert lines == [(0, 1.0, 0.1), (0, 1.0, 2.0), (2, 0.2, 0.1), (3, 0.5, 0.3)]
    assert intervals.arrows([1], intervals.interval([1.0], [0.5], [2.0], 0.1), "#000000") is None


@pytest.mark.parametrize("values", [[1e-6, 1e3], [0.5, 0.6], [3.0], [1e5, 2e7]])
def test_ticks_are_near_the_data_and_labelled(values):
    places, labels = ticks(values)
    assert places and len(places) == len(labels) == len(set(labels))
    assert min(places) > min(values) / 1.5 and max(places) < max(values) * 1.5


def test_small_things():
    assert ticks([]) == ([], []) and floor([]) > 0
    assert short(999_999) == "1M" and short(12) == "12"
    assert len(set(size_colours([1, 2, 3, 4, 5]).values())) == 5


def test_the_picture_is_an_svg_and_the_same_twice(page):
    drawn = picture(page.estimates, page.parts)
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert drawn == picture(page.estimates, page.parts)
    assert "<image" not in drawn
