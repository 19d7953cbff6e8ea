"""Law: a spec is a value: JSON holds it, what cannot be is refused, and the cells are those that were counted."""

import json

import msgspec
import pytest

from testbed.cell import Evaluation, Optimiser
from testbed.model.noise.gaussian import Gaussian
from testbed.model.size import size
from testbed.sources import Iid
from testbed.studies.grid import GridStudy
from testbed.studies.grid.layout import Grid, Training, Tuned
from testbed.study import decode
from tests.presets import CLAIMS, JUDGED, REFERENCES
from tests.shared.small import EXPERIMENT, varied
from tests.studies.grid.test_asked import grid_cells, replaced


def test_json_there_and_back():
    payload = msgspec.json.encode(JUDGED)
    assert decode(payload) == JUDGED
    assert decode(msgspec.json.format(payload, indent=1)) == JUDGED


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda plain: plain["grid"].__setitem__("replicats", 3), r"unknown fields \$\.grid\.replicats"),
        (lambda plain: plain.__setitem__("colour", "red"), r"unknown fields \$\.colour"),
        (lambda plain: plain["world"].__setitem__("vocabluary", 6), r"unknown field `vocabluary` - at `\$\.world`"),
        (lambda plain: plain["references"][1].__setitem__("dephts", 2), r"unknown fields \$\.references\[1\]\.dephts"),
        (lambda plain: plain["claims"][1].__setitem__("hihg", 2), r"unknown fields \$\.claims\[1\]\.hihg"),
        (lambda plain: plain.__delitem__("model"), r"missing required field `model`"),
        (lambda plain: plain["grid"].__setitem__("replicates", "three"), r"Expected `int`, got `str`.*grid.replicates"),
        (lambda plain: plain["grid"].__setitem__("replicates", 1), r"replicates=1.*at least 2"),
    ],
)
def test_json_that_does_not_fit_is_refused(spoil, told):
    plain = json.loads(msgspec.json.encode(JUDGED))
    spoil(plain)
    with pytest.raises(ValueError, match=rf"(?s)cannot be read.*{told}.*Restore the file, or use a new folder"):
        decode(json.dumps(plain).encode())


@pytest.mark.parametrize(("name", "twice"), [("seed", b'{"seed":7,'), ("kind", b'"world":{"kind":"block_stationary",')])
def test_json_that_says_a_thing_twice_is_refused(name, twice):
    payload = msgspec.json.encode(JUDGED)
    spoilt = payload.replace(b"{" if name == "seed" else b'"world":{', twice, 1)
    with pytest.raises(ValueError, match=f"cannot be read: the name {name} stands twice.*Restore the file"):
        decode(spoilt)


def test_json_cut_short_is_refused():
    with pytest.raises(ValueError, match=r"cannot be read.*truncated.*Restore the file"):
        decode(msgspec.json.encode(JUDGED)[:-9])


