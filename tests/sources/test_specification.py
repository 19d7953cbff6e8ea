"""Specifications: what they refuse, how they travel, how a truth is shown."""

import io
import json

import jax
import msgspec
import numpy as np
import pytest
from rich.console import Console

from testbed.ground import catalog
from testbed.report import render
from testbed.sources import AnySource, BlockStationary, Budget, DirichletBlocks, Iid, Markov, Source
from tests.sources.families.block_stationary import TINY, TINY_LAWS
from tests.sources.families.markov import GOLDEN
from tests.sources.worlds import every_world, exact_truth, family, refused

NAMES = ["source", "length", "unit", "curve", "epsilon", "rate", "oracle", "mixing", "autocovariance"]
HALVES = (0.5, 0.5)
SPLIT = ((1.0, 0.0), (0.0, 1.0))
REFUSED = [
    (Iid, {"vocabulary": 1}, "vocabulary=1", "no information"),
    (Iid, {"vocabulary": 3, "zipf": -1.0}, "zipf=-1.0", "from frequent to rare"),
    (Iid, {"vocabulary": 4, "zipf": float("inf")}, "zipf=inf", "give a smaller exponent"),
    (Markov, {"vocabulary": 4, "zipf": float("inf")}, "zipf=inf", "give a smaller exponent"),
    (Iid, {"vocabulary": 10**11}, "vocabulary=100000000000 takes a table of", "at most 16777216"),
    (Iid, {"vocabulary": 3, "concentration": 0.0}, "concentration=0.0", "give for example"),
    (Iid, {"vocabulary": 3, "zipf": 1.0, "concentration": 1.0}, "zipf and concentration", "leave only one"),
    (Iid, {"vocabulary": 3, "weights": HALVES}, "(2,)", "one probability per symbol"),
    (Iid, {"vocabulary": 2, "weights": (0.5, 0.6)}, "1.1", "divide the row by its sum"),
    (Iid, {"vocabulary": 2, "weights": (-0.5, 1.5)}, "-0.5", "correct that entry"),
    (Iid, {"vocabulary": 2, "weights": (float("nan"), 1.0)}, "nan", "correct that entry"),
    (Markov, {"vocabulary": 1}, "vocabulary=1", "no information"),
    (Markov, {"vocabulary": 2, "order": 0}, "order=0", "use the source iid"),
    (Markov, {"vocabulary": 20, "order": 3}, "20^3 contexts", "lower the vocabulary"),
    (Markov, {"vocabulary": 2, "concentration": -1.0}, "concentration=-1.0", "give for example"),
    (Markov, {"vocabulary": 2, "smoothing": 1.5}, "smoothing=1.5", "give for example"),
    (Markov, {"vocabulary": 2, "rows": (HALVES,)}, "(1, 2)", "one probability per symbol"),
    (Markov, {"vocabulary": 2, "rows": (HALVES, (1.0,))}, "ragged", "equally long"),
    (Markov, {"vocabulary": 2, "rows": (HALVES, (0.5, 0.4))}, "rows, row 1, sums to 0.9", "divide the row by its sum"),
    (Markov, {"vocabulary": 2, "rows": ((1j, 0), HALVES)}, "rows[0][0]=1j", "must be a number"),
    (Markov, {"vocabulary": 2, "rows": SPLIT}, "2 closed classes", "raise the smoothing"),
    (BlockStationary, {"vocabulary": 1}, "vocabulary=1", "no information"),
    (BlockStationary, {"vocabulary": 5000}, "5000 contexts", "lower the vocabulary"),
    (BlockStationary, {"vocabulary": 10**8, "order": 0}, "vocabulary=100000000 takes a table", "give less"),
    (BlockStationary, {"regimes": 0}, "regimes=0", "a law to draw from"),
    (BlockStationary, {"block_length": 0}, "block_length=0", "whole tokens"),
    (BlockStationary, {"block_length": 1, "boundaries": "announced"}, "block_length=1", "after the announcer"),
    (BlockStationary, {"lengths": "random"}, "'random'", "choose one"),
    (BlockStationary, {"phase": "late"}, "'late'", "choose one"),
    (BlockStationary, {"boundaries": "fuzzy"}, "'fuzzy'", "choose one"),
    (BlockStationary, {"order": 2}, "order=2", "choose one"),
    (BlockStationary, {"concentration": float("inf")}, "concentration=inf", "give for example"),
    (BlockStationary, {"smoothing": -0.1}, "smoothing=-0.1", "give for example"),
    (BlockStationary, {"prior": (0.5, 0.5)}, "(2,)", "one probability per symbol"),
    (BlockStationary, {**TINY, "prior": (0.5, 0.4)}, "0.9", "divide the row by its sum"),
    (BlockStationary, {**TINY, "regimes": 3, "prior": None}, "(2, 2, 2)", "one probability per symbol"),
    (BlockStationary, {**TINY, "order": 0}, "(2, 2, 2)", "one probability per symbol"),
    (BlockStationary, {**TINY, "laws": (SPLIT, TINY_LAWS[0])}, "2 closed classes", "raise the smoothing"),
    (BlockStationary, {**TINY, "laws": (TINY_LAWS[0], (HALVES, (1.0, 0.1)))}, "laws, row 1, 1, sums to 1.1", "divide"),
    (Budget, {"contexts": 0}, "contexts=0", "positive"),
    (Budget, {"tokens": 0}, "tokens=0", "positive"),
    (Budget, {"tokens": 10**13}, "tokens=10000000000000", "2147483648"),
]


