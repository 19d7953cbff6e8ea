"""`testbed fit`: the JSON that others read, refusals with a reason, bad rows named, and what it leaves in files."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from testbed import cli
from tests.cli.common import answered, asked, refused
from tests.stats.scaling.planted import TRUTH, exact, grid

QUICK = ("--resamples", "200")


@pytest.fixture
def table(tmp_path):
    """A planted surface in a file, with columns of other names."""
    params, tokens = grid()
    loss = exact(params, tokens) * np.exp(0.003 * np.random.default_rng(0).standard_normal(72))
    frame = pd.DataFrame({"N": params, "D": tokens, "L": loss, "run": np.arange(72) // 2})
    frame.to_csv(tmp_path / "losses.csv", index=False)
    return tmp_path / "losses.csv"


NAMES = ("--columns", "params=N,tokens=D,loss=L")


def test_the_record_is_what_the_page_promises(table, capsys):
    found = answered(capsys, "fit", table, *NAMES, *QUICK, "--json")
    assert found["form"] == "chinchilla" and found["status"] == "converged" and found["reason"] is None
    assert found["objective"] > 0 and set(found["parameters"]) == set(TRUTH)
    for name, truth in TRUTH.items():
        each = found["parameters"][name]
        assert each["low"] < truth < each["high"] and each["low"] < each["value"] < each["high"]
        assert (each["level"], each["n"]) == (0.95, 36)
    assert found["rows"] == {"read": 72, "used": 72, "cells": 36, "groups": 36, "bad": []}
    assert found["asked"] == {"objective": "huber", "interval": "cells", "level": 0.95, "resamples": 200, "seed": 0}
    assert found["fit"]["open"] == [] and found["fit"]["off_ray"] == pytest.approx(1.0)
    assert found["frontier"]["exponents"]["params"]["value"] == pytest.approx(0.28 / 0.62, abs=0.03)
    assert "no amount of compute has four sizes" in found["isoflop"]["reason"] and found["compared"] is None


def test_the_same_words_give_the_same_numbers(table, capsys):
    one, two, other = (answered(capsys, "fit", table, *NAMES, *QUICK, "--json", "--seed", seed) for seed in (0, 0, 1))
    assert one == two and one["parameters"]["E"]["low"] != other["parameters"]["E"]["low"]
    assert one["parameters"]["E"]["value"] == other["parameters"]["E"]["value"]


@pytest.mark.parametrize("words", [("--entropy", "1.69"), ("--pin", "E=1.69")])
def test_a_known_entropy_is_pinned(table, capsys, words):
    found = answered(capsys, "fit", table, *NAMES, "--objective", "log-squares", "--json", *words)
    assert found["parameters"]["E"] == {"value": 1.69, "low": 1.69, "high": 1.69, "pinned": True}
    free = answered(capsys, "fit", table, *NAMES, "--objective", "log-squares", "--json")
    widths = [each["parameters"]["beta"]["high"] - each["parameters"]["beta"]["low"] for each in (found, free)]
    assert widths[0] < widths[1] and found["fit"]["pinned_fits"] > 0.01


def test_an_entropy_that_is_assumed_stays_within(table, capsys):
    found = answered(capsys, "fit", table, *NAMES, "--objective", "log-squares", "--json", "--entropy-within", 1.4, 1.6)
    assert found["status"] == "at a bound" and found["fit"]["at_bound"] == ["E"] and "E" in found["reason"]
    assert found["parameters"]["E"]["high"] == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("objective", "interval"),
    [("huber", "seeds"), ("log-squares", "profile"), ("squares", "cells"), ("squares", "profile")],
)
def test_every_objective_and_interval_is_told(table, capsys, objective, interval):
    words = ("--objective", objective, "--interval", interval)
    found = answered(capsys, "fit", table, *NAMES, *QUICK, *words, "--json")
    assert found["asked"]["interval"] == interval
    assert all(each["low"] < TRUTH[name] < each["high"] for name, each in found["parameters"].items())
    assert (found["fit"]["lack_of_fit"] is None) == (objective == "huber")


def ray(folder):
    params = np.geomspace(1e7, 1e10, 20)
    frame = pd.DataFrame({"params": params, "tokens": 20 * params, "loss": exact(params, 20 * params)})
    frame.to_csv(folder / "ray.csv", index=False)
    return folder / "ray.csv"


def test_a_ray_is_refused_with_its_reason_in_words_and_in_json(tmp_path, capsys):
    assert refused(asked(capsys, "fit", ray(tmp_path)), "all cells lie on a ray, D = 20·P", "add runs of other tokens")
    assert cli.main(["fit", str(ray(tmp_path)), "--json"]) == 2
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["status"] == "refused" and found["parameters"] == {} and found["objective"] is None
    assert "all cells lie on a ray" in found["reason"] and "all cells lie on a ray" in captured.err


def test_bad_rows_are_named_counted_and_left_out(table, capsys):
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:3], "1e8,1e9,nan,0", *lines[3:], "1e8,many,3,0", ""]))
    assert cli.main(["fit", str(table), *NAMES, *QUICK, "--json"]) == 0
    captured = capsys.readouterr()
    bad = json.loads(captured.out)["rows"]["bad"]
    assert bad == [
        {"line": 4, "reason": "loss nan is not positive and finite"},
        {"line": 75, "reason": "tokens 'many' is no number"},
    ]
    assert "2 of 74 rows are left out: line 4: loss nan" in captured.err


def test_rows_of_one_run_are_resampled_together(table, capsys):
    found = answered(capsys, "fit", table, "--columns", "params=N,tokens=D,loss=L,group=run", *QUICK, "--json")
    assert found["rows"]["groups"] == 36


def test_tables_are_for_people(table, capsys):
    words = ("--compare", "kaplan", "power_tokens", "--flops", "1e20", "1e22")
    assert cli.main(["fit", str(table), *NAMES, *QUICK, *words]) == 0
    text = capsys.readouterr().out
    for word in ("L(P, D) = E + A·P^−alpha", "status: converged", "condition number", "most influence",
                 "compute-optimal at C = 6·P·D", "1e+22", "errors of log loss out of sample", "kaplan"):  # fmt: skip
        assert word in text
    assert "Traceback" not in text and "nan" not in text


def test_files_that_are_asked_for_are_left(table, tmp_path, capsys):
    places = tmp_path / "fit.svg", tmp_path / "residuals.csv"
    assert cli.main(["fit", str(table), *NAMES, *QUICK, "--svg", str(places[0]), "--residuals", str(places[1])]) == 0
    assert f"The figure is {places[0]}" in capsys.readouterr().out
    root = ET.fromstring(places[0].read_text())
    assert root.tag.endswith("svg") and "chinchilla" not in root.tag
    assert "compute-optimal" in places[0].read_text() and "fitted to 72 losses" in places[0].read_text()
    rows = pd.read_csv(places[1])
    assert list(rows.columns) == ["line", "params", "tokens", "loss", "fitted", "residual", "leverage"]
    assert rows["line"].tolist() == list(range(2, 74))
    assert np.log(rows["loss"] / rows["fitted"]).to_numpy() == pytest.approx(rows["residual"].to_numpy(), abs=1e-12)


REFUSALS = {
    "no file": (["no.csv"], "no.csv: there is no such file"),
    "form": (["{}", "--form", "chinchila"], "form 'chinchila'", "did you mean chinchilla", "kaplan"),
    "column": (["{}"], "no column 'params' for params", "known: N, D, L, run", "--columns params=NAME"),
    "columns": (["{}", "--columns", "size=N"], "--columns 'size=N'", "must be one of params, tokens"),
    "two entropies": (["{}", "--entropy", "1", "--entropy-within", "1", "2"], "give one of the two"),
    "entropy below zero": (["{}", *NAMES, "--entropy", "-1"], "E within -1 and -1", "not below 0"),
    "no such parameter": (["{}", *NAMES, "--pin", "gamma=1"], "gamma: chinchilla has no such parameter"),
    "entropy of kaplan": (["{}", *NAMES, "--form", "kaplan", "--entropy", "1"], "E: kaplan has no such parameter"),
    "profile of huber": (["{}", *NAMES, "--interval", "profile"], "it is of squares, not of huber"),
    "level": (["{}", *NAMES, "--level", "95"], "level 95", "strictly between 0 and 1"),
    "resamples": (["{}", *NAMES, "--resamples", "3"], "resamples=3", "between 100 and 100000"),
    "flops": (["{}", *NAMES, "--flops", "1e20"], "flops=", "two or more positive numbers, rising"),
    "place": (["{}", *NAMES, "--svg", "no/where.svg"], "--svg", "there is no folder no"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_wrong_requests_are_refused(name, table, capsys):
    words, *told = REFUSALS[name]
    assert refused(asked(capsys, "fit", *(word.format(table) for word in words)), *told)
