"""The classics: numbers from the literature, what pairs of tokens show, and chains read from a file."""

import json

import msgspec
import numpy as np
import pytest

from testbed.sources import HiddenMarkov
from testbed.sources.hidden_markov.classics import CLASSICS
from testbed.sources.hidden_markov.source import _given_matrices, from_file
from tests.sources.families.hidden_markov import TRANSIENT
from tests.sources.worlds import decay_of

LN2 = np.log(2)


@pytest.mark.parametrize(
    ("process", "rate"),
    [
        ("golden_mean", 2 / 3 * LN2),
        ("even", 2 / 3 * LN2),
        ("rrxor", 2 / 3 * LN2),
        ("zero_one_random", LN2 / 3),
        ("random_insertion", 0.6 * LN2),  # the first two of the (1, ½, 1)/2.5 states toss a fair coin
        ("nemo", 0.75 * LN2),  # the first and the last of the (2, 1, 1)/4 states do
    ],
)
def test_rates_in_closed_form(process, rate):
    found = HiddenMarkov(process=process).truth(2).rate
    assert found.method == "closed form" and found.value == pytest.approx(rate, abs=1e-14)


def test_mess3_holds_the_interval_of_the_literature():
    rate = HiddenMarkov(process="mess3").truth(8).rate
    assert rate.method == "certified interval" and rate.low <= 1.088888205493 and rate.high >= 1.088888209772


def test_slow_mess3_of_the_literature():
    rate = HiddenMarkov(process="mess3", parameters=(0.05, 0.85)).truth(2).rate
    assert rate.method == "certified interval" and rate.low <= 0.793457511 and rate.high >= 0.793457647


def test_pairs_of_rrxor_are_independent_though_triples_are_not():
    world = HiddenMarkov(process="rrxor")
    assert decay_of(world.mixing()) == ("independent", 0.0)
    np.testing.assert_allclose([world.pair_law(lag) for lag in range(1, 9)], 0.25, atol=1e-15)
    assert world.truth(3).curve[2].value < LN2 - 0.05
    assert HiddenMarkov(process="rrxor", parameters=(0.5, 0.4)).mixing().decay == "periodic"


@pytest.mark.parametrize(
    ("process", "mixing"),
    [
        ("golden_mean", ("geometric", -0.5)),
        ("even", ("geometric", -0.5)),
        ("zero_one_random", ("periodic", 3.0)),
        ("mess3", ("geometric", 0.55)),
        ("sns", ("finite", 1.0)),
    ],
)
def test_mixing_of_the_classics(process, mixing):
    found = HiddenMarkov(process=process).mixing()
    assert found.decay == mixing[0] and abs(found.value - mixing[1]) <= found.error < 1e-14


USUAL = {
    "golden_mean": (0.5,),
    "even": (0.5,),
    "zero_one_random": (0.5,),
    "random_insertion": (0.5, 0.5),
    "nemo": (0.5, 0.5),
    "rrxor": (0.5, 0.5),
    "leaky_rrxor": (0.5, 0.5, 0.05),
    "sns": (0.5, 0.5),
    "mess3": (0.15, 0.6),
}
"""Written out, as a change means that every world which is named without parameters has become another one."""


@pytest.mark.parametrize("process", CLASSICS)
def test_usual_values_are_those_written_out(process):
    given = HiddenMarkov(process=process, parameters=USUAL[process])
    np.testing.assert_array_equal(given.matrices(), HiddenMarkov(process=process).matrices())
    np.testing.assert_allclose(given.matrices().sum((0, 2)), 1, atol=1e-15)


