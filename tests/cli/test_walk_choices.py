"""Law: what holds fields is chosen by one word, claims by their ids, a world by its example; and so is the unit."""

import json
import math
import re

import msgspec
import pytest

from testbed import cli
from testbed.cli.claims import chosen
from testbed.cli.overrides import overridden
from testbed.ground import catalog
from testbed.laws import units
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.relu import Relu
from testbed.model.noise.gaussian import Gaussian
from testbed.predictors import Counting
from testbed.report import gallery
from testbed.sources import Absent, BlockStationary, Budget, Iid, Markov
from testbed.studies.grid.layout import Grid
from testbed.studies.noise import Fit
from tests.presets import CLAIMS, JUDGED
from tests.small_study import STUDY

CHAIN = '{"kind": "markov", "vocabulary": 6}'
WORLDS = catalog.shelf("testbed.sources")


def grid(*words):
    return overridden(type(JUDGED), JUDGED, words, "testbed run small")


def study(*words):
    return overridden(type(STUDY), STUDY, words, "testbed run small_noise")


def test_a_world_is_chosen_and_then_its_fields():
    assert grid("--world", CHAIN).world == Markov(vocabulary=6)
    assert grid("--world", CHAIN, "--world.seed", "3").world == Markov(vocabulary=6, seed=3)
    assert grid("--world.seed", "3", f"--world={CHAIN}").world == Markov(vocabulary=6, seed=3)
    assert grid("--world", "block_stationary", "--model.vocabulary", "32").world == BlockStationary()


def test_a_world_of_another_alphabet_fits_once_all_words_are_read():
    words = ["--world", '{"kind": "iid", "vocabulary": 9}', "--model.vocabulary", "9"]
    assert grid(*words).world == Iid(vocabulary=9)
    with pytest.raises(ValueError, match=r"use --model\.vocabulary 9"):
        grid(*words[:2])


def test_variants_of_the_model_are_chosen_by_name_or_with_their_fields():
    assert grid("--model.attention", "hard_max").model.attention == HardMax()
    assert grid("--model.attention", '{"kind": "top_k", "count": 2}').model.attention == TopK(count=2)
    assert grid("--model.feedforward", "relu").model.feedforward == Relu()
    found = study("--arms.0.model.embedding-noise", '{"kind": "gaussian", "deviation": 2.0}', "--arms.0.draws", "2")
    assert (found.arms[0].model.embedding_noise, found.arms[0].draws) == (Gaussian(deviation=2.0), 2)
    assert found.arms[1:] == STUDY.arms[1:]
    assert study("--arms.2.fit", "null").arms[2].fit is None
    assert study("--arms.0.fit", '{"steps": 8, "context": 8}').arms[0].fit == Fit(steps=8, context=8)


def test_other_values_are_replaced_as_a_whole_too():
    assert grid("--grid", '{"replicates": 4, "tokens": [64]}').grid == Grid(replicates=4, tokens=(64,))
    assert grid("--references", '[{"kind": "counting"}]').references == (Counting(),)
    arms = msgspec.json.encode(STUDY.arms[:1]).decode()
    with pytest.raises(ValueError, match="lengths="):
        study("--arms", arms, "--lengths", "4", "8")
    assert study("--arms", arms).arms == STUDY.arms[:1]


def test_what_was_chosen_is_checked_as_a_preset_is():
    with pytest.raises(ValueError, match=r"replicates=1: must be at least 2"):
        grid("--grid", '{"replicates": 1}')


