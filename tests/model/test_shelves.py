"""Laws of every attention and every nonlinearity, and an oracle for each that the shelf holds today."""

from typing import get_args

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed import catalog
from testbed.model import network
from testbed.model.attention import AnyAttention
from testbed.model.attention.softmax import Softmax
from testbed.model.feedforward import AnyFeedforward
from testbed.model.feedforward.gelu import Gelu
from testbed.model.feedforward.relu import Relu

ATTENTIONS = catalog.shelf("testbed.model.attention")
NONLINEARITIES = catalog.shelf("testbed.model.feedforward")
attentions = pytest.mark.parametrize("attention", [kind() for kind in ATTENTIONS.values()], ids=list(ATTENTIONS))
nonlinearities = pytest.mark.parametrize("kind", [kind() for kind in NONLINEARITIES.values()], ids=list(NONLINEARITIES))


def heads(seed=0, length=7, spread=1.0):
    return spread * jax.random.normal(jax.random.key(seed), (3, length, 2, 4))


def is_a_causal_law(weights_HLL):
    rows = np.asarray(weights_HLL, np.float64)
    causal = (rows[:, ~np.tri(rows.shape[1], dtype=bool)] == 0).all()
    return bool(causal and (rows >= 0).all() and np.abs(rows.sum(axis=-1) - 1).max() < 1e-5)


@pytest.mark.parametrize(
    ("union", "shelf"), [(AnyAttention, ATTENTIONS), (AnyFeedforward, NONLINEARITIES)], ids=["attention", "feedforward"]
)
def test_the_union_holds_the_shelf_and_decodes_it(union, shelf):
    assert set(get_args(union) or (union,)) == set(shelf.values())
    for name, kind in shelf.items():
        encoded = msgspec.json.encode(kind())
        assert msgspec.json.decode(encoded)["kind"] == name
        assert msgspec.json.decode(encoded, type=union) == kind()
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"kind": "unheard-of"}', type=union)


@attentions
def test_weights_are_laws_on_the_past(attention):
    q, k, _ = heads()
    weights_HLL = attention.weights(q, k, scale=0.5)
    assert is_a_causal_law(weights_HLL)
    assert not is_a_causal_law(jnp.roll(weights_HLL, 1, axis=-1))
    assert not is_a_causal_law(weights_HLL * 1.001)


@attentions
def test_the_output_is_the_average_under_the_weights(attention):
    q, k, v = heads()
    weights_HLL = np.asarray(attention.weights(q, k, scale=0.5), np.float64)
    np.testing.assert_allclose(attention(q, k, v, scale=0.5), np.einsum("hts,shk->thk", weights_HLL, v), atol=1e-5)


@attentions
@pytest.mark.parametrize("spread", [0.0, 1.0, 100.0])
def test_values_and_gradients_stay_finite(attention, spread):
    q, k, v = heads(spread=spread)
    gradients = jax.grad(lambda *qkv: jnp.sum(jnp.square(attention(*qkv, scale=1.0))), (0, 1, 2))(q, k, v)
    assert all(np.isfinite(x).all() for x in (attention(q, k, v, scale=1.0), *gradients))


def test_softmax_against_a_loop():
    q, k, v = np.asarray(heads(), np.float64)
    out = np.zeros_like(q)
    for h in range(q.shape[1]):
        for t in range(len(q)):
            mass = [np.exp(0.7 * sum(q[t, h, i] * k[s, h, i] for i in range(4))) for s in range(t + 1)]
            out[t, h] = sum(m * v[s, h] for s, m in enumerate(mass)) / sum(mass)
    single = (jnp.asarray(x, jnp.float32) for x in (q, k, v))
    np.testing.assert_allclose(Softmax()(*single, scale=0.7), out, atol=1e-6, rtol=1e-5)


def test_rotary_scores_depend_on_distance_alone():
    q_K, k_K = jax.random.normal(jax.random.key(2), (2, 6))
    q_BLHK, k_BLHK = (network._rotate(jnp.broadcast_to(x, (1, 9, 1, 6))) for x in (q_K, k_K))
    scores_LL = np.einsum("tk,sk->ts", q_BLHK[0, :, 0], k_BLHK[0, :, 0])
    for lag in range(-8, 9):
        assert np.ptp(np.diagonal(scores_LL, lag)) < 1e-5
    assert np.ptp(scores_LL[0]) > 0.1
    queries_alone_L = np.asarray(q_BLHK[0, :, 0]) @ np.asarray(k_K)  # a liar: its score at distance zero moves
    assert np.ptp(queries_alone_L) > 0.1


@nonlinearities
def test_rows_do_not_mix(kind):
    x_LF = heads(seed=3)[:, 0, 0]
    jacobian_LFLF = np.asarray(jax.jacrev(kind)(x_LF))
    assert kind(x_LF).shape == x_LF.shape and kind(x_LF).dtype == np.float32
    assert np.abs(jacobian_LFLF[np.arange(3), :, np.arange(3)]).max() > 0
    assert not jacobian_LFLF.transpose(0, 2, 1, 3)[~np.eye(3, dtype=bool)].any()


def test_nonlinearities_against_their_definitions():
    from scipy.special import ndtr

    x_LF = jnp.linspace(-6, 6, 1001, dtype=jnp.float32).reshape(7, -1)
    exact_LF = np.asarray(x_LF, np.float64) * ndtr(np.asarray(x_LF, np.float64))
    assert 1e-5 < np.abs(np.asarray(Gelu()(x_LF)) - exact_LF).max() < 5e-4
    np.testing.assert_array_equal(Relu()(x_LF), np.maximum(x_LF, 0))
