"""The forward against an independent one: float64 numpy, one position and one head at a time."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.model import forward
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.relu import Relu
from testbed.model.initial import init
from testbed.model.transformer import Transformer

# float32 forward of two small layers: 1e-5 is about a hundred roundings of numbers near one.
ROUNDING = 1e-5


def nonlinearity(kind, x):
    if kind == "relu":
        return np.where(x > 0, x, 0)
    if kind == "step":
        return np.where(x > 0, 1.0, -1.0)
    if kind == "holder":
        return np.where(x > 0, 1.0, -1.0) * np.sqrt(np.abs(x))
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def normalised(x, gain):
    return x / np.sqrt((x**2).mean() + 1e-6) * gain


def turned(x, position):
    half = len(x) // 2
    angle = position * 10_000.0 ** (-2 * np.arange(half) / len(x))
    turned = (x[:half] + 1j * x[half:]) * np.exp(1j * angle)
    return np.concatenate([turned.real, turned.imag])


def held(x, bound):
    length = np.sqrt((x**2).sum())
    return x if bound is None or length <= bound else x * (bound / length)


def weighed(attention, q, keys, scale):
    """Return the weights of one query by sorting its scores."""
    kind = attention.__struct_config__.tag
    scores = np.array([-scale * ((q - k) ** 2).sum() if kind == "l2_distance" else q @ k * scale for k in keys])
    kept = {"hard_max": 1, "top_k": getattr(attention, "count", None)}.get(kind, len(keys))
    mass = np.exp((scores - scores.max()) / getattr(attention, "temperature", 1.0))
    mass[scores < sorted(scores, reverse=True)[:kept][-1]] = 0
    return mass / mass.sum()


def attended(config, p, rows):
    out = np.zeros((len(rows), config.width))
    d = p["query_MHK"].shape[2]
    scale = config.logit_gain * {"1/d": 1 / d, "1/sqrt(d)": d**-0.5}[config.scale]
    for t in range(len(rows)):
        for h in range(config.heads):
            q = held(rows[t] @ p["query_MHK"][:, h], config.query_bound)
            keys = [held(row @ p["key_MHK"][:, h], config.key_bound) for row in rows[: t + 1]]
            values = [held(row @ p["value_MHK"][:, h], config.value_bound) for row in rows[: t + 1]]
            if config.positions == "rotary":
                q, keys = turned(q, t), [turned(k, s) for s, k in enumerate(keys)]
            out[t] += weighed(config.attention, q, keys, scale) @ np.array(values) @ p["mix_HKM"][h]
    return out


STEEPEST = {"relu": 1.0, "gelu": 1.128993}


def fed(config, p, row):
    kind = config.feedforward.__struct_config__.tag
    factor = 1.0
    if config.feedforward_lipschitz is not None:
        norms = [np.sqrt(np.linalg.eigvalsh(p[name] @ p[name].T).max()) for name in ("up_MF", "down_FM")]
        factor = min(1.0, np.sqrt(config.feedforward_lipschitz / (norms[0] * norms[1] * STEEPEST[kind])))
    hidden = nonlinearity(kind, factor * row @ p["up_MF"] + p["up_F"])
    return held(factor * hidden @ p["down_FM"] + p["down_M"], config.feedforward_bound)


def oracle(config, params, tokens):
    """Return (logits, the output of each layer)."""
    p = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    rows = np.array([p["start_M"]] + [p["token_VM"][token] for token in tokens[:-1]])
    if config.positions == "learned":
        rows = rows + p["position_LM"][: len(rows)]
    layers = []
    for index in range(config.layers):
        block = p["blocks"][f"layer_{index}"]
        if config.layout == "paper":
            mixed = attended(config, block, rows)
            rows = mixed + np.array([fed(config, block, row) for row in mixed])
        else:
            gain = block["attention_gain_M"], block["feedforward_gain_M"]
            rows = rows + attended(config, block, np.array([normalised(row, gain[0]) for row in rows]))
            rows = rows + np.array([fed(config, block, normalised(row, gain[1])) for row in rows])
        layers.append(rows)
    last = rows if config.layout == "paper" else np.array([normalised(row, p["gain_M"]) for row in rows])
    return last @ p["unembedding_MV"], np.array(layers)


def test_forward_equals_the_oracle(config, compiled, params, tokens_L):
    logits_LV, hidden_NLM = oracle(config, params, tokens_L)
    assert np.ptp(logits_LV, axis=0).min() > 0.01, "rows that hardly differ would test little"
    for measured, expected in zip(compiled(params, tokens_L), (logits_LV, hidden_NLM), strict=True):
        np.testing.assert_allclose(measured, expected, atol=ROUNDING, rtol=ROUNDING)


@pytest.mark.parametrize("kind", catalog.shelf("testbed.model.feedforward"))
def test_shapes_that_are_set_by_hand(kind, perturbed, tokens_L):
    feedforward = catalog.shelf("testbed.model.feedforward")[kind]()
    config = Transformer(
        vocabulary=7, context=9, width=5, layers=3, heads=3, head_width=2, hidden=11, feedforward=feedforward
    )
    params = perturbed(config)
    expected_LV = oracle(config, params, tokens_L)[0]
    np.testing.assert_allclose(
        jax.jit(functools.partial(forward.logits, config))(params, tokens_L), expected_LV, atol=ROUNDING, rtol=ROUNDING
    )


SWITCHES = [
    {"attention": Softmax(temperature=0.4)},
    {"attention": L2Distance()},
    {"attention": HardMax()},
    {"attention": TopK(count=2)},
    {"query_bound": 0.6, "logit_gain": 2.5},
    {"key_bound": 0.6},
    {"value_bound": 0.6},
    {"feedforward_lipschitz": 0.4, "feedforward": Relu()},
    {"feedforward_lipschitz": 0.4, "feedforward_bound": 0.5},
]


@pytest.mark.parametrize("switch", SWITCHES, ids=str)
@pytest.mark.parametrize(("layout", "positions"), [("paper", "none"), ("prenorm", "rotary")])
def test_every_switch_equals_the_oracle_and_acts(switch, layout, positions, perturbed, tokens_L):
    base = Transformer(vocabulary=7, context=6, width=8, layout=layout, positions=positions)
    config, params = msgspec.structs.replace(base, **switch), perturbed(base)
    expected_LV = oracle(config, params, tokens_L)[0]
    np.testing.assert_allclose(
        jax.jit(functools.partial(forward.logits, config))(params, tokens_L), expected_LV, atol=ROUNDING, rtol=ROUNDING
    )
    assert np.abs(expected_LV - oracle(base, params, tokens_L)[0]).max() > 100 * ROUNDING


def test_the_oracle_rejects_the_other_switch(config, compiled, params, tokens_L):
    liar = msgspec.structs.replace(config, scale={"1/d": "1/sqrt(d)", "1/sqrt(d)": "1/d"}[config.scale])
    assert np.abs(compiled(params, tokens_L)[0] - oracle(liar, params, tokens_L)[0]).max() > 100 * ROUNDING


@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_a_batch_of_shorter_sequences_is_a_vmap(layout, perturbed):
    config = Transformer(vocabulary=7, context=6, width=8, layout=layout)
    tokens_BL = jax.random.randint(jax.random.key(1), (3, 4), 0, config.vocabulary)
    together_BLV = jax.jit(functools.partial(forward.logits_of_batch, config))(perturbed(config), tokens_BL)
    apart_BLV = jax.jit(jax.vmap(functools.partial(forward.logits, config), (None, 0)))(perturbed(config), tokens_BL)
    np.testing.assert_allclose(together_BLV, apart_BLV, atol=ROUNDING)
    np.testing.assert_allclose(together_BLV[0], oracle(config, perturbed(config), tokens_BL[0])[0], atol=ROUNDING)


def test_lanes_have_the_gradients_of_lone_models(tokens_L):
    config = Transformer(vocabulary=7, context=6, width=4, layers=1)
    gradient = jax.grad(lambda params: jnp.mean(jnp.square(forward.logits_of_batch(config, params, tokens_L[None]))))
    lanes = [init(config, key=jax.random.key(seed)) for seed in range(2)]
    packed = jax.jit(jax.vmap(gradient))(jax.tree.map(lambda *leaves: jnp.stack(leaves), *lanes))
    for lane, lone in enumerate(map(jax.jit(gradient), lanes)):
        jax.tree.map(lambda a, b, lane=lane: np.testing.assert_allclose(a[lane], b, atol=ROUNDING), packed, lone)


@pytest.mark.parametrize(
    ("layout", "positions", "moves"),
    [("paper", "none", False), ("prenorm", "none", False), ("prenorm", "learned", True), ("prenorm", "rotary", True)],
)
def test_without_positions_one_layer_sees_a_bag_and_the_last_token(layout, positions, moves, perturbed, tokens_L):
    config = Transformer(vocabulary=7, context=6, width=8, layers=1, layout=layout, positions=positions)
    logits, params = jax.jit(functools.partial(forward.logits, config)), perturbed(config)
    shuffled_L = tokens_L[jnp.array([2, 0, 3, 1, 4, 5])]  # the query of the last row, at index 4, keeps its place
    difference = np.abs(logits(params, tokens_L)[-1] - logits(params, shuffled_L)[-1]).max()
    assert difference > 100 * ROUNDING if moves else difference < ROUNDING


def test_layers_run_in_their_order_past_ten(perturbed, tokens_L):
    config = Transformer(vocabulary=7, context=6, width=2, heads=1, layers=12)
    params = perturbed(config)
    expected_LV = oracle(config, params, tokens_L)[0]
    np.testing.assert_allclose(
        jax.jit(functools.partial(forward.logits, config))(params, tokens_L), expected_LV, atol=10 * ROUNDING
    )
