"""What is told and drawn beside the entropies: pairs, predictors, pictures."""

import re
from xml.etree import ElementTree

import numpy as np

from testbed import cli
from tests.cli.common import RECORDED, answered, told


def test_pair_laws_and_covariances_are_told_when_asked_for(capsys):
    chain = ["truth", "markov", "--vocabulary", "2", "--rows", "[[0.8,0.2],[0.3,0.7]]", "--length", "4"]
    features = ["--features", "[[1],[-1]]"]
    assert {"pairs", "covariances"}.isdisjoint(answered(capsys, *chain, "--json"))
    found = answered(capsys, *chain, *features, "--lags", 1, 2, "--json")
    assert list(found) == [*RECORDED[:-2], "pairs", "covariances", *RECORDED[-2:]]
    assert [each["lag"] for each in found["pairs"]] == [each["lag"] for each in found["covariances"]] == [1, 2]
    for each in (*found["pairs"], *found["covariances"], *found["autocovariance"], found["mixing"]):
        assert each["method"] in ("closed form", "enumeration", "eigenvalue") and 0 < each["error"] < 1e-9
    np.testing.assert_allclose(found["pairs"][0]["law"], [[0.48, 0.12], [0.12, 0.28]], atol=1e-12)
    np.testing.assert_allclose([each["matrix"] for each in found["covariances"]], [[[0.48]], [[0.24]]], atol=1e-12)
    assert len(answered(capsys, *chain, *features, "--json")["covariances"]) == 9
    assert cli.main([*chain, *features, "--lags", "1"]) == 0
    text = told(capsys.readouterr().out)
    for words in (
        "pair law at lag 1 (enumeration, error",
        "[[0.48 0.12]",
        "features at lag 1",
        "[[0.48]]",
        "closed form",
    ):
        assert words in text


def test_mixing_says_that_it_is_about_pairs(capsys):
    """Three tokens of RRXOR determine each other, though no two of them are correlated."""
    world = ["truth", "hidden_markov", "--process", "rrxor", "--length", "4"]
    found = answered(capsys, *world, "--json")["mixing"]
    assert (found["decay"], found["about"]) == ("independent", "pairs of tokens")
    assert cli.main(world) == 0
    assert "decay of correlations of pairs: uncorrelated: no two tokens" in told(capsys.readouterr().out)


def test_pair_laws_that_are_not_offered_are_null(capsys):
    world = ["truth", "in_context_markov", "--vocabulary", "3", "--length", "2", "--lags", "1"]
    found = answered(capsys, *world, "--features", "[[1],[0],[0]]", "--json")
    assert found["pairs"] is None and found["covariances"] is None
    assert {"pairs", "covariances"} <= found["absent"].keys()
    assert cli.main(world) == 0
    assert "pair law: not offered: a mean over random matrices" in told(capsys.readouterr().out)


def test_large_pair_laws_are_left_to_json(capsys):
    assert cli.main(["truth", "iid", "--vocabulary", "40", "--length", "2", "--lags", "3"]) == 0
    assert "pair law at lag 3" in (text := told(capsys.readouterr().out)) and "--json gives all" in text


def test_predictors_are_measured_when_asked_for(capsys):
    world = ["truth", "markov", "--vocabulary", "2", "--rows", "[[0.8,0.2],[0.3,0.7]]", "--length", "8"]
    rows = answered(capsys, *world, "--predictors", "--json")["predictors"]
    assert rows[0]["predictor"] == "Bayes" and abs(rows[0]["regret"]) < 1e-9
    assert all(row["regret"] > 0 for row in rows[1:])
    assert {row["method"] for row in rows} == {"enumeration"}
    assert cli.main([*world, "--predictors"]) == 0
    text = capsys.readouterr().out
    assert all(row["predictor"] in text and f"{row['regret']:.6f}" in text for row in rows[1:])
    assert max(map(len, text.splitlines())) <= 80


def test_predictors_are_lines_of_the_picture(capsys, tmp_path):
    world = ["truth", "markov", "--vocabulary", "2", "--rows", "[[0.8,0.2],[0.3,0.7]]", "--length", "8"]
    rows = answered(capsys, *world, "--predictors", "--json")["predictors"]
    assert cli.main([*world, "--predictors", "--svg", str(tmp_path / "chain.svg")]) == 0
    drawn, lines = (tmp_path / "chain.svg").read_text(), capsys.readouterr().out.splitlines()
    labels = {letter for line in lines[:14] for letter in re.findall(r"\b[a-z]\b", line.split("┤")[-1])}
    assert labels - {"t"} == set("abcdefghij"[: len(rows) - 1])
    for row in rows[1:]:
        assert f"{row['predictor']}: {row['loss']:.4f}" in drawn
    assert cli.main([*world, "--svg", str(tmp_path / "plain.svg")]) == 0
    assert rows[1]["predictor"] not in (tmp_path / "plain.svg").read_text()


def test_a_world_is_drawn_into_a_file(capsys, tmp_path):
    world = ["truth", "iid", "--vocabulary", "3", "--length", "5"]
    assert cli.main([*world, "--svg", str(tmp_path / "iid.svg")]) == 0
    assert ElementTree.parse(tmp_path / "iid.svg").getroot().tag.endswith("svg")
    assert str(tmp_path / "iid.svg") in told(capsys.readouterr().out).replace(" ", "")


def test_truth_answers_in_words_and_with_a_picture(capsys):
    words = ["truth", "markov", "--vocabulary", "2", "--rows", "[[0.8,0.2],[0.3,0.7]]", "--length", "2"]
    assert cli.main(words) == 0
    text = capsys.readouterr().out
    assert "0.67301167" in text, "H(0.6, 0.4), the entropy of the stationary law of these rows, is h_1"
    for word in ("sample", "epsilon", "rate", "oracle", "closed form", "t = 1", "λ = 0.5", "0.25"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 80


def test_of_long_windows_some_positions_are_shown_and_the_rest_is_promised(capsys):
    assert cli.main(["truth", "iid", "--vocabulary", "2", "--length", "300"]) == 0
    text = capsys.readouterr().out
    shown = [int(line.split()[0]) for line in text.splitlines() if re.match(r"\s*\d+\s+0\.6931", line)]
    assert shown[:8] == [1, 2, 3, 4, 5, 6, 7, 8] and shown[-1] == 300 and len(shown) < 20
    assert f"{len(shown)} of 300 positions; --json gives all" in text