@pytest.mark.parametrize(("kind", "fields", "value", "remedy"), [*REFUSED, *refused()])
def test_a_wrong_request_dies_at_construction(kind, fields, value, remedy):
    with pytest.raises(ValueError) as refusal:
        kind(**fields)
    assert value in str(refusal.value) and remedy in str(refusal.value)


def numbers(kind, type_):
    """The fields of a kind of world that hold such a number, seeds apart."""
    fields = msgspec.structs.fields(kind)
    return [field.name for field in fields if field.type in (type_, type_ | None) and field.name != "seed"]


@pytest.mark.parametrize("kind", catalog.shelf("testbed.sources").values(), ids=lambda kind: kind.__name__)
def test_what_cannot_be_laid_out_is_refused_at_once(kind):
    """Whatever number of things is asked for: no table is begun, no power of it taken."""
    for name in numbers(kind, int):
        for huge in (10**11, 10**18, 2**63):
            with pytest.raises(ValueError, match=name):
                msgspec.structs.replace(kind.exhibit(), **{name: huge})


@pytest.mark.parametrize("kind", catalog.shelf("testbed.sources").values(), ids=lambda kind: kind.__name__)
def test_what_is_not_finite_is_refused(kind):
    plain = Iid(vocabulary=4) if kind is Iid else kind.exhibit()
    for name in numbers(kind, float):
        for wrong in (float("inf"), float("-inf"), float("nan")):
            with pytest.raises(ValueError, match=name):
                msgspec.structs.replace(plain, **{name: wrong})


@pytest.mark.parametrize("kind", catalog.shelf("testbed.sources").values(), ids=lambda kind: kind.__name__)
def test_a_seed_is_not_negative(kind):
    if "seed" in kind.__struct_fields__:
        with pytest.raises(ValueError, match=r"seed=-1.*at least 0"):
            msgspec.structs.replace(kind.exhibit(), seed=-1)


def whole():
    """Every field of every family that holds a whole number, or several."""
    for name, kind in catalog.shelf("testbed.sources").items():
        for field in msgspec.structs.fields(kind):
            if field.type in (int, int | None, tuple[int, ...]):
                yield pytest.param(name, field, id=f"{name}-{field.name}")


@pytest.mark.parametrize(("name", "field"), list(whole()))
def test_a_fraction_is_refused_where_a_whole_number_is_meant(name, field):
    fraction = (2.5,) if field.type == tuple[int, ...] else 2.5
    with pytest.raises(ValueError, match=rf"{field.name}(\[0\])?=2\.5: it must be a whole number.*round it"):
        msgspec.structs.replace(family(name).EXAMPLES[0], **{field.name: fraction})


