"""Law: a page of little, or of nothing, is a page; tables that do not fit together are none."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from testbed.studies.noise.page.content import render
from tests.studies.noise import page_tables
from tests.studies.noise.test_page import PER_ARM, only, section


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
    assert text.count("<dd>dropped: as the arm") == sum(arm.assumption != "" for arm in page_tables.ARMS)


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
