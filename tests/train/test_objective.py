"""Loss and schedule."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from testbed.cell import Optimiser
from testbed.train import objective


def test_cross_entropy_is_the_mean_negative_log_probability():
    logits_BLV = jax.random.normal(jax.random.key(0), (3, 5, 4))
    tokens_BL = jax.random.randint(jax.random.key(1), (3, 5), 0, 4)
    got = objective.cross_entropy(lambda params, tokens_BL: params[tokens_BL], logits_BLV[0], tokens_BL)
    z = np.asarray(logits_BLV[0], np.float64)
    logp = z - np.log(np.exp(z).sum(-1, keepdims=True))
    want = -np.mean([logp[t, t] for t in np.asarray(tokens_BL).ravel()])
    assert got == pytest.approx(want, abs=1e-6)


def test_schedule_rises_peaks_and_falls_to_zero():
    rates = [float(objective.schedule(jnp.int32(s), jnp.float32(0.5), jnp.int32(1000), 0.1)) for s in range(1000)]
    assert rates[0] > 0
    assert max(rates) == pytest.approx(0.5, rel=1e-3)
    assert abs(int(np.argmax(rates)) - 100) <= 1
    assert (np.diff(rates[:99]) > 0).all()
    assert (np.diff(rates[101:]) < 0).all()
    assert 0 < rates[-1] < 1e-5
    assert rates[550] == pytest.approx(0.25, rel=1e-2)


def test_step_is_adamw_of_optax():
    """The same numbers as optax's own AdamW with clipping, decay on matrices only."""
    optimiser = Optimiser(weight_decay=0.1, clip=0.7)
    params = {"w": jnp.ones((3, 2)), "b": jnp.ones(2)}
    own = objective.direction(optimiser)
    decayed = lambda tree: jax.tree.map(lambda leaf: leaf.ndim >= 2, tree)  # noqa: E731
    theirs = optax.chain(
        optax.clip_by_global_norm(0.7), optax.adamw(0.01, b1=0.9, b2=0.98, weight_decay=0.1, mask=decayed)
    )
    ours, moments, reference, state = params, own.init(params), params, theirs.init(params)
    for seed in range(5):
        gradient = jax.tree.map(lambda leaf, s=seed: jax.random.normal(jax.random.key(s), leaf.shape), params)
        ours, moments = objective.step(own, gradient, moments, ours, jnp.float32(0.01))
        with jax.numpy_dtype_promotion("standard"):
            change, state = theirs.update(gradient, state, reference)
        reference = optax.apply_updates(reference, change)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(reference), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
