"""Slopes against the singular values of whole Jacobians, and against what the switches promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.model import network
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.model.lipschitz import attention_lipschitz, feedforward_lipschitz, local_lipschitz
from testbed.model.transformer import Transformer


def small(**switches):
    return Transformer(vocabulary=7, context=6, width=8, **{"positions": "none", "layers": 1} | switches)


def dense(function, x):
    """Return the largest singular value of the whole Jacobian, in float64."""
    jacobian = np.asarray(jax.jacrev(function)(x), np.float64)
    return np.linalg.norm(jacobian.reshape(-1, x.size), 2)


CONFIGS = [
    small(),
    small(layout="paper", attention=L2Distance(), feedforward=Relu()),
    small(positions="rotary", attention=Softmax(temperature=0.3), query_bound=1.0, feedforward_lipschitz=0.5),
]


@pytest.mark.parametrize("config", CONFIGS, ids=["plain", "distance", "bounded"])
def test_slopes_are_the_largest_singular_values(config, perturbed):
    params, x_BLM = perturbed(config), jax.random.normal(jax.random.key(1), (2, 5, 8))
    found = attention_lipschitz(config, params, 0, x_BLM, key=jax.random.key(2), steps=300)
    expected_B = [dense(lambda x: network.attend(config, params, 0, x[None])[0], x_LM) for x_LM in x_BLM]
    np.testing.assert_allclose(found.value, expected_B, rtol=1e-3)
    x_BM = x_BLM.reshape(-1, 8)[:4]
    found = feedforward_lipschitz(config, params, 0, x_BM, key=jax.random.key(2), steps=300)
    expected_B = [dense(lambda x: network.feed(config, params, 0, x[None, None])[0, 0], x_M) for x_M in x_BM]
    np.testing.assert_allclose(found.value, expected_B, rtol=1e-3)
    if config.feedforward_lipschitz is not None:
        assert found.value.max() <= config.feedforward_lipschitz


def test_the_residual_tells_of_an_iteration_that_has_not_settled():
    matrix = jnp.diag(jnp.array([1.0, 0.98, 0.5, 0.1]))
    hasty, patient = (
        local_lipschitz(lambda x: matrix @ x, jnp.zeros(4), key=jax.random.key(0), steps=steps) for steps in (2, 400)
    )
    assert patient.value == pytest.approx(1.0, rel=1e-5) and patient.residual < 1e-3 < hasty.residual
    assert hasty.value < 0.999, "too few steps are the liar"
    for slope in (hasty, patient):
        nearest = np.abs(np.array([1.0, 0.98, 0.5, 0.1]) - float(slope.value)).min()
        assert nearest <= float(slope.value) * float(slope.residual) + 1e-6


def test_shapes_need_not_be_square_and_zero_is_no_trouble():
    matrix = jax.random.normal(jax.random.key(0), (3, 2, 5))
    slope = local_lipschitz(lambda x: jnp.einsum("abc,c->ab", matrix, x), jnp.ones(5), key=jax.random.key(1), steps=200)
    assert slope.value == pytest.approx(np.linalg.norm(np.asarray(matrix).reshape(6, 5), 2), rel=1e-4)
    flat = local_lipschitz(lambda x: 0 * x, jnp.ones(3), key=jax.random.key(1), steps=3)
    assert flat.value == 0 == flat.residual


def test_sharper_attention_is_steeper_and_jumps_are_not_seen(perturbed):
    x_BLM = jax.random.normal(jax.random.key(1), (4, 5, 8))
    params = perturbed(small())

    def steepest(**switches):
        config = small(**switches)
        return float(attention_lipschitz(config, params, 0, x_BLM, key=jax.random.key(0), steps=60).value.max())

    assert steepest(logit_gain=8.0) > 2 * steepest() > steepest(logit_gain=0.01)
    assert steepest(attention=HardMax()) < steepest(logit_gain=8.0), (
        "between its jumps a hard max only passes values on"
    )
    step = small(feedforward=Step())
    flat = feedforward_lipschitz(step, params, 0, x_BLM[0], key=jax.random.key(0), steps=5)
    np.testing.assert_array_equal(flat.value, 0)
