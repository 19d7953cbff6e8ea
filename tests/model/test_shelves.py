"""Laws of every attention and every nonlinearity, and an oracle for each that the shelf holds today."""

from typing import get_args

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.model import rotation
from testbed.model.attention import AnyAttention
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward import AnyFeedforward
from testbed.model.feedforward.holder import Holder
from testbed.model.noise import AnyNoise
from tests.model.test_forward import weighed

ATTENTIONS = catalog.shelf("testbed.model.attention")
NONLINEARITIES = catalog.shelf("testbed.model.feedforward")
NOISES = catalog.shelf("testbed.model.noise")
SETTINGS = [kind() for kind in ATTENTIONS.values()] + [Softmax(temperature=0.25), TopK(count=1), TopK(count=3)]
attentions = pytest.mark.parametrize("attention", SETTINGS, ids=str)


def heads(seed=0, length=7, spread=1.0):
    return spread * jax.random.normal(jax.random.key(seed), (3, length, 2, 4))


def is_a_causal_law(weights_HLL):
    rows = np.asarray(weights_HLL, np.float64)
    causal = (rows[:, ~np.tri(rows.shape[1], dtype=bool)] == 0).all()
    return bool(causal and (rows >= 0).all() and np.abs(rows.sum(axis=-1) - 1).max() < 1e-5)