@pytest.mark.parametrize("kind", [Iid(vocabulary=2), Markov(vocabulary=2), BlockStationary(**TINY)])
def test_an_empty_window_is_refused(kind):
    with pytest.raises(ValueError, match=r"length=0.*at least 1.*positive length"):
        kind.truth(0)
    with pytest.raises(ValueError, match=r"length=10+: a window has at most 1048576 tokens"):
        kind.truth(10**12)


def test_a_prediction_that_does_not_fit_is_refused():
    hidden = DirichletBlocks(vocabulary=2**22, lengths="geometric")
    with pytest.raises(ValueError, match=r"64 tokens over 4194304 symbols takes a table of .* give less"):
        hidden.truth(64)


def test_blocks_of_independent_tokens_have_no_chain_to_be_too_large():
    assert BlockStationary(vocabulary=5000, order=0, regimes=2, concentration=1.0).alphabet == 5000


def test_every_variant_has_examples():
    for name, kind in catalog.shelf("testbed.sources").items():
        assert family(name).EXAMPLES and all(type(world) is kind for world in family(name).EXAMPLES)


@pytest.mark.parametrize("name", catalog.shelf("testbed.sources"))
def test_every_variant_has_an_exhibit(name):
    kind = catalog.shelf("testbed.sources")[name]
    assert type(kind.exhibit()) is kind and kind.exhibit().truth(2).length == 2
    assert kind.good_for.endswith(".") and kind.__doc__


def test_a_source_without_its_methods_cannot_be_made():
    class Half(Source, frozen=True, kw_only=True, tag="half"):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Half()


@every_world
def test_json_round_trip_keeps_the_specification(world):
    again = msgspec.json.decode(msgspec.json.encode(world), type=AnySource)
    assert again == world and hash(again) == hash(world) and type(again) is type(world)


@every_world
def test_tables_come_in_the_dtype_asked_for(world):
    for dtype in (np.float32, np.float64):
        kinds = {table.dtype for table in jax.tree.leaves(world.tables(dtype))}
        assert np.dtype(dtype) in kinds and kinds <= {np.dtype(dtype), np.dtype(np.int32), np.dtype(np.uint32)}


@every_world
def test_a_truth_can_be_shown_and_recorded(world):
    truth = exact_truth(world)
    shown = io.StringIO()
    Console(file=shown, width=120).print(render.table(world, truth))
    assert all(word in shown.getvalue() for word in ("epsilon", "rate", "oracle", truth.epsilon.method))
    record = json.loads(json.dumps(render.record(world, truth)))
    assert list(record) == [*NAMES, "absent"]
    assert [row["t"] for row in record["curve"]] == [1, 2, 3, 4, 5]
    assert all(record[name] is None and reason for name, reason in record["absent"].items())
    assert msgspec.convert(record["source"], AnySource) == world


def test_smoothing_mixes_the_drawn_rows_with_the_uniform_one():
    drawn, mixed = (BlockStationary(smoothing=weight).components() for weight in (0.0, 0.02))
    np.testing.assert_allclose(mixed, 0.98 * drawn + 0.02 / 32, atol=1e-15)


def test_a_chain_with_transient_states_has_a_stationary_law():
    world = Markov(vocabulary=3, rows=((0.2, 0.3, 0.5), (0.0, 0.5, 0.5), (0.0, 1.0, 0.0)))
    np.testing.assert_allclose(np.exp(world.tables(np.float64).log_rows_UV[0]), [0, 2 / 3, 1 / 3], atol=1e-15)


def test_stationary_law_of_a_nearly_reducible_chain_keeps_its_digits():
    world = Markov(vocabulary=2, rows=((1 - 1e-12, 1e-12), (3e-12, 1 - 3e-12)))
    np.testing.assert_allclose(np.exp(world.tables(np.float64).log_rows_UV[0]), [0.75, 0.25], rtol=1e-12)


def test_golden_mean_never_repeats_a_one():
    assert Markov(vocabulary=2, rows=GOLDEN).tables().log_rows_UV[2, 1] == -np.inf