def test_a_chain_is_read_from_json_and_npz(tmp_path):
    (tmp_path / "chain.json").write_text(json.dumps({"T": TRANSIENT}))
    np.savez(tmp_path / "chain.npz", T=np.array(TRANSIENT))
    world = HiddenMarkov(transitions=TRANSIENT)
    for name in ("chain.json", "chain.npz"):
        np.testing.assert_allclose(from_file(tmp_path / name).matrices(), world.matrices(), atol=1e-15)
    assert from_file(str(tmp_path / "chain.json")) == from_file(tmp_path / "chain.npz")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.json", None, r"absent\.json: there is no such file; give the path"),
        ("chain.txt", "{}", r"chain\.txt: its ending must be \.json or \.npz"),
        ("chain.json", "{'T': 1}", r'chain\.json: it is not JSON .*write an object like \{"T": '),
        ("chain.json", "\udcff", r"chain\.json: it is not JSON .*write an object"),
        ("chain.json", '{"t": []}', r"chain\.json: it holds no T; store the matrices"),
        ("chain.json", "[]", r"chain\.json: it holds no T"),
        ("chain.json", '{"T": [[0.5, 0.5]]}', r"shape \(1, 2\).*give T\[x\]\[s\]\[s'\]"),
        ("chain.json", '{"T": [[["a"]], [["b"]]]}', r"chain\.json: transitions hold <U1 entries: .*real numbers"),
        ("chain.json", '{"T": [[["1"]], [["0"]]]}', r"chain\.json: transitions hold <U1 entries: .*real numbers"),
        ("chain.json", '{"T": [[[0.5, false]], [[0.5, 1]]]}', r"chain\.json: transitions hold true or false among"),
        ("chain.json", '{"T": {"a": 1}}', r"chain\.json: transitions hold object entries"),
        ("chain.json", '{"T": [[[0.5], [0.5, 0]]]}', r"chain\.json: transitions are ragged"),
        ("chain.json", '{"T": [[[1, 0], [0, 0.6]], [[0, 0], [0.5, 0]]]}', r"chain\.json: .*, state 1, sums to 1\.1"),
        ("chain.json", '{"T": [[[1, 0], [0, 1]], [[0, 0], [0, 0]]]}', r"chain\.json: the chain of states is reducible"),
        ("chain.json", '{"T": [], "initial": [1]}', r"chain\.json: it holds initial beside T, .*leave out all but T"),
        ("chain.json", '{"T": [], "t": []}', r"chain\.json: it holds t beside T"),
        ("chain.json", '{"T": [], "T": []}', r"chain\.json: it is not JSON \(the name T stands twice in one object\)"),
        ("chain.json", '{"T": [[[NaN]]]}', r"chain\.json: it is not JSON \(NaN is no finite number\)"),
        ("chain.json", '{"T": [[[1e999]]]}', r"chain\.json: it is not JSON \(1e999 is no finite number\)"),
        ("chain.json", "[" * 100_000, r"chain\.json: it is not JSON \(it is nested too deep\)"),
        ("chain.npz", "no archive", r"chain\.npz: it is no npz archive .*numpy\.savez"),
    ],
)
def test_a_file_that_holds_no_chain_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=message):
        from_file(tmp_path / name)


def test_complex_numbers_are_no_probabilities(tmp_path):
    np.savez(tmp_path / "chain.npz", T=np.array(TRANSIENT) + 0.25j)
    with pytest.raises(ValueError, match=r"chain\.npz: transitions hold complex128 entries.*real numbers"):
        from_file(tmp_path / "chain.npz")


@pytest.mark.parametrize(
    ("spelt", "name"),
    [("Z1R", "zero_one_random"), ("z1r", "zero_one_random"), ("even_process", "even"), ("Even-Process", "even")]
    + [(name.replace("_", "-").upper(), name) for name in CLASSICS],
)
def test_a_classic_is_known_by_its_other_names(spelt, name):
    world = HiddenMarkov(process=spelt)
    assert world == HiddenMarkov(process=name) and world.process == name
    assert msgspec.json.decode(msgspec.json.encode(world), type=HiddenMarkov) == world


def test_npz_with_more_than_the_matrices_is_refused(tmp_path):
    np.savez(tmp_path / "chain.npz", T=np.array(TRANSIENT), initial=np.ones(3) / 3)
    with pytest.raises(ValueError, match=r"chain\.npz: it holds initial beside T.*leave out all but T"):
        from_file(tmp_path / "chain.npz")
    np.savez(tmp_path / "chain.npz", T=np.array(TRANSIENT))
    assert from_file(tmp_path / "chain.npz") == HiddenMarkov(transitions=TRANSIENT)


def test_npz_without_numbers_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", U=np.ones(2))
    np.savez(tmp_path / "objects.npz", T=np.array([{}, None], dtype=object))
    with pytest.raises(ValueError, match="holds no T"):
        from_file(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"no npz archive of numbers.*numpy\.savez"):
        from_file(tmp_path / "objects.npz")


def test_too_many_states_are_refused_before_they_are_copied():
    with pytest.raises(ValueError, match="4097 states: at most 4096 are supported; merge some"):
        _given_matrices(np.broadcast_to(0.5, (2, 4097, 4097)))
