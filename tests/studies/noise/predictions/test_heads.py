"""The first layer in float64 does what the model does: attention, feed-forward network and slopes, with liars."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.model import network as flax_network
from testbed.model import observing
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.relu import Relu
from testbed.model.initial import init
from testbed.model.noise.gaussian import Gaussian
from testbed.model.transformer import Transformer
from testbed.sources import Absent
from testbed.studies.noise.predictions import passage
from testbed.studies.noise.predictions.heads import EPSILON, fed, heads, network
from tests.theory import tokens

SYMBOLS, ROUNDING = 5, 2e-5
BOUNDS = {"query_bound": 0.8, "key_bound": 0.7, "value_bound": 0.6}
MODELS = {
    "paper": {},
    "prenorm": {"layout": "prenorm", "feedforward_bound": 0.2, "feedforward_lipschitz": 0.3},
    "bounds": BOUNDS | {"feedforward_lipschitz": 0.3},
    "cold": {"attention": Softmax(temperature=0.3), "logit_gain": 2.0, "scale": "1/d"},
    "distance": {"attention": L2Distance(), "layout": "prenorm"} | BOUNDS,
    "clipped": {"attention": L2Distance(), "feedforward_bound": 0.2},
}


def model(**switches):
    plain = {"vocabulary": SYMBOLS, "context": 9, "width": 6, "layers": 1, "layout": "paper", "positions": "none"}
    return Transformer(**(plain | switches))


@functools.cache
def general_position(config):
    """Parameters with no bias at zero and no gain at one."""
    random = np.random.default_rng(0)
    start = init(config, key=jax.random.key(0))
    return jax.tree.map(lambda leaf: leaf + random.normal(0, 0.3, leaf.shape).astype(np.float32), start)


@functools.cache
def observed(config):
    """Sequences and what the first layer does at their last position."""
    tokens_BL = jax.random.randint(jax.random.key(1), (12, 9), 0, SYMBOLS)
    found = jax.jit(lambda params: observing.observe(config, params, tokens_BL, last=True))(general_position(config))
    return np.asarray(tokens_BL), jax.tree.map(lambda leaf: np.asarray(leaf[0, :, 0], np.float64), found[:6])


def attention_is(config, claimed):
    """Whether softmax weights over the symbols that `claimed` offers give the attention that is observed."""
    tokens_BL, found = observed(config)
    for row_L, attention_M in zip(tokens_BL, found[2], strict=True):
        offered = heads(claimed, general_position(config), int(row_L[-2]), start=True)
        seen_1L = np.concatenate([[SYMBOLS], row_L[:-1]])[None]
        if np.abs(tokens.attended(offered, seen_1L)[0] - attention_M).max() > ROUNDING:
            return False
    return True


@pytest.mark.parametrize("name", MODELS)
def test_heads_attend_as_the_model_does(name):
    config = model(**MODELS[name])
    assert attention_is(config, config)


LIARS = {
    "bounds": [{"query_bound": None}, {"key_bound": None}, {"value_bound": None}],
    "cold": [{"attention": Softmax()}, {"logit_gain": 1.0}, {"scale": "1/sqrt(d)"}],
    "distance": [{"attention": Softmax()}, {"key_bound": None}],
}


@pytest.mark.parametrize(("name", "forgotten"), [(name, each) for name, liars in LIARS.items() for each in liars])
def test_what_is_forgotten_shows(name, forgotten):
    config = model(**MODELS[name])
    assert not attention_is(config, msgspec.structs.replace(config, **forgotten))


def test_the_start_is_one_symbol_more():
    config = model()
    bare, whole = (heads(config, general_position(config), 2, start=start) for start in (False, True))
    assert len(bare.key_VHK) == SYMBOLS == len(whole.key_VHK) - 1
    np.testing.assert_array_equal(bare.value_VHK, whole.value_VHK[:-1])


def feeds_as(config, claimed):
    tokens_BL, found = observed(config)
    for row_L, attention_M, fed_M in zip(tokens_BL, found[2], found[4], strict=True):
        mapped_M = fed(claimed, general_position(config), int(row_L[-2]))(attention_M)
        if np.abs(mapped_M - fed_M).max() > ROUNDING:
            return False
    return True


@pytest.mark.parametrize("name", MODELS)
def test_the_network_feeds_as_the_model_does(name):
    config = model(**MODELS[name])
    assert feeds_as(config, config)
    for switch in ("feedforward_bound", "feedforward_lipschitz"):
        if getattr(config, switch) is not None:
            assert not feeds_as(config, msgspec.structs.replace(config, **{switch: None}))


@pytest.mark.parametrize("name", MODELS)
def test_slopes_are_the_models(name):
    config, token = model(**MODELS[name]), 3
    params = general_position(config)
    x_M = np.linspace(-1, 1, 6)

    def forward(attention_M):
        into_M = attention_M
        if config.layout == "prenorm":
            stream_M = params["token_VM"][token] + attention_M
            gain_M = params["blocks"]["layer_0"]["feedforward_gain_M"]
            into_M = stream_M * jax.lax.rsqrt(jnp.square(stream_M).mean() + EPSILON) * gain_M
        return flax_network.feed(config, params, 0, into_M[None, None])[0, 0]

    slope_MM = np.asarray(jax.jacobian(forward)(jnp.asarray(x_M, jnp.float32)), np.float64)
    found_3MM = passage.slopes(fed(config, params, token), x_M)
    np.testing.assert_allclose(found_3MM[1], slope_MM, atol=1e-5)
    np.testing.assert_array_equal(found_3MM[0], np.eye(6))
    np.testing.assert_allclose(found_3MM[2], np.eye(6) + slope_MM, atol=1e-5)


@pytest.mark.parametrize("kind", catalog.shelf("testbed.model.feedforward").values(), ids=str)
def test_every_nonlinearity_has_a_twin(kind):
    config = model(feedforward=kind())
    plain, x_X = network(config, general_position(config)), np.linspace(-2, 2, 41)
    np.testing.assert_allclose(plain.nonlinearity(x_X), kind()(jnp.asarray(x_X, jnp.float32)[None])[0], atol=1e-6)
    if plain.derivative is not None:
        away_X = x_X[np.abs(x_X) > 0.01]
        slope_X = jax.vmap(jax.grad(lambda x: kind()(x[None, None])[0, 0]))(jnp.asarray(away_X, jnp.float32))
        np.testing.assert_allclose(plain.derivative(away_X), slope_X, atol=1e-5)


def test_norms_add_the_same_number():
    assert EPSILON == flax_network._EPSILON


@pytest.mark.parametrize(
    ("switches", "reason"),
    [
        ({"attention": HardMax()}, "no exponentials"),
        ({"attention": TopK()}, "no exponentials"),
        ({"positions": "learned"}, "learned positions"),
        ({"positions": "rotary", "width": 8}, "rotary positions"),
        ({"embedding_noise": Gaussian()}, "noise on the embeddings"),
    ],
)
def test_what_has_no_heads_says_why(switches, reason):
    config = model(**switches)
    found = heads(config, init(config, key=jax.random.key(0)), 0)
    assert isinstance(found, Absent) and reason in found.reason


def test_a_network_without_limits_is_its_own_map():
    config = model(feedforward=Relu())
    assert fed(config, general_position(config), 0).up_MF.dtype == np.float64
