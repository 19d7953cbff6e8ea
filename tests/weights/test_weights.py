"""What is planted is there: plain averages, kinks at the mean, Gaussian logits of a known law; liars are told apart."""

from typing import get_args

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.model import observing
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.relu import Relu
from testbed.model.initial import init
from testbed.model.noise.gaussian import Gaussian
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from testbed.sources import Iid, InContextMarkov, Markov, Polya
from testbed.theory.random_energy import participation
from testbed.weights import AnyWeights, Fresh, GaussianLogits, Kink, Uniform
from tests.studies.noise.predictions import within

SHELF = catalog.shelf("testbed.weights")
WORLD = Markov(vocabulary=5, concentration=0.4, smoothing=0.05)
PAPER = {"layout": "paper", "positions": "none", "layers": 2}
PLANTED = {
    "fresh": (set(), set()),
    "uniform": ({"start_M"}, {"query_MHK"}),
    "kink": ({"start_M"}, {"query_MHK", "up_F"}),
    "gaussian_logits": ({"start_M", "token_VM"}, {"query_MHK", "key_MHK", "value_MHK", "mix_HKM"}),
}


def model(**switches):
    return Transformer(**({"vocabulary": 5, "context": 64, "width": 8} | PAPER | switches))


def noisy(**switches):
    """A model for Gaussian logits."""
    narrow = {"width": 4, "heads": 1, "head_width": 1, "query_bound": 1.0, "embedding_noise": Gaussian(deviation=0.6)}
    return model(**(narrow | switches))


def drawn(weights, config, world=WORLD, seed=0):
    return weights.parameters(config, world, key=jax.random.key(seed))


def test_the_union_holds_the_shelf_and_decodes_it():
    assert set(get_args(AnyWeights)) == set(SHELF.values())
    for name, kind in SHELF.items():
        assert msgspec.json.decode(msgspec.json.encode(kind()))["kind"] == name
        assert msgspec.json.decode(msgspec.json.encode(kind()), type=AnyWeights) == kind()


@pytest.mark.parametrize("name", SHELF)
def test_only_what_is_planted_differs_from_fresh(name):
    config = noisy()
    fresh, planted = init(config, key=jax.random.key(0)), drawn(SHELF[name](), config)
    assert jax.tree.structure(fresh) == jax.tree.structure(planted)
    changed = {
        (len(path), path[-1].key)
        for (path, old), new in zip(jax.tree.leaves_with_path(fresh), jax.tree.leaves(planted), strict=True)
        if old.shape != new.shape or old.dtype != new.dtype or (old != new).any()
    }
    top, first = PLANTED[name]
    assert changed == {(1, key) for key in top} | {(3, key) for key in first}
    for key in set(fresh["blocks"]["layer_1"]):
        np.testing.assert_array_equal(fresh["blocks"]["layer_1"][key], planted["blocks"]["layer_1"][key])


def tokens(length=16, batch=64, symbols=5):
    return jax.random.randint(jax.random.key(3), (batch, length), 0, symbols)


def is_plain_average(weights, config):
    last_BHS = observing.observe(config, drawn(weights, config), tokens(), last=True).weights_NBHS[0]
    return bool(jnp.abs(last_BHS - 1 / 16).max() < 1e-6)


@pytest.mark.parametrize("attention", [Softmax(temperature=0.1), HardMax(), TopK(count=2)], ids=str)
@pytest.mark.parametrize("weights", [Uniform(), Kink()], ids=str)
def test_uniform_attention_is_the_plain_average(weights, attention):
    assert weights.uniform and is_plain_average(weights, model(attention=attention))
    assert not is_plain_average(Fresh(), model(attention=attention))


def long_run(params, config, world=WORLD):
    """What A tends to under uniform attention, and what each symbol adds to it, in float64."""
    layer = {name: np.asarray(array, np.float64) for name, array in params["blocks"]["layer_0"].items()}
    each_VM = np.asarray(params["token_VM"], np.float64) @ np.einsum(
        "mhk,hkn->mn", layer["value_MHK"], layer["mix_HKM"]
    )
    return np.diag(world.pair_law(0)) @ each_VM, each_VM


@pytest.mark.parametrize("weights", [Uniform(), Fresh()], ids=str)
def test_the_start_has_the_mean_value(weights):
    """One position, that of the start: A is its value. The mean of A over n positions is then the same at every n."""
    config = model()
    params = drawn(weights, config)
    alone_M = observing.observe(config, params, jnp.zeros((1, 1), jnp.int32), last=True).attention_NBLM[0, 0, 0]
    assert (np.abs(alone_M - long_run(params, config)[0]).max() < 1e-6) == weights.uniform


@pytest.mark.parametrize("length", [4, 64])
def test_independent_tokens_have_the_variance_of_their_values(length):
    """n tr Cov A = (1 − 1/n) tr Cov v, as one of the n positions is the start."""
    world, config = Iid(vocabulary=5, concentration=1.0), model(layers=1)
    params = drawn(Uniform(), config, world)
    _, each_VM = long_run(params, config, world)
    variance = np.trace(np.cov(each_VM.T, aweights=world.law(), ddof=0)) / length
    query_B, parts_3BM = within.seen(world, config, params, length, 40_000)
    measured = [each[0] for each in within.spread(np.zeros_like(query_B), parts_3BM)]
    assert within.agrees((1 - 1 / length) * variance, measured) and measured[1] < 0.01 * measured[0]
    assert not within.agrees(1.05 * (1 - 1 / length) * variance, measured)
    assert length > 4 or not within.agrees(variance, measured), "a liar that forgets the start"


