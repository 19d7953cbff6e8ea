"""Parameters: plain, reproducible, at the scale that was promised."""

import math

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.model import forward
from testbed.model.initial import init
from testbed.model.transformer import Transformer


def leaves(params, path=()):
    for name, value in params.items():
        if type(value) is dict:
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


@pytest.fixture(scope="module", params=[("paper", "none"), ("prenorm", "learned")], ids="-".join)
def family(request):
    """Three models of one config, from two keys."""
    layout, positions = request.param
    config = Transformer(vocabulary=7, context=6, width=8, layout=layout, positions=positions)
    return [init(config, key=jax.random.key(seed)) for seed in (0, 0, 1)]


def test_parameters_are_plain_float32_arrays_named_by_their_axes(family):
    for path, leaf in leaves(family[0]):
        assert type(leaf) is type(jnp.zeros(1)) and leaf.dtype == np.float32
        assert len(path[-1].rsplit("_", 1)[1]) == leaf.ndim


def test_the_key_decides(family):
    first, again, other = family
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True))
    drawn = [path for path, leaf in leaves(first) if np.ptp(leaf) > 0]
    different = [path for (path, a), (_, b) in zip(leaves(first), leaves(other), strict=True) if (a != b).all()]
    assert drawn == different


def test_no_two_parameters_share_their_numbers(family):
    drawn = [np.ravel(np.asarray(leaf, np.float64)) for _, leaf in leaves(family[0]) if np.ptp(leaf)]
    ratios = np.concatenate([array[: array.size // 2 * 2 : 2] / array[1::2] for array in drawn])
    assert len(np.unique(ratios.round(6))) == len(ratios), "ratios of neighbours do not depend on the scale"


@pytest.mark.parametrize("switch", [{"positions": "none"}, {"hidden": 100}])
def test_a_switch_leaves_the_other_parameters_alone(switch):
    base = Transformer(vocabulary=7, context=6, width=8)
    switched = msgspec.structs.replace(base, **switch)
    before, after = (dict(leaves(init(config, key=jax.random.key(5)))) for config in (base, switched))
    shared = [path for path in before.keys() & after.keys() if before[path].shape == after[path].shape]
    assert len(shared) >= 15
    assert all(np.array_equal(before[path], after[path]) for path in shared)


@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_matrices_have_their_fan_in_deviation(layout):
    config = Transformer(vocabulary=50, context=40, width=32, layout=layout)
    arrays = {path[-1]: np.asarray(leaf) for path, leaf in leaves(init(config, key=jax.random.key(0)))}
    mixed, fed = {"paper": (1, 2), "prenorm": (4, 4)}[layout]
    promised = dict.fromkeys(("query_MHK", "key_MHK", "value_MHK", "up_MF"), 32**-0.5)
    promised |= {"token_VM": 1, "position_LM": 1, "unembedding_MV": 0.1 * 32**-0.5}
    promised |= {"mix_HKM": (32 * mixed) ** -0.5, "down_FM": (128 * fed) ** -0.5}
    for name, deviation in promised.items():
        # five standard errors of a standard deviation: one false alarm in a million
        assert abs(arrays[name].std() / deviation - 1) < 5 / math.sqrt(2 * arrays[name].size), name


@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_the_first_loss_is_ln_v_even_in_deep_models(layout):
    config = Transformer(vocabulary=32, context=16, width=16, layers=8, layout=layout)
    tokens_BL = jax.random.randint(jax.random.key(1), (64, 16), 0, 32)
    logits_BLV = jax.jit(lambda p, t: forward.logits_of_batch(config, p, t))(
        init(config, key=jax.random.key(0)), tokens_BL
    )
    logp_BLV = np.asarray(jax.nn.log_softmax(logits_BLV))
    loss = -np.take_along_axis(logp_BLV, tokens_BL[..., None], axis=-1).mean()
    assert abs(loss - math.log(32)) < 0.03
