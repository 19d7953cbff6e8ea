"""A1 and A4 as switches: bounds hold on every vector, leave alone what keeps them, and have liars."""

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.model import constraint, forward, network, observing
from testbed.model.feedforward.relu import Relu
from testbed.model.feedforward.step import Step
from testbed.model.initial import init
from testbed.model.transformer import Transformer

# a radius or a singular value in float32 is off by some roundings of 6e-8
SLACK = 1 + 5e-6

SWITCHES = [
    {"query_bound": 0.5},
    {"key_bound": 0.5},
    {"value_bound": 0.5},
    {"logit_gain": 3.0},
    {"feedforward_lipschitz": 0.3},
    {"feedforward_bound": 0.2},
]


def small(**switches):
    return Transformer(vocabulary=7, context=6, width=8, positions="none", **switches)


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_a_switch_acts_and_moves_no_parameter(layout, switch, perturbed, tokens_L):
    base, switched = small(layout=layout), small(layout=layout, **switch)
    first, second = (init(config, key=jax.random.key(0)) for config in (base, switched))
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))
    before, after = (forward.logits(config, perturbed(base), tokens_L) for config in (base, switched))
    assert jnp.abs(before - after).max() > 1e-3


@pytest.mark.parametrize("switch", [s for s in SWITCHES if "logit_gain" not in s], ids=str)
def test_a_limit_that_is_kept_already_changes_nothing(switch, perturbed, tokens_L):
    base, loose = small(), small(**dict.fromkeys(switch, 1e4))
    params = perturbed(base)
    gradients = [jax.grad(lambda p, c=c: jnp.sum(forward.logits(c, p, tokens_L) ** 2))(params) for c in (base, loose)]
    np.testing.assert_array_equal(forward.logits(base, params, tokens_L), forward.logits(loose, params, tokens_L))
    assert all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, gradients), strict=True))


def largest_norms(config, params, tokens_L):
    seen = observing.observe(config, params, tokens_L[None])
    return {name: float(getattr(seen, f"{name}_norm_NBLH").max()) for name in ("query", "key", "value")}


@pytest.mark.parametrize("positions", ["none", "learned", "rotary"])
def test_each_vector_keeps_its_bound_and_no_other(positions, perturbed, tokens_L):
    base = Transformer(vocabulary=7, context=6, width=8, layers=1, layout="paper", positions=positions)
    params = perturbed(base)
    free = largest_norms(base, params, tokens_L)
    assert min(free.values()) > 1
    for name in free:
        held = largest_norms(msgspec.structs.replace(base, **{f"{name}_bound": 0.75}), params, tokens_L)
        assert held[name] == pytest.approx(0.75, rel=SLACK - 1)
        assert all(held[other] == free[other] for other in free if other != name)


def holds(project, radius):
    """Return whether vectors end in the ball, in their own direction, and short ones where they were."""
    x_BK = jax.random.normal(jax.random.key(0), (400, 5)) * jnp.logspace(-6, 6, 400, dtype=jnp.float32)[:, None]
    x_BK = jnp.concatenate([x_BK, jnp.zeros((1, 5))])
    out_BK = np.asarray(project(x_BK, radius), np.float64)
    before_B, after_B = (np.linalg.norm(np.asarray(x, np.float64), axis=1) for x in (x_BK, out_BK))
    inside_B = before_B <= radius
    parallel = np.abs(out_BK * before_B[:, None] - np.asarray(x_BK, np.float64) * after_B[:, None])
    return bool(
        after_B.max() <= radius * SLACK
        and (after_B[~inside_B] >= radius / SLACK).all()
        and np.array_equal(out_BK[inside_B], np.asarray(x_BK, np.float64)[inside_B])
        and (parallel <= 1e-5 * (before_B * after_B)[:, None]).all()
    )


def test_the_ball_and_its_liars():
    def clip(x, radius):  # holds coordinates, not the vector
        return jnp.clip(x, -radius, radius)

    def sphere(x, radius):  # lengthens short vectors too
        return radius * x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-30)

    def squashed(x, radius):  # never exceeds, but moves vectors that were inside
        return x / (1 + jnp.linalg.norm(x, axis=-1, keepdims=True) / radius)

    assert holds(constraint.on_ball, 2.0) and holds(constraint.on_ball, 1e-3)
    for liar in (clip, sphere, squashed, lambda x, radius: constraint.on_ball(x, 1.001 * radius)):
        assert not holds(liar, 2.0)
    gradient = jax.jacrev(lambda x: constraint.on_ball(x, 2.0))(jnp.zeros(3))
    np.testing.assert_array_equal(gradient, np.eye(3))


def test_the_gain_multiplies_every_score(perturbed, tokens_L):
    base, gained = small(layers=1), small(layers=1, logit_gain=3.0)
    params = perturbed(base)
    scaled = jax.tree.map(lambda leaf: leaf, params)
    scaled["blocks"]["layer_0"]["query_MHK"] = 3 * params["blocks"]["layer_0"]["query_MHK"]
    np.testing.assert_allclose(
        forward.logits(gained, params, tokens_L), forward.logits(base, scaled, tokens_L), atol=1e-5
    )