REFUSED = {
    "batch": (lambda: Optimiser(batch=0), "batch=0", "at least one sequence", "e.g. 32"),
    "warmup": (lambda: Optimiser(warmup=1.0), "warmup=1.0", r"\[0, 1\)", "0.05"),
    "warmup below": (lambda: Optimiser(warmup=-0.1), "warmup=-0.1", r"\[0, 1\)", "0.05"),
    "decay": (lambda: Optimiser(weight_decay=-1.0), "weight_decay=-1.0", "finite and not negative", "use 0"),
    "beta1": (lambda: Optimiser(beta1=1.0), "beta1=1.0", r"\[0, 0.999999\]", "0.9"),
    "beta2": (lambda: Optimiser(beta2=-0.5), "beta2=-0.5", r"\[0, 0.999999\]", "0.98"),
    "clip": (lambda: Optimiser(clip=0.0), "clip=0.0", "positive", "large number"),
    "odd sequences": (lambda: Evaluation(sequences=7), "sequences=7", "even", "128"),
    "few sequences": (lambda: Evaluation(sequences=2), "sequences=2", "at least 4", "128"),
    "checkpoints": (lambda: Evaluation(checkpoints=1), "checkpoints=1", "at least 2", "12"),
    "no multiples": (lambda: Grid(multiples=()), r"multiples=\(\)", "at least one number", "1 2 4 8"),
    "unsorted multiples": (lambda: Grid(multiples=(2, 1)), r"multiples=\(2, 1\)", "rising order", "use 1 2"),
    "zero multiple": (lambda: Grid(multiples=(0, 1)), r"multiples=\(0, 1\)", "positive", "leave 0 out"),
    "repeated tokens": (lambda: Grid(tokens=(64, 64)), r"tokens=\(64, 64\)", "distinct", "use 64"),
    "replicates": (lambda: Grid(replicates=1), "replicates=1", "at least 2", "3"),
    "ladder": (lambda: Training(ladder=2), "ladder=2", "at least 3 rungs", "3"),
    "ratio": (lambda: Training(ratio=1), "ratio=1", "at least 2", "4"),
    "steps that do not divide": (lambda: Training(steps=42, ratio=2), "steps=42", "multiple of 4", "40"),
    "few steps": (lambda: Training(steps=4, ratio=2), "steps=4", "at least 32", "32"),
    "no rates": (lambda: Training(learning_rates=()), r"learning_rates=\(\)", "at least one number", "0.003"),
    "unsorted rates": (lambda: Training(learning_rates=(0.1, 0.01)), r"\(0.1, 0.01\)", "rising order", "use 0.01 0.1"),
    "zero rate": (lambda: Training(learning_rates=(0.0, 0.01)), r"\(0.0, 0.01\)", "positive", "0.003"),
    "seed": (lambda: varied(seed=-1), "seed=-1", r"\[0, 2\^32\)", "e.g. 0"),
    "large seed": (lambda: varied(seed=2**32), "seed=4294967296", r"\[0, 2\^32\)", "e.g. 0"),
    "vocabulary": (
        lambda: varied(world=Iid(vocabulary=7)),
        "vocabulary=6",
        "symbols of the world, 7",
        "--model.vocabulary 7",
    ),
    "noise without a key": (
        lambda: varied(model=replaced(EXPERIMENT.model, embedding_noise=Gaussian())),
        r"model.embedding_noise=Gaussian\(deviation=1.0\)",
        "absent, as training",
        "leave it out",
    ),
    "D below a window": (
        lambda: varied(grid=Grid(multiples=(1,), tokens=(8,))),
        "D=8",
        "at least one window of n=16",
        "use 16 or more",
    ),
    "D of broken windows": (
        lambda: varied(grid=Grid(multiples=(1,), tokens=(65,))),
        "D=65",
        "whole number of windows",
        "use 64 or 80",
    ),
    "endless stream": (
        lambda: varied(training=Training(steps=2**30)),
        f"={2**32}",
        r"at most 2147483647 sequences",
        "fewer steps",
    ),
    "claims": (lambda: varied(claims=CLAIMS[:1] * 2), "'floor', 'floor'", "each id once", "rename"),
    "references": (
        lambda: varied(references=REFERENCES[:1] * 2),
        "'KT, order 0', 'KT, order 0'",
        "each predictor once",
        "drop the repeats",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_run_is_refused(name):
    make, value, rule, remedy = REFUSED[name]
    with pytest.raises(ValueError, match=f"{value}.*{rule}.*{remedy}"):
        make()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["warmup", "weight_decay", "beta1", "beta2", "clip"])
def test_numbers_that_are_none_are_refused(name, number):
    if name == "clip" and number == float("inf"):
        return  # a way to say: none
    with pytest.raises(ValueError, match=f"{name}={number}"):
        Optimiser(**{name: number})
    with pytest.raises(ValueError, match="learning_rates="):
        Training(learning_rates=(number,))


GRIDS = {
    "small": EXPERIMENT,
    "one of each": varied(
        grid=Grid(multiples=(1,), tokens=(64,), replicates=2),
        training=Training(steps=32, ratio=2, learning_rates=(0.01,)),
    ),
    "long ladder": varied(training=Training(steps=128, ratio=2, ladder=5)),
    "many": varied(grid=Grid(multiples=(1, 2, 3), tokens=(16, 32, 64, 128), replicates=4)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_count_of_cells_is_their_number(name):
    experiment = GRIDS[name]
    grid, training = experiment.grid, experiment.training
    asked = len(grid.multiples) * (training.ladder + len(grid.tokens))
    pilots, rest = asked * len(training.learning_rates) * training.pilots, asked * len(grid.runs)
    assert experiment.cell_count == len(grid_cells(experiment)) == pilots + rest
    assert len(experiment.pilot_cells()) == pilots


def test_pilots_run_as_long_as_what_they_choose_for():
    pilots, grid, training = EXPERIMENT.pilot_cells(), EXPERIMENT.grid, EXPERIMENT.training
    asked = {(cell.role, cell.horizon, cell.tokens) for cell in pilots}
    assert asked == {("pilot", horizon, horizon * 4 * 16) for horizon in training.horizons} | {
        ("stored pilot", training.steps, tokens) for tokens in grid.tokens
    }
    assert {cell.learning_rate for cell in pilots} == {0.01, 0.03}
    assert {cell.model for cell in pilots} == set(EXPERIMENT.models)


def test_the_rest_is_the_ladder_and_every_stored_set():
    rates = {asked: 0.01 * (1 + number) for number, asked in enumerate(EXPERIMENT.tuned())}
    cells = EXPERIMENT.main_cells(rates)
    for model in EXPERIMENT.models:
        own = [cell for cell in cells if cell.model == model]
        for replicate in range(2):
            asked = {(c.role, c.horizon, c.tokens) for c in own if (c.draw, c.initialisation) == (replicate, replicate)}
            assert asked == {
                ("online", 8, 512),
                ("online", 16, 1024),
                ("online", 32, 2048),
                ("stored", 32, 64),
                ("stored", 32, 256),
            }
        for cell in own:
            one = Tuned(size(model).parameters, cell.role == "stored", cell.tokens, cell.horizon)
            assert cell.learning_rate == rates[one]
    assert [cell.sequences for cell in cells if cell.tokens == 256 and cell.role == "stored"] == [16] * 4


def test_what_has_no_rate_has_no_further_cells():
    others = EXPERIMENT.tuned()[1:]
    cells = EXPERIMENT.main_cells(dict.fromkeys(others, 0.01))
    assert len(cells) == len(others) * EXPERIMENT.grid.replicates
    assert EXPERIMENT.main_cells({}) == ()


def test_draws_crossed_with_initialisations_are_every_pair():
    crossed = varied(grid=replaced(EXPERIMENT.grid, initialisations=3))
    seeds = [(c.draw, c.initialisation) for c in crossed.main_cells({crossed.tuned()[0]: 0.01})]
    assert seeds == [(draw, start) for draw in range(2) for start in range(3)]
    assert crossed.cell_count == len(grid_cells(crossed))


@pytest.mark.parametrize(("scaled", "shapes"), [("depth", [(4, 1), (4, 2)]), ("both", [(4, 1), (8, 2)])])
def test_sizes_grow_by_depth_or_by_both(scaled, shapes):
    grown = varied(grid=replaced(EXPERIMENT.grid, scaled=scaled))
    assert [(model.width, model.layers) for model in grown.models] == shapes
    assert len({size(model).parameters for model in grown.models}) == 2


def test_one_pass_ends_when_each_stored_token_was_seen_once():
    once = varied(training=replaced(EXPERIMENT.training, stopping="one pass"))
    stored = [cell for cell in grid_cells(once) if cell.role in ("stored", "stored pilot")]
    assert {(cell.tokens, cell.horizon) for cell in stored} == {(64, 1), (256, 4)}
    assert {1, 4} <= set(once.checkpoints)
    with pytest.raises(ValueError, match=r"96.*whole steps of 64 tokens.*use 64"):
        varied(training=once.training, grid=replaced(EXPERIMENT.grid, tokens=(96,)))


@pytest.mark.parametrize("name", GRIDS)
def test_checkpoints_hold_every_horizon_and_rise(name):
    experiment = GRIDS[name]
    steps = experiment.checkpoints
    assert list(steps) == sorted(set(steps))
    assert set(experiment.training.horizons) <= set(steps)
    assert (steps[0], steps[-1]) == (1, experiment.training.steps)
    assert len(steps) <= experiment.evaluation.checkpoints + experiment.training.ladder - 1


def test_horizons_are_a_geometric_ladder():
    assert Training(steps=64, ladder=4, ratio=2).horizons == (8, 16, 32, 64)
    assert Training(steps=216, ladder=3, ratio=3).horizons == (24, 72, 216)


def test_sizes_are_multiples_of_the_width():
    assert [model.width for model in EXPERIMENT.models] == [4, 8]
    assert {replaced(model, width=4) for model in EXPERIMENT.models} == {EXPERIMENT.model}


def test_an_experiment_is_a_value():
    assert hash(JUDGED) == hash(decode(msgspec.json.encode(JUDGED)))
    with pytest.raises(AttributeError):
        JUDGED.seed = 3
    assert isinstance(JUDGED, GridStudy)
