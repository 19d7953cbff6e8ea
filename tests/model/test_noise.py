"""Noise on the embeddings: the promised law, independent everywhere, drawn from a key, and nowhere else."""

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.model import forward, network, observing
from testbed.model.initial import init
from testbed.model.noise.bounded import Bounded
from testbed.model.noise.gaussian import Gaussian
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer

NOISES = [kind() for kind in catalog.shelf("testbed.model.noise").values()]
noises = pytest.mark.parametrize("noise", [*NOISES, Student(freedom=1.5)], ids=str)


def draws(noise, width=4, tokens=20_000):
    keys = jax.random.split(jax.random.key(0), tokens)
    return np.asarray(jax.vmap(lambda key: noise(key=key, width=width))(keys), np.float64)


def fits(values_N, law):
    """Return whether a sample passes a Kolmogorov-Smirnov test; a right law fails once in 10^5 seeds."""
    from scipy.stats import kstest

    return kstest(values_N, law.cdf).pvalue > 1e-5


def laws():
    from scipy import stats

    yield Gaussian(deviation=0.3), stats.norm(scale=0.3), stats.norm(scale=0.32)
    for freedom in (0.7, 1.5, 3.0, 40.0):
        liar = stats.t(1.5 * freedom, scale=2.0) if freedom < 10 else stats.t(freedom, scale=2.14)
        yield Student(scale=2.0, freedom=freedom), stats.t(freedom, scale=2.0), liar


@pytest.mark.parametrize("index", range(5))
def test_coordinates_have_their_law(index):
    noise, law, liar = list(laws())[index]
    values_N = draws(noise).ravel()
    assert fits(values_N, law) and not fits(values_N, liar)


def test_bounded_noise_fills_its_ball():
    from scipy import stats

    noise_NM = draws(Bounded(radius=0.5))
    length_N = np.linalg.norm(noise_NM, axis=1)
    assert length_N.max() <= 0.5 * (1 + 1e-6)
    volume = (length_N / 0.5) ** 4  # of the ball inside, in four dimensions: uniform
    assert fits(volume, stats.uniform()) and not fits(length_N / 0.5, stats.uniform())
    assert fits((noise_NM[:, 0] > 0) + np.random.default_rng(0).random(len(noise_NM)), stats.uniform(0, 2))


@noises
def test_coordinates_and_tokens_are_uncorrelated(noise):
    signs_NM = np.sign(draws(noise))
    pairs = [signs_NM[:, 0] * signs_NM[:, 1], signs_NM[1:, 0] * signs_NM[:-1, 0], signs_NM[:, 2]]
    assert all(abs(each.mean()) < 4.5 / np.sqrt(len(each)) for each in pairs), "one false alarm in 10^5"
    assert noise(key=jax.random.key(0), width=5).dtype == np.float32


def config_with(noise, **more):
    return Transformer(vocabulary=7, context=6, width=8, embedding_noise=noise, **more)


def embedded(config, params, tokens_BL, key):
    return network.bind(config, params).trace(tokens_BL, key)[0].into_attention_BLM


@noises
def test_every_token_has_noise_of_its_own_and_the_start_none(noise, perturbed):
    quiet, noisy = (config_with(each, layout="paper") for each in (None, noise))
    params, tokens_BL = perturbed(quiet), jnp.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
    clean_BLM = embedded(quiet, params, tokens_BL, None)
    added_BLM = np.asarray(embedded(noisy, params, tokens_BL, jax.random.key(3)) - clean_BLM)
    assert not added_BLM[:, 0].any()
    assert len(np.unique(added_BLM[:, 1:].round(4))) > 75, "of 80 numbers"
    other_BLM = np.asarray(embedded(noisy, params, tokens_BL, jax.random.key(4)) - clean_BLM)
    again_BLM = np.asarray(embedded(noisy, params, tokens_BL, jax.random.key(3)) - clean_BLM)
    np.testing.assert_array_equal(added_BLM, again_BLM)
    assert (other_BLM != added_BLM)[:, 1:].mean() > 0.95
    longer_BLM = embedded(noisy, params, tokens_BL[:, :4], jax.random.key(3)) - clean_BLM[:, :4]
    np.testing.assert_array_equal(longer_BLM, added_BLM[:, :4])  # a window's noise does not depend on its length


def test_noise_without_a_key_is_refused(perturbed, tokens_L):
    noisy = config_with(Gaussian())
    params = perturbed(config_with(None))
    forwards = [
        lambda: forward.logits(noisy, params, tokens_L),
        lambda: forward.representations(noisy, params, tokens_L),
        lambda: observing.observe(noisy, params, tokens_L[None]),
        lambda: observing.last_layer_one(noisy, params, tokens_L[None]),
    ]
    for refused in forwards:
        with pytest.raises(ValueError, match=r"key=None is refused.*Gaussian.*pass key"):
            refused()


def test_without_noise_a_key_changes_nothing(perturbed, tokens_L):
    quiet = config_with(None)
    params = perturbed(quiet)
    with_key_LV = forward.logits(quiet, params, tokens_L, key=jax.random.key(0))
    np.testing.assert_array_equal(forward.logits(quiet, params, tokens_L), with_key_LV)


def test_noise_adds_no_parameter():
    first, second = (init(config_with(noise), key=jax.random.key(0)) for noise in (None, Student()))
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


@pytest.mark.parametrize("field", ["deviation", "radius", "scale", "freedom"])
def test_impossible_noise_is_refused(field):
    kind = {"deviation": Gaussian, "radius": Bounded}.get(field, Student)
    for value in (0.0, -1.0, float("inf")):
        with pytest.raises(ValueError, match=f"{field}={value} is refused"):
            msgspec.structs.replace(kind(), **{field: value})
