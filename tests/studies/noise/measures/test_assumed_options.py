"""Law: every model of the shelf has its assumptions measured, and what is no number says so."""

import functools
import math
from typing import get_args

import jax
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.step import Step
from testbed.model.initial import init
from testbed.model.noise.student import Student
from testbed.model.transformer import Layout, Positions
from testbed.sources import Iid
from testbed.studies.noise.measures import probe
from testbed.studies.noise.measures.assumed import COLUMNS, NOT_FINITE, assumed
from tests.studies.noise.measures.test_assumed import IID, small


def shelf(name):
    return [variant() for variant in catalog.shelf(f"testbed.model.{name}").values()]


OPTIONS = {
    "attention": shelf("attention"),
    "feedforward": shelf("feedforward"),
    "embedding_noise": [None, *shelf("noise")],
    "layout": get_args(Layout),
    "positions": get_args(Positions),
}
MODELS = [
    small(**{field: options[index % len(options)] for field, options in OPTIONS.items()})
    for index in range(max(map(len, OPTIONS.values())))
]
every_option = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model.attention).__name__)


@functools.cache
def tabled(model):
    return assumed(model, init(model, key=jax.random.key(0)), IID, length=9, sequences=5, key=jax.random.key(1))


def is_sound(table):
    """Whether each row is a finite number or NaN, with a sentence."""
    numbers = table[["value", "floor"]].to_numpy()
    return (
        list(table.columns) == COLUMNS
        and numbers.dtype == np.float64
        and not np.isinf(numbers).any()
        and set(table["assumption"]) == {"A1", "A2", "A3", "A4"}
        and not table.duplicated(["layer", "quantity"]).any()
        and table["note"].str.fullmatch(r"[A-Z1].*\.").all()
    )


@every_option
def test_every_option_is_measured(model):
    table = tabled(model)
    assert is_sound(table) and list(table["quantity"]) == list(tabled(MODELS[0])["quantity"])
    assert table[table["value"].isna()]["quantity"].str.endswith("stated bound").all()
    assert table["floor"].notna().equals(table["assumption"] == "A3")


@every_option
def test_jumps_have_no_constant_and_are_not_seen(model):
    rows = {row.quantity: row for row in tabled(model).itertuples()}
    weights = rows["slope of the weights, stated bound"]
    for part, name in ((model.attention, "attention"), (model.feedforward, "feed-forward")):
        note = rows[f"{name} slope, maximum"].note
        assert ("not seen" in note) == math.isinf(part.lipschitz)
    assert math.isnan(weights.value) == isinstance(model.attention, HardMax | TopK) == ("jump" in weights.note)
    assert (rows["feed-forward slope, maximum"].value == 0) == isinstance(model.feedforward, Step)


def test_numbers_that_leave_float32_are_absent_and_say_so():
    model = small(embedding_noise=Student(freedom=0.05, scale=1e9))
    table = tabled(model)
    assert is_sound(table)
    rows = {row.quantity: row for row in table.itertuples()}
    norm, law = rows["query norm, maximum"], rows["query law, between windows"]
    assert math.isnan(norm.value) and norm.note == NOT_FINITE
    assert math.isnan(law.value) and math.isnan(law.floor) and "not finite" in law.note


def test_windows_have_noise_of_their_own():
    (model, *_) = (model for model in MODELS if model.embedding_noise is not None)
    params = init(model, key=jax.random.key(0))
    (seen,) = probe.probe(model, params, IID, length=9, sequences=5, key=jax.random.key(3))
    assert len(np.unique(seen.value_BLHK[:, 1:].reshape(5 * 8, -1), axis=0)) == 5 * 8


def test_one_program_serves_all_parameters_worlds_of_a_kind_and_keys(monkeypatch):
    traced = []
    slope = probe.attention_lipschitz
    monkeypatch.setattr(probe, "attention_lipschitz", lambda *a, **k: traced.append(0) or slope(*a, **k))
    model = small(width=6, heads=1)  # met in no other test
    for seed in range(3):
        key = jax.random.key(seed)
        world = msgspec.structs.replace(IID, zipf=0.5 * seed)
        assumed(model, init(model, key=key), world, length=5, sequences=4, key=key)
    assert len(traced) == model.layers


def test_what_cannot_be_measured_is_refused():
    model = small()
    params = init(model, key=jax.random.key(0))
    for length, sequences in ((2, 64), (64, 3)):
        with pytest.raises(ValueError, match="at least 3 tokens and 4 sequences"):
            assumed(model, params, IID, length=length, sequences=sequences, key=jax.random.key(0))
    with pytest.raises(ValueError, match="use vocabulary=9"):
        assumed(model, params, Iid(vocabulary=9), length=8, sequences=4, key=jax.random.key(0))
