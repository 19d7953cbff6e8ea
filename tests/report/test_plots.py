"""The numbers behind a figure reach the page whole, and no text among them can leave their script."""

import json

import numpy as np
import pandas as pd

from testbed.report.plots import plain, plot
from testbed.studies.grid.measures import positions


def test_no_text_ends_the_script():
    hostile = "</script><img src=x>&amp;"
    drawn = {"data": [{"x": [1], "y": [2], "name": hostile}], "layout": {"height": 10}}
    payload = plot(drawn, "words").payload
    assert "<" not in payload and "&" not in payload
    assert json.loads(payload)["data"][0]["name"] == hostile


def test_numbers_are_rounded_and_what_json_cannot_hold_is_null():
    found = plain({"x": pd.Series([1 / 3, np.inf]), "n": np.int64(7), "t": (True, None), "big": 123456789})
    assert found == {"x": [0.333333, None], "n": 7, "t": [True, None], "big": 123456789}


def test_plotly_figures_and_plain_ones_are_held_alike():
    frame = pd.DataFrame({"parameters": [10, 20], "role": "online", "t": [1, 1], "K": 0.1, "K_se": 0.01, "h": 1.0})
    none = pd.DataFrame({"predictor": [], "value": [], "K_L": []})
    found = plot(positions.drawn(frame, none), "words $x$", files=("a.parquet",))
    made = json.loads(found.payload)
    assert found.height == made["layout"]["height"] == 440 and found.alt == "words x"
    assert made["data"][0]["y"] == [1.1]