def feed_jacobians(config, params, spread):
    """Return the spectral norms of the feed-forward Jacobian at random inputs of one layer."""
    x_BM = spread * jax.random.normal(jax.random.key(1), (50, config.width))
    one = jax.jacrev(lambda x_M: network.feed(config, params, 0, x_M[None, None])[0, 0])
    return np.linalg.norm(np.asarray(jax.vmap(one)(x_BM), np.float64), 2, axis=(1, 2))


def lipschitz_kept(config, params):
    return bool(max(feed_jacobians(config, params, spread).max() for spread in (0.1, 1.0, 30.0)) <= 0.5 * SLACK)


@pytest.mark.parametrize("nonlinearity", ["gelu", "relu"])
def test_the_feedforward_network_keeps_its_slope(nonlinearity, perturbed):
    kinds = {} if nonlinearity == "gelu" else {"feedforward": Relu()}
    free, held = small(**kinds), small(feedforward_lipschitz=0.5, **kinds)
    params = perturbed(free)
    assert lipschitz_kept(held, params)
    assert not lipschitz_kept(free, params), "the unbound network is the first liar"
    assert not lipschitz_kept(small(feedforward_lipschitz=10.0, **kinds), params)


def test_the_slope_is_reached_where_the_whole_network_is_linear(perturbed):
    config = small(feedforward=Relu(), feedforward_lipschitz=0.5, hidden=8)
    params = perturbed(config)
    block = params["blocks"]["layer_0"]
    left, _, right = np.linalg.svd(np.asarray(block["up_MF"], np.float64))
    block["down_FM"] = jnp.asarray(right.T @ left.T, jnp.float32)  # turns what the first matrix does best onto itself
    block["up_F"] = jnp.full(8, 1e3)  # all units active
    assert feed_jacobians(config, params, 1.0).max() == pytest.approx(0.5, rel=1e-4)


def test_the_product_of_norms_is_held_by_one_factor():
    random = np.random.default_rng(0)
    up_MF, down_FM = (jnp.asarray(random.normal(size=shape), jnp.float32) for shape in ((5, 9), (9, 5)))
    held = [np.asarray(x, np.float64) for x in constraint.held(up_MF, down_FM, 0.7)]
    assert np.linalg.norm(held[0], 2) * np.linalg.norm(held[1], 2) == pytest.approx(0.7, rel=SLACK - 1)
    assert held[0][0, 0] / float(up_MF[0, 0]) == pytest.approx(held[1][0, 0] / float(down_FM[0, 0]), rel=1e-5)
    frobenius = 0.7 / (jnp.linalg.norm(up_MF) * jnp.linalg.norm(down_FM))  # a liar that overdoes it
    assert frobenius * np.linalg.norm(up_MF, 2) * np.linalg.norm(down_FM, 2) < 0.6
    zero_MF = jnp.zeros((5, 9))
    gradient_MF = jax.grad(lambda m: constraint.held(m, down_FM, 0.7)[0].sum())(zero_MF)
    np.testing.assert_array_equal(gradient_MF, np.ones((5, 9)))


def test_gradients_see_the_limit(perturbed, tokens_L):
    config = small(feedforward_lipschitz=0.3, feedforward_bound=0.5, query_bound=0.5, layers=1)
    params = perturbed(config)

    def loss(params):
        return jnp.sum(jnp.sin(forward.logits(config, params, tokens_L)))

    gradient, direction = jax.grad(loss)(params), jax.tree.map(lambda leaf: jnp.sin(7 * leaf), params)
    slope = sum(float(jnp.vdot(a, b)) for a, b in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
    ahead, behind = (jax.tree.map(lambda p, d, h=h: p + h * d, params, direction) for h in (1e-3, -1e-3))
    # central difference in float32: rounding 1e-6/1e-3 and a third derivative
    assert slope == pytest.approx(float(loss(ahead) - loss(behind)) / 2e-3, rel=2e-2)


@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_the_output_is_held(layout, perturbed, tokens_L):
    free, held = small(layout=layout), small(layout=layout, feedforward_bound=0.2)
    lengths = [
        np.linalg.norm(observing.observe(config, perturbed(free), tokens_L[None]).feedforward_NBLM, axis=-1)
        for config in (free, held)
    ]
    assert lengths[0].max() > 0.5
    np.testing.assert_allclose(lengths[1][0], np.minimum(lengths[0][0], 0.2), rtol=1e-5)
    assert lengths[1].max() <= 0.2 * SLACK


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"query_bound": 0.0}, "query_bound=0.0 is refused.*above zero"),
        ({"key_bound": -1.0}, "key_bound=-1.0 is refused"),
        ({"value_bound": float("inf")}, "value_bound=inf is refused"),
        ({"logit_gain": float("nan")}, "logit_gain=nan is refused"),
        ({"feedforward_bound": True}, "feedforward_bound=True, of type bool: it must be a number"),
        ({"feedforward_lipschitz": "1"}, "feedforward_lipschitz='1': it must be a number"),
        ({"feedforward_lipschitz": 1.0, "feedforward": Step()}, "Step.*use gelu or relu"),
    ],
)
def test_impossible_limits_are_refused(wrong, remedy):
    with pytest.raises(ValueError, match=remedy):
        small(**wrong)