def hidden_at_the_mean(params, config, factor):
    layer = params["blocks"]["layer_0"]
    mean_M = long_run(params, config)[0]
    return np.abs(factor * mean_M @ np.asarray(layer["up_MF"], np.float64) + np.asarray(layer["up_F"])).max()


def test_the_kink_is_at_the_mean():
    config = model(feedforward=Relu())
    assert hidden_at_the_mean(drawn(Kink(), config), config, 1.0) < 1e-6
    assert hidden_at_the_mean(drawn(Uniform(), config), config, 1.0) > 0.01
    held = model(feedforward=Relu(), feedforward_lipschitz=0.5)
    params = drawn(Kink(), held)
    layer = {name: np.asarray(params["blocks"]["layer_0"][name], np.float64) for name in ("up_MF", "down_FM")}
    factor = np.sqrt(0.5 / (np.linalg.norm(layer["up_MF"], 2) * np.linalg.norm(layer["down_FM"], 2)))
    assert hidden_at_the_mean(params, held, factor) < 1e-6
    assert hidden_at_the_mean(params, held, 1.0) > 0.01, "a liar that forgets the limit on the matrices"


LOGITS = {
    "plain": (1.0, {}),
    "wide": (2.0, {"scale": "1/d", "logit_gain": 3.0}),
    "cold": (0.5, {"attention": Softmax(temperature=0.25)}),
}


@pytest.mark.parametrize("name", LOGITS)
def test_logits_are_gaussian_and_the_start_has_no_weight(name):
    deviation, switches = LOGITS[name]
    config, weights = noisy(layers=1, **switches), GaussianLogits(deviation=deviation)
    assert weights.logit_deviation == deviation
    params = drawn(weights, config)
    found = observing.observe(config, params, tokens(65, 512), last=True, key=jax.random.key(1))
    weights_BS = np.asarray(found.weights_NBHS[0, :, 0], np.float64)
    assert weights_BS[:, 0].max() < 1e-12
    logit_BS = np.log(weights_BS[:, 1:])
    squares_B, fourths_B = logit_BS.var(axis=1, ddof=1), ((logit_BS - logit_BS.mean(1, keepdims=True)) ** 4).mean(1)
    assert within.agrees(deviation**2, (squares_B.mean(), squares_B.std() / 512**0.5))
    expected = 3 * deviation**4 * (1 - 1 / 64) ** 2
    assert within.agrees(expected, (fourths_B.mean(), fourths_B.std() / 512**0.5))
    gain = config.logit_gain / getattr(config.attention, "temperature", 1.0)
    assert gain == 1 or not within.agrees((gain * deviation) ** 2, (squares_B.mean(), squares_B.std() / 512**0.5))


@pytest.mark.parametrize(("name", "length"), [("plain", 9), ("wide", 65), ("cold", 65)])
def test_noise_under_gaussian_logits_is_that_of_their_participation(name, length):
    deviation, switches = LOGITS[name]
    config = noisy(layers=1, **switches)
    params = drawn(GaussianLogits(deviation=deviation), config)
    query_B, parts_3BM = within.seen(WORLD, config, params, length, 20_000)
    measured = [each[0] for each in within.spread(query_B, parts_3BM)]
    share = 0.6**2 / (length - 1)
    assert within.agrees(share * participation(deviation, length - 1).value, measured)
    assert not within.agrees(share * np.exp(deviation**2) * 1.1, measured)
    assert (np.abs(parts_3BM[0].mean(0)) < 4 * parts_3BM[0].std(0) / 20_000**0.5).all()


@pytest.mark.parametrize(
    ("weights", "config", "world", "rule"),
    [
        (Uniform(), {"layout": "prenorm"}, WORLD, "layout='prenorm'.*must be 'paper'"),
        (Uniform(), {"positions": "learned"}, WORLD, "positions='learned'.*depend on n"),
        (Uniform(), {"value_bound": 1.0}, WORLD, "value_bound=1.0.*it would shorten a value"),
        (Uniform(), {"attention": L2Distance()}, WORLD, "attention=L2Distance.*scores equal"),
        (Kink(), {"layout": "prenorm"}, WORLD, "layout='prenorm'"),
        (Uniform(), {}, InContextMarkov(vocabulary=5), "pair law"),
        (GaussianLogits(), {"heads": 2}, WORLD, "heads=2.*must be 1"),
        (GaussianLogits(), {"head_width": None}, WORLD, "head_width=None"),
        (GaussianLogits(), {"width": 2}, WORLD, "width=2.*at least 3"),
        (GaussianLogits(), {"query_bound": None}, WORLD, "query_bound=None"),
        (GaussianLogits(), {"key_bound": 1.0}, WORLD, "key_bound=1.0"),
        (GaussianLogits(), {"embedding_noise": None}, WORLD, "embedding_noise=None.*must be Gaussian"),
        (GaussianLogits(), {"embedding_noise": Student()}, WORLD, "must be Gaussian"),
        (GaussianLogits(), {"attention": L2Distance()}, WORLD, "distances"),
    ],
)
def test_models_that_cannot_be_planted_into_are_refused(weights, config, world, rule):
    make = noisy if isinstance(weights, GaussianLogits) else model
    with pytest.raises(ValueError, match=rule):
        drawn(weights, make(**config), world)


def test_a_spread_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"deviation=0.0.*weights uniform"):
        GaussianLogits(deviation=0.0)


def test_worlds_of_any_kind_have_fresh_parameters():
    np.testing.assert_array_equal(
        drawn(Fresh(), model(), Polya(vocabulary=5))["start_M"], init(model(), key=jax.random.key(0))["start_M"]
    )
