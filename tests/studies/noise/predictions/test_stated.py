"""Which assumptions an arm keeps by construction: each switch of model and world drops its own and no other."""

import msgspec
import pytest

from testbed.model.attention.hard_max import HardMax
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Iid, InContextMarkov, Markov, OneRegime
from testbed.studies.noise.predictions.stated import stated

KEPT = Transformer(
    vocabulary=2, context=8, width=4, heads=1, layout="paper", positions="none", query_bound=1.0, key_bound=1.0,
    value_bound=1.0, feedforward_lipschitz=1.0, feedforward_bound=1.0,
)  # fmt: skip
BLOCKS = BlockStationary(vocabulary=2, regimes=2, order=0)


def dropped(world=BLOCKS, **changes):
    found = stated(world, msgspec.structs.replace(KEPT, **changes))
    assert all(each.reason for each in found.values())
    return [name for name, each in found.items() if each.status == "dropped"]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"key_bound": None}, ["A1"]),
        ({"value_bound": None, "embedding_noise": Student(freedom=1.5)}, ["A1"]),
        ({"attention": HardMax()}, ["A2"]),
        ({"positions": "learned"}, ["A3"]),
        ({"feedforward": Relu()}, []),  # it has a slope, and is held
        ({"feedforward_bound": None}, ["A4"]),
        ({"feedforward": Holder(exponent=0.5), "feedforward_lipschitz": None}, ["A4"]),
        ({"attention": HardMax(), "feedforward_bound": None}, ["A2", "A4"]),
    ],
)
def test_a_switch_of_the_model_drops_its_own_assumption(changes, names):
    assert dropped(**changes) == names


@pytest.mark.parametrize(
    ("world", "names"),
    [
        (Iid(vocabulary=2), []),
        (Markov(vocabulary=2), []),
        (BLOCKS, []),
        (OneRegime(vocabulary=2, regimes=2, order=0), ["A3"]),
        (msgspec.structs.replace(BLOCKS, block_share=0.25), ["A3"]),
        (msgspec.structs.replace(BLOCKS, lengths="power_law", tail=1.5), ["A3"]),
        (msgspec.structs.replace(BLOCKS, lengths="power_law", tail=2.5), []),  # the sum is finite
        (Markov(vocabulary=2, rows=((0.0, 1.0), (1.0, 0.0))), ["A3"]),
        (InContextMarkov(vocabulary=2), ["A3"]),
    ],
)
def test_worlds_that_never_forget_drop_a3(world, names):
    assert dropped(world) == names