@pytest.mark.parametrize(
    ("union", "shelf"),
    [(AnyAttention, ATTENTIONS), (AnyFeedforward, NONLINEARITIES), (AnyNoise, NOISES)],
    ids=["attention", "feedforward", "noise"],
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


class PeekingTopK(TopK, frozen=True, tag=None, tag_field=None):
    """A liar: it chooses its keys from the whole sequence, then keeps those of the past."""

    def weights(self, q_LHK, k_LHK, *, scale):
        mass_HLL = self.mass(self.scores(q_LHK, k_LHK, scale=scale)) + 1e-9
        past_HLL = mass_HLL * jnp.tri(len(q_LHK))[None]
        return past_HLL / past_HLL.sum(axis=-1, keepdims=True)


def moved_by_the_future(attention):
    """Return how far weights move when all keys after their query change."""
    q, k, _ = heads()
    rows = [attention.weights(q, k, scale=0.5)]
    rows += [attention.weights(q, k.at[t + 1 :].set(3 * heads(seed=9)[0][t + 1 :]), scale=0.5) for t in range(len(q))]
    return max(float(jnp.abs(rows[0][:, t] - rows[t + 1][:, t]).max()) for t in range(len(q)))


@attentions
def test_weights_do_not_heed_later_keys(attention):
    assert moved_by_the_future(attention) == 0
    assert is_a_causal_law(PeekingTopK(count=3).weights(*heads()[:2], scale=0.5)), "sums and zeros do not expose it"
    assert moved_by_the_future(PeekingTopK(count=3)) > 0.1


@attentions
def test_the_order_of_the_past_plays_no_part(attention):
    q, k, _ = heads()
    order = jnp.array([4, 0, 6, 2, 1, 5, 3])
    last_HS, shuffled_HS = (attention.weights(q, keys, scale=0.5)[:, -1] for keys in (k, k[order]))
    np.testing.assert_allclose(last_HS[:, order], shuffled_HS, atol=1e-6)


@attentions
def test_rows_move_no_faster_than_their_lipschitz_constant(attention):
    at_least = attention.lipschitz if np.isfinite(attention.lipschitz) else 1e3
    fastest, two_11S = 0.0, jnp.zeros((1, 1, 2))
    for seed in range(20):  # around a tie of two scores, where every attention of the shelf is fastest
        step_11S = 1e-4 * jax.random.normal(jax.random.key(seed), (1, 1, 2))
        a, b = (mass / mass.sum() for mass in map(attention.mass, (two_11S, two_11S + step_11S)))
        fastest = max(fastest, float(jnp.linalg.norm(b - a) / jnp.linalg.norm(step_11S)))
        if np.isfinite(attention.lipschitz):
            wide_H1S = 3 * jax.random.normal(jax.random.key(seed), (2, 1, 9))
            jacobian = jax.jacrev(lambda s: attention.mass(s)[0, 0] / attention.mass(s).sum())(wide_H1S[:1])[:, 0, 0]
            assert np.linalg.norm(jacobian, 2) <= attention.lipschitz
    if isinstance(attention, TopK) and attention.count > 1:
        return  # two keys are both kept: its jumps are tested below
    assert fastest > 0.95 * at_least
    assert fastest < 1.05 * attention.lipschitz, "a constant that is understated by a twentieth is caught"


@attentions
def test_weights_against_sorted_scores(attention):
    q, k, _ = (np.asarray(x, np.float64) for x in heads())
    single = [jnp.asarray(x, jnp.float32) for x in (q, k)]
    weights_HLL = attention.weights(*single, scale=0.7)
    for h in range(q.shape[1]):
        for t in range(len(q)):
            expected = weighed(attention, q[t, h], k[: t + 1, h], 0.7)
            np.testing.assert_allclose(weights_HLL[h, t, : t + 1], expected, atol=2e-6)


class FirstOfTheLargest(HardMax, frozen=True, tag=None, tag_field=None):
    """A liar: among tied scores it takes the first."""

    def mass(self, scores_HLS):
        return jax.nn.one_hot(scores_HLS.argmax(axis=-1), scores_HLS.shape[-1])


def shares_ties(attention, share):
    q, k, _ = heads()
    best = k[0] + 9 * q[-1]  # the last query's largest score, at three of the seven places
    tied = k.at[jnp.array([1, 3, 4])].set(best)
    last_HS = np.asarray(attention.weights(q, tied, scale=1.0)[:, -1])
    return bool(np.abs(last_HS[:, [1, 3, 4]] - share).max() < 1e-6)


def test_ties_are_shared():
    assert shares_ties(HardMax(), 1 / 3) and shares_ties(TopK(count=1), 1 / 3) and shares_ties(TopK(count=2), 1 / 3)
    assert not shares_ties(FirstOfTheLargest(), 1 / 3)
    q, k, _ = heads()
    equal_HLL = HardMax().weights(jnp.zeros_like(q), k, scale=1.0)
    np.testing.assert_allclose(equal_HLL[0], np.tri(7) / np.arange(1, 8)[:, None], atol=1e-7)


def test_top_k_keeps_as_many_as_it_says_and_jumps_where_they_change():
    q, k, _ = heads()
    held = [int((TopK(count=count).weights(q, k, scale=1.0)[0, -1] > 0).sum()) for count in (1, 2, 5, 7, 9)]
    assert held == [1, 2, 5, 7, 7]
    below, above = [jnp.array([[[1.0, 0.5, 0.5 + gap]]]) for gap in (-1e-4, 1e-4)]
    jump = TopK(count=2).mass(below) - TopK(count=2).mass(above)
    assert jnp.abs(jump).max() > 0.5


def test_limits_of_the_shelf_meet():
    q, k, v = heads()
    coldest = [Softmax(temperature=1e-3), TopK(count=1)]
    for attention, limit in [(TopK(count=7), Softmax()), *((each, HardMax()) for each in coldest)]:
        np.testing.assert_allclose(attention(q, k, v, scale=1.0), limit(q, k, v, scale=1.0), atol=1e-6)
    np.testing.assert_allclose(  # equal lengths: distances order keys as products do
        L2Distance()(q, k / jnp.linalg.norm(k, axis=-1, keepdims=True), v, scale=0.5),
        Softmax()(q, k / jnp.linalg.norm(k, axis=-1, keepdims=True), v, scale=1.0),
        atol=1e-5,
    )


def test_hard_max_and_the_choice_of_top_k_hand_queries_no_gradient():
    q, k, v = heads()
    for attention, silent in ((HardMax(), True), (TopK(count=1), True), (TopK(count=3), False), (Softmax(), False)):
        gradient = jax.grad(lambda q, attention=attention: jnp.sum(attention(q, k, v, scale=1.0) ** 2))(q)
        assert (float(jnp.abs(gradient).max()) < 1e-4) == silent


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: Softmax(temperature=0.0), "temperature=0.0.*above zero"),
        (lambda: TopK(count=0), "count=0.*use 1 or more"),
        (lambda: TopK(count=2.0), "count=2.0.*whole number"),
        (lambda: Holder(exponent=1.0), "exponent=1.0.*between 0 and 1"),
    ],
)
def test_impossible_settings_are_refused(make, remedy):
    with pytest.raises(ValueError, match=remedy):
        make()


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
    turn = rotation.turn(np.arange(9), 6)
    q_BLHK, k_BLHK = (rotation.rotate(jnp.broadcast_to(x, (1, 9, 1, 6)), turn) for x in (q_K, k_K))
    scores_LL = np.einsum("tk,sk->ts", q_BLHK[0, :, 0], k_BLHK[0, :, 0])
    for lag in range(-8, 9):
        assert np.ptp(np.diagonal(scores_LL, lag)) < 1e-5
    assert np.ptp(scores_LL[0]) > 0.1
    queries_alone_L = np.asarray(q_BLHK[0, :, 0]) @ np.asarray(k_K)  # a liar: its score at distance zero moves
    assert np.ptp(queries_alone_L) > 0.1
