"""A wrong request dies at construction; a right one survives JSON, hashing and a machine without flax."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import msgspec
import pytest

from testbed.model import forward
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.initial import init
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer

RIGHT = {"vocabulary": 7, "context": 6, "width": 8}


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"vocabulary": 1}, "use 2 or more"),
        ({"context": 0}, "use 1 or more"),
        ({"width": -4}, "use 1 or more"),
        ({"width": 8.0}, "whole number; round it"),
        ({"width": True}, "whole number"),
        ({"layers": 0}, "use 1 or more"),
        ({"heads": 0}, "use 1 or more"),
        ({"head_width": 0}, "use 1 or more"),
        ({"hidden": 0}, "use 1 or more"),
        ({"width": 10, "heads": 4}, "use width 8 or 12"),
        ({"width": 3, "heads": 4}, "use width 4,"),
        ({"width": 10, "positions": "rotary"}, "use width 8 or 12"),
        ({"head_width": 3, "positions": "rotary"}, "use 4"),
        ({"layout": "postnorm"}, "'paper', 'prenorm'; choose"),
        ({"positions": "sinusoidal"}, "'none', 'learned', 'rotary'; choose"),
        ({"scale": "1"}, "'1/d', '1/sqrt"),
    ],
    ids=str,
)
def test_a_wrong_request_is_refused_with_a_remedy(wrong, remedy):
    with pytest.raises(ValueError, match=remedy) as refusal:
        Transformer(**{**RIGHT, **wrong})
    assert str(next(iter(wrong.values()))) in str(refusal.value)


def test_a_longer_sequence_needs_positions_that_go_on():
    tokens_L = jnp.zeros(7, jnp.int32)
    for positions in ("none", "rotary"):
        config = Transformer(**RIGHT, positions=positions)
        assert forward.logits(config, init(config, key=jax.random.key(0)), tokens_L).shape == (7, 7)
    learned = Transformer(**RIGHT)
    for each in (forward.logits, forward.representations):
        with pytest.raises(ValueError, match="7 tokens exceed the context 6"):
            each(learned, init(learned, key=jax.random.key(0)), tokens_L)


def test_json_round_trip_and_hash(config):
    decoded = msgspec.json.decode(msgspec.json.encode(config), type=Transformer)
    assert decoded == config and hash(decoded) == hash(config)


SWITCHED = {
    "query_bound": 1.5,
    "logit_gain": 2.0,
    "embedding_noise": Student(freedom=1.5),
    "attention": TopK(count=2),
    "feedforward_lipschitz": 3.0,
}


def test_switches_survive_json_and_are_part_of_identity():
    base = Transformer(**RIGHT)
    for name, value in SWITCHED.items():
        config = Transformer(**RIGHT, **{name: value})
        assert msgspec.json.decode(msgspec.json.encode(config), type=Transformer) == config
        assert config.identity() != base.identity()
        assert set(config.identity()) <= set(base.identity()) | {name}
    assert Transformer(**RIGHT, attention=Softmax(temperature=0.5)).identity() != base.identity()


def test_a_model_with_all_switches_at_rest_has_the_identity_it_had_before_there_were_any():
    assert Transformer(**RIGHT).identity() == RIGHT | {
        "layers": 2,
        "heads": 2,
        "head_width": None,
        "hidden": None,
        "layout": "prenorm",
        "positions": "learned",
        "scale": "1/sqrt(d)",
        "attention": {"kind": "softmax"},
        "feedforward": {"kind": "gelu"},
    }


def test_json_refuses_what_construction_refuses():
    with pytest.raises(msgspec.ValidationError, match="use width 6 or 8"):
        msgspec.json.decode(b'{"vocabulary": 7, "context": 6, "width": 7}', type=Transformer)


def test_what_reads_plans_and_judges_a_model_loads_no_flax():
    read = "testbed.model.size, testbed.model.assumptions, testbed.studies.grid, testbed.studies.noise, testbed.judging"
    late = "testbed.studies.grid.finished, testbed.studies.grid.page.content, testbed.studies.noise.page.content"
    program = f"import sys, {read}, {late}, testbed.measure.regret; print({{'flax', 'optax'}} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
