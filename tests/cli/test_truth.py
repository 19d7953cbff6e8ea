"""The truth of a world, as asked for in words."""

import json
import re

import msgspec
import numpy as np
import pytest

from testbed import cli
from testbed.cli.overrides import overridden
from testbed.ground import catalog
from testbed.report import gallery
from testbed.sources import AnySource, Markov, Mixture, Noisy
from tests.cli.common import BLOCKS, CHAIN, NOISY, RECORDED, answered, asked, refused
from tests.presets import JUDGED
from tests.sources.worlds import family

WORLDS = {name: family(name).EXAMPLES[0] for name in catalog.shelf("testbed.sources")}


@pytest.mark.parametrize("name", WORLDS)
def test_truth_answers_in_json(name, capsys):
    found = answered(capsys, "truth", *gallery.request(WORLDS[name]), "--length", 4, "--json")
    assert list(found) == RECORDED
    assert (msgspec.convert(found["source"], AnySource), found["length"]) == (WORLDS[name], 4)
    assert [each["t"] for each in found["curve"]] == [1, 2, 3, 4]
    offered = [found[name] for name in ("rate", "oracle") if found[name] is not None]
    for quantity in (*found["curve"], found["epsilon"], *offered):
        assert quantity.keys() - {"t"} == {"value", "low", "high", "method", "error"}
        assert quantity["low"] <= quantity["value"] <= quantity["high"]
    assert {name for name in RECORDED if found[name] is None} == found["absent"].keys()
    assert all(found["absent"].values())


def test_every_example_can_be_asked_for_in_words():
    for name, kind in catalog.shelf("testbed.sources").items():
        for world in (*family(name).EXAMPLES, kind.exhibit()):
            words = gallery.request(world)
            again = overridden(kind, None, words[1:], "truth")
            assert (words[0], again) == (name, world)


def test_words_of_truth_are_no_fields_of_a_world(capsys):
    """An option of the command would hide a field of the same name."""
    assert cli.main(["truth", "--help"]) == 0
    taken = set(re.findall(r"--([a-z-]+)", capsys.readouterr().out)) - {"bits"}  # which yields to a field
    assert {"length", "width", "contexts", "tokens", "file", "svg", "json", "predictors"} <= taken
    assert {"patience", "sampling-seed"} <= taken
    for name, kind in catalog.shelf("testbed.sources").items():
        fields = {field.name.replace("_", "-") for field in msgspec.structs.fields(kind)}
        assert not fields & taken, name


def test_worlds_inside_worlds_are_read_from_json(capsys):
    inside = {"kind": "noisy", "base": {"kind": "markov", "vocabulary": 3}, "sigma": 0.5}
    found = answered(capsys, *NOISY, json.dumps(inside), "--length", 2, "--json")
    assert found["source"]["base"]["base"]["vocabulary"] == 3
    parts = json.dumps([{"kind": "iid", "vocabulary": 3}, {"kind": "markov", "vocabulary": 3}])
    found = answered(capsys, "truth", "mixture", "--parts", parts, "--length", 2, "--json")
    assert [part["kind"] for part in found["source"]["parts"]] == ["iid", "markov"]


def test_fields_of_a_world_inside_an_experiment_are_overridden_one_by_one():
    """There the union is settled by the preset, whatever the world is made of."""
    inner = Markov(vocabulary=3)
    for world in (Noisy(base=Noisy(base=inner, sigma=0.1), sigma=0.2), Mixture(parts=(inner, inner))):
        model = msgspec.structs.replace(JUDGED.model, vocabulary=3)
        preset = msgspec.structs.replace(JUDGED, world=world, model=model)
        words = ["--world.base.base.seed", "7"] if isinstance(world, Noisy) else ["--world.parts.1.seed", "7"]
        found = overridden(type(preset), preset, words, "run").world
        assert (found.base.base if isinstance(world, Noisy) else found.parts[1]) == Markov(vocabulary=3, seed=7)


def test_a_process_of_ones_own_is_read_from_a_file(capsys, tmp_path):
    """The golden mean process: rate (2/3) ln 2."""
    file = tmp_path / "process.json"
    file.write_text(json.dumps({"T": [[[0.5, 0], [1, 0]], [[0, 0.5], [0, 0]]]}))
    found = answered(capsys, *CHAIN, file, "--length", 8, "--json")
    assert found["rate"]["value"] == pytest.approx(2 / 3 * np.log(2), abs=1e-12)
    file.write_text('{"T": [[[0.5')
    assert refused(asked(capsys, *CHAIN, file), "process.json", "not JSON")


def test_a_width_is_met_or_its_price_is_named(capsys):
    words = ["truth", "hidden_markov", "--process", "mess3", "--parameters", "0.05", "0.85", "--length", "4", "--json"]
    wide, narrow = (answered(capsys, *words, "--width", width)["rate"] for width in ("1e-2", "1e-4"))
    assert narrow["high"] - narrow["low"] <= 1e-4 and wide["high"] - wide["low"] <= 1e-2
    assert all(rate["low"] < 0.793457579 < rate["high"] for rate in (wide, narrow)), "published bounds"
    never = ["truth", "hidden_markov", "--process", "sns", "--length", "4", "--width", "1e-17"]
    assert refused(asked(capsys, *never), "width=1e-17", "certified interval", "rounding", "leave it out")


def test_a_larger_budget_makes_the_interval_narrower(capsys):
    few, many = (
        answered(capsys, *BLOCKS, "--contexts", 1, "--tokens", tokens, "--json")["epsilon"] for tokens in (2**10, 2**16)
    )
    assert few["method"] == "Monte Carlo" and many["error"] < few["error"] / 4
    assert answered(capsys, *BLOCKS, "--json")["epsilon"]["method"] == "enumeration"
