"""What a model says about its assumptions follows its switches, one at a time."""

import pytest

from testbed.model.assumptions import assumptions
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer

KEPT = {
    "query_bound": 1.0,
    "key_bound": 2.0,
    "value_bound": 3.0,
    "feedforward_lipschitz": 4.0,
    "feedforward_bound": 5.0,
    "positions": "none",
}
ALL = {"A1": "kept", "A2": "kept", "A3": "left to the world", "A4": "kept"}


def stated(**switches):
    return assumptions(Transformer(vocabulary=7, context=6, width=8, **(KEPT | switches)))


@pytest.mark.parametrize(
    ("switches", "dropped", "word"),
    [
        ({}, set(), ""),
        ({"query_bound": None}, {"A1"}, "query vectors have no bound"),
        ({"key_bound": None, "value_bound": None}, {"A1"}, "key and value"),
        ({"value_bound": None, "embedding_noise": Student()}, {"A1"}, "Student"),
        ({"embedding_noise": Student()}, set(), ""),
        ({"attention": HardMax()}, {"A2"}, "jump"),
        ({"attention": TopK(count=2)}, {"A2"}, "jump"),
        ({"attention": L2Distance()}, set(), ""),
        ({"attention": Softmax(temperature=0.1)}, set(), ""),
        ({"positions": "learned"}, {"A3"}, "learned vector"),
        ({"positions": "rotary"}, {"A3"}, "turn"),
        ({"feedforward_lipschitz": None}, {"A4"}, "feedforward_lipschitz"),
        ({"feedforward_bound": None}, {"A4"}, "feedforward_bound"),
        ({"feedforward_lipschitz": None, "feedforward": Holder()}, {"A4"}, "Holder"),
        ({"feedforward_lipschitz": None, "feedforward": Step()}, {"A4"}, "Step"),
        ({"feedforward": Relu()}, set(), ""),
    ],
    ids=str,
)
def test_one_switch_drops_one_assumption(switches, dropped, word):
    found = stated(**switches)
    assert {name: state.status for name, state in found.items()} == ALL | dict.fromkeys(dropped, "dropped")
    assert all(state.reason.endswith(".") for state in found.values())
    assert all(word in found[name].reason for name in dropped)


def test_reasons_tell_the_numbers():
    found = stated(attention=Softmax(temperature=0.125), logit_gain=8.0)
    assert "|query| ≤ 1.0, |key| ≤ 2.0, |value| ≤ 3.0" in found["A1"].reason and "multiplied by 4" in found["A1"].reason
    assert "at most 4 times" in found["A2"].reason
    assert "at most 4.0" in found["A4"].reason and "5.0" in found["A4"].reason


def test_the_default_model_keeps_only_what_it_bounds():
    found = assumptions(Transformer(vocabulary=7, context=6, width=8))
    assert [state.status for state in found.values()] == ["dropped", "kept", "dropped", "dropped"]
