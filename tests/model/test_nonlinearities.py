"""Law: nonlinearities act on each position alone, are as steep as they say, and are what they are called."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from tests.model.test_shelves import NONLINEARITIES, heads

kinks = [kind() for kind in NONLINEARITIES.values()] + [Holder(exponent=0.8)]
nonlinearities = pytest.mark.parametrize("kind", kinks, ids=str)


@nonlinearities
def test_rows_do_not_mix(kind):
    x_LF = heads(seed=3)[:, 0, 0]
    out_LF = np.asarray(kind(x_LF))
    assert out_LF.shape == x_LF.shape and out_LF.dtype == np.float32
    for row in range(3):
        moved_L = (np.asarray(kind(x_LF.at[row].multiply(-2.0))) != out_LF).any(axis=1)
        np.testing.assert_array_equal(moved_L, np.arange(3) == row)


def steepest(kind, width):
    """Return the steepest line between neighbours of a grid through zero; exact for its points, in float64."""
    x_LF = jnp.asarray(np.arange(-4, 4, width).reshape(1, -1) + width / 3, jnp.float32)
    rise, run = (np.diff(np.asarray(values, np.float64)) for values in (kind(x_LF), x_LF))
    return np.abs(rise / run).max()


@nonlinearities
def test_no_line_is_steeper_than_the_lipschitz_constant(kind):
    coarse, fine = (steepest(kind, width) for width in (2**-6, 2**-14))
    if np.isfinite(kind.lipschitz):
        assert 0.999 * kind.lipschitz < coarse < 1.0001 * kind.lipschitz, "off by a thousandth is caught"
    else:
        assert fine > 2 * coarse, "slopes grow without bound as points draw near"


@nonlinearities
def test_gradients_of_nonlinearities_are_finite_at_zero(kind):
    gradient_LF = jax.grad(lambda x_LF: kind(x_LF).sum())(jnp.array([[-1.0, 0.0, 1e-30, 2.0]]))
    assert np.isfinite(gradient_LF).all()
    assert not np.any(gradient_LF) or not isinstance(kind, Step)


def test_nonlinearities_against_their_definitions():
    from scipy.special import ndtr

    x_LF = jnp.linspace(-6, 6, 1001, dtype=jnp.float32).reshape(7, -1)
    wide_LF = np.asarray(x_LF, np.float64)
    assert 1e-5 < np.abs(np.asarray(Gelu()(x_LF)) - wide_LF * ndtr(wide_LF)).max() < 5e-4
    np.testing.assert_array_equal(Relu()(x_LF), np.maximum(x_LF, 0))
    np.testing.assert_array_equal(Step()(x_LF), (wide_LF > 0).astype(float) - (wide_LF < 0))
    for exponent in (0.25, 0.5, 0.9):
        odd_LF = np.copysign(np.exp(exponent * np.log(np.abs(wide_LF) + 1e-300)), wide_LF)
        np.testing.assert_allclose(Holder(exponent=exponent)(x_LF), odd_LF, rtol=1e-5, atol=1e-6)
    assert Holder()(jnp.zeros((1, 1))) == 0 == Step()(jnp.zeros((1, 1)))
