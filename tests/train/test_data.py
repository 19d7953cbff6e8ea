"""Which sequences a lane sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.train.data import batch_indices, shuffle

compiled = jax.jit(batch_indices, static_argnums=1)


def indices(step, batch, sequences, order=7):
    found = compiled(jnp.int32(step), batch, jnp.uint32(sequences), jnp.uint32(order))
    return np.asarray(found).tolist()


def visits(sequences, batch, steps):
    return [index for step in range(steps) for index in indices(step, batch, sequences)]


def are_passes(seen, sequences):
    """The law: cut into stretches of ``sequences``, the visits are permutations."""
    return bool((np.sort(np.array(seen).reshape(-1, sequences), axis=1) == np.arange(sequences)).all())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 31, 64, 100, 1000])
def test_shuffle_is_a_permutation_of_any_size(size):
    at = jnp.arange(size, dtype=jnp.uint32)
    moved = jax.vmap(lambda i: shuffle(i, jnp.uint32(size), jnp.uint32(3)))(at)
    assert sorted(np.asarray(moved).tolist()) == list(range(size))


def test_shuffle_mixes_like_uniform_permutations():
    """Chi-square on where index 0 lands, and on the distance of neighbours, over 4,000 seeds; false alarm 1e-4 each."""
    from scipy.stats import chisquare

    size, seeds = 16, jnp.arange(4000, dtype=jnp.uint32)
    both = jax.vmap(lambda seed: jnp.stack([shuffle(jnp.uint32(i), jnp.uint32(size), seed) for i in (0, 1)]))(seeds)
    first, second = np.asarray(both, dtype=np.int64).T
    assert chisquare(np.bincount(first, minlength=size)).pvalue > 1e-4
    assert chisquare(np.bincount((second - first) % size, minlength=size)[1:]).pvalue > 1e-4


def test_online_never_repeats_and_never_skips():
    assert visits(0, 5, 6) == list(range(30))


@pytest.mark.parametrize("sequences", [3, 4, 7, 64])
def test_every_pass_visits_each_stored_sequence_once(sequences):
    assert are_passes(visits(sequences, 4, 4 * sequences), sequences)


def test_passes_differ_in_order_and_orders_in_seed():
    first, second = np.array(visits(64, 32, 4)).reshape(2, 64)
    assert first.tolist() != second.tolist()
    assert indices(0, 32, 64, order=7) != indices(0, 32, 64, order=8)


@pytest.mark.parametrize("liar", ["with replacement", "one short", "pass begun late"])
def test_what_is_no_pass_is_refused(liar):
    honest = visits(64, 32, 8)
    assert are_passes(honest, 64)
    seen = {
        "with replacement": np.random.default_rng(0).integers(0, 64, 256).tolist(),
        "one short": [index % 63 for index in honest],
        "pass begun late": honest[1:] + honest[:1],
    }
    assert not are_passes(seen[liar], 64)