@pytest.mark.parametrize(
    ("words", "patterns"),
    [
        (
            ["--model.attention", "hardmax"],
            ["--model.attention hardmax: there is no such kind", "did you mean hard_max", "or JSON"],
        ),
        (["--model.attention"], ["--model.attention", "JSON is expected"]),
        (["--model.attention", '{"kind": "softmx"}'], ["Invalid value 'softmx'", "e.g."]),
        (["--model.attention", '{"kind": "softmax", "temprature": 2}'], ["unknown fields", "temprature", "leave them"]),
        (["--grid", '{"replicats": 4}'], ["unknown fields", "replicats"]),
        (["--grid", '{"replicates": "four"}'], ["--grid", "Expected `int`", "replicates"]),
        (["--world", '{"kind": "iid", "vocabulary": 1}'], ["vocabulary=1", "at least 2"]),
        (["--world", "iid"], ["--world iid does not fit", "vocabulary", "e.g."]),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_an_example_that_works(words, patterns):
    with pytest.raises(ValueError, match=".*".join(map(re.escape, patterns))) as refusal:
        grid(*words)
    example = re.search(r"e\.g\. '(.*)'\.$", str(refusal.value))
    if example and words[0] != "--grid":
        grid(words[0], example.group(1), "--model.vocabulary", "4" if words[0] == "--world" else "6")


def test_claims_are_chosen_by_id(tmp_path, capsys):
    assert chosen(CLAIMS, None) == CLAIMS
    assert [claim.id for claim in chosen(CLAIMS, ["law", "floor"])] == ["floor", "law"]
    with pytest.raises(ValueError, match="--claims lore: there is no such claim; known: floor, identity, law"):
        chosen(CLAIMS, ["floor", "lore"])
    assert cli.main(["judge", str(tmp_path), "--claims", "floor"]) == 2
    assert "--claims-of EXPERIMENT" in capsys.readouterr().err


def answered(capsys, *words):
    """What a command prints as JSON, and what it says beside it."""
    assert cli.main(["truth", *map(str, words), "--json"]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), " ".join(captured.err.split())


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_without_options_is_the_example_of_the_gallery(name, capsys):
    found, said = answered(capsys, name, "--length", 2, "--tokens", 2**12)
    example = WORLDS[name].exhibit()
    assert msgspec.convert(found["source"], WORLDS[name]) == example
    assert said.startswith("no options given: the gallery's example, testbed truth ")
    assert all(word in said for word in gallery.request(example)[:2])
    assert found["unit"] == "nats"


def test_with_options_the_missing_ones_are_asked_for(capsys):
    assert cli.main(["truth", "markov", "--smoothing", "0.5"]) == 2
    assert "--vocabulary: it has no default, so it must be given" in capsys.readouterr().err
    assert cli.main(["truth", "markov", "--length", "2"]) == 0
    assert "no options given: the gallery's example, testbed truth markov" in capsys.readouterr().out


def quantities(found):
    named = [found["epsilon"], found["rate"], found["oracle"], *found["curve"]]
    return [each[name] for each in named for name in ("value", "low", "high", "error")]


def test_in_bits_every_entropy_is_divided_by_ln_2_and_nothing_else_is(capsys, tmp_path):
    words = ["markov", "--vocabulary", "2", "--rows", "[[0.8,0.2],[0.3,0.7]]", "--length", "8", "--predictors"]
    nats, _ = answered(capsys, *words)
    bits, _ = answered(capsys, *words, "--bits", "--svg", tmp_path / "chain.svg")
    assert (nats["unit"], bits["unit"]) == ("nats", "bits")
    rate = -sum(w * p * math.log2(p) for w, row in ((0.6, (0.8, 0.2)), (0.4, (0.3, 0.7))) for p in row)
    assert bits["rate"]["value"] == pytest.approx(rate, abs=1e-14)
    assert quantities(bits) == pytest.approx([each / math.log(2) for each in quantities(nats)], rel=1e-3, abs=2e-14)
    for row, other in zip(bits["predictors"], nats["predictors"], strict=True):
        for name in ("loss", "regret", "error"):
            assert row[name] == pytest.approx(other[name] / math.log(2), rel=1e-12)
    assert (bits["mixing"], bits["autocovariance"]) == (nats["mixing"], nats["autocovariance"])
    drawn = (tmp_path / "chain.svg").read_text()
    assert ">bits<" in drawn and ">nats<" not in drawn
    assert cli.main(["truth", *words, "--unit", "bits"]) == 0
    text = capsys.readouterr().out
    assert text.count("bits per token") == 2 and "nats" not in text and f"{rate:.8f}" in text


def test_a_field_called_bits_stays_a_field(capsys):
    words = ["quanta", "--tasks", "2", "--bits", "4", "--length", "2"]
    assert answered(capsys, *words)[0]["source"]["bits"] == 4
    found, _ = answered(capsys, *words, "--unit", "bits")
    assert (found["source"]["bits"], found["unit"]) == (4, "bits")


def test_intervals_in_bits_hold_those_in_nats():
    """Rounding of the division must not lose the true value from an interval that is exact to rounding."""
    for vocabulary in range(2, 12):
        world = Iid(vocabulary=vocabulary)
        truth = world.truth(4, budget=Budget())
        for each in (told := units.in_bits(truth)).curve:
            assert each.low <= math.log2(vocabulary) <= each.high and each.high - each.low < 1e-13
        assert not isinstance(told.rate, Absent) and told.rate.method == "closed form"
