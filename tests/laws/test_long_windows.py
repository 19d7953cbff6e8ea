"""Windows far longer than strings can be listed for, on the examples of the gallery, and liars who get there unseen.

A comparison allows five standard errors: all 4,000 of them together raise a false alarm with probability 2e-3.
"""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.laws.kernels import sampling
from testbed.sources import Absent, BlockStationary, Iid
from tests.sources.worlds import QUICK

COUNT, LENGTH, PERIOD, CUT = 2048, 96, 48, 43
ERRORS = 5
SHELF = catalog.shelf("testbed.sources")
SAMPLED = ("block_stationary", "mixture", "one_regime")
"""Worlds whose h_t are means over samples of the very entropies that they would be compared with."""

every_exhibit = pytest.mark.parametrize("name", SHELF)


@functools.partial(jax.jit, static_argnums=0, compiler_options=QUICK)
def drawn(kind, tables, keys):
    return jax.vmap(lambda key: kind.sample(tables, key=key, length=LENGTH)[0])(keys)


def read(world, tokens_BL):
    """The surprise of each token, and its mean and its variance given the tokens before it, in float64 from here on."""
    return [np.asarray(each, np.float64) for each in moments(type(world), world.tables(), tokens_BL)]


@functools.partial(jax.jit, static_argnums=0, compiler_options=QUICK)
def moments(kind, tables, tokens_BL):
    logp_BLV = jax.vmap(kind.log_predictive, in_axes=(None, 0))(tables, tokens_BL)
    surprise_BLV = jnp.where(logp_BLV > -jnp.inf, -logp_BLV, 0)
    mean_BL, square_BL = ((jnp.exp(logp_BLV) * surprise_BLV**power).sum(2) for power in (1, 2))
    return jnp.take_along_axis(-logp_BLV, tokens_BL[..., None], 2)[..., 0], mean_BL, square_BL - mean_BL**2


def exhibit(name):
    return SHELF[name].exhibit().for_window(LENGTH)


@functools.lru_cache(maxsize=32)
def samples(world, seed=0):
    return np.asarray(drawn(type(world), world.tables(), jax.random.split(jax.random.key(seed), COUNT)))


@functools.lru_cache(maxsize=32)
def reading(world):
    return read(world, samples(world))


def check_surprise(surprise_BL, mean_BL, variance_BL):
    """At every position, the surprise of the token that came is on average the entropy of its prediction."""
    error_L = np.sqrt(np.maximum(variance_BL.mean(0), 0) / len(surprise_BL))
    assert (np.abs((surprise_BL - mean_BL).mean(0)) <= ERRORS * error_L + 1e-5).all()


def check_entropies(truth, mean_BL):
    """At every position, h_t is the mean entropy of the prediction."""
    value_L = np.array([each.value for each in truth.curve])
    error_L = mean_BL.std(0) / np.sqrt(len(mean_BL)) + np.array([each.error for each in truth.curve])
    assert (np.abs(mean_BL.mean(0) - value_L) <= ERRORS * error_L + 1e-5).all()


def check_coincidences(world, tokens_BL):
    """At every lag up to half of the window, equal tokens are as frequent as the pair law says."""
    for lag in range(1, LENGTH - PERIOD + 1):
        equal_B = (tokens_BL[:, :PERIOD] == tokens_BL[:, lag : lag + PERIOD]).mean(1)
        error = equal_B.std() / np.sqrt(len(equal_B))
        assert abs(equal_B.mean() - np.trace(world.pair_law(lag))) <= ERRORS * error + 1e-9, lag


@every_exhibit
def test_tokens_are_as_surprising_as_their_prediction_says(name):
    check_surprise(*reading(exhibit(name)))


@pytest.mark.parametrize("name", [name for name in SHELF if name not in SAMPLED])
def test_predictions_are_as_uncertain_as_the_curve_says(name):
    truth, mean_BL = exhibit(name).truth(LENGTH), reading(exhibit(name))[1]
    assert all(each.method != "Monte Carlo" for each in truth.curve)
    check_entropies(truth, mean_BL)
    larger = [msgspec.structs.replace(each, value=1.01 * each.value) for each in truth.curve]
    with pytest.raises(AssertionError):
        check_entropies(msgspec.structs.replace(truth, curve=tuple(larger)), mean_BL)


@every_exhibit
def test_tokens_coincide_as_often_as_the_pair_law_says(name):
    """Of worlds that are not stationary, all but one begin anew with a period that divides the half of the window."""
    world = exhibit(name)
    if name != "in_context_markov" and not isinstance(world.pair_law(0), Absent):
        check_coincidences(world, samples(world))


def test_law_rejects_a_sampler_whose_old_blocks_never_end():
    world = exhibit("block_stationary")
    tables = world.tables()
    endless = tables._replace(ends_J=sampling.of(tables.ends_J, np.minimum(np.arange(len(tables.hazard_J)), 7)))
    tokens_BL = np.asarray(drawn(BlockStationary, endless, jax.random.split(jax.random.key(0), COUNT)))
    with pytest.raises(AssertionError):
        check_coincidences(world, tokens_BL)


@every_exhibit
def test_law_rejects_a_sampler_that_forgets_in_the_middle(name):
    """From some place on, within every block, the tokens are those of another sequence."""
    world = exhibit(name)
    forgetful_BL = np.concatenate([samples(world)[:, :CUT], samples(world, seed=1)[:, CUT:]], axis=1)
    if isinstance(world, Iid):
        check_surprise(*read(world, forgetful_BL))
        return
    with pytest.raises(AssertionError):
        check_surprise(*read(world, forgetful_BL))
