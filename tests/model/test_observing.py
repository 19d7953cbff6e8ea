"""What is seen inside a model is what the model does, and the long way round agrees with the whole computation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.model import observing
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.initial import init
from testbed.model.noise.bounded import Bounded
from testbed.model.noise.gaussian import Gaussian
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from tests.model.test_forward import attended, fed, normalised, oracle

ROUNDING = 2e-5


def small(**switches):
    return Transformer(
        **{"vocabulary": 7, "context": 11, "width": 8, "layout": "paper", "positions": "none"} | switches
    )


def some_tokens(batch=3, length=11):
    return jax.random.randint(jax.random.key(1), (batch, length), 0, 7)


def seen(config, params, tokens_BL, **how):
    return jax.jit(lambda params, tokens_BL: observing.observe(config, params, tokens_BL, **how))(params, tokens_BL)


def test_what_is_seen_is_what_the_model_does(config, params, tokens_L):
    found = seen(config, params, tokens_L[None])
    _, hidden_NLM = oracle(config, params, tokens_L)
    np.testing.assert_allclose(found.representation_NBLM[:, 0], hidden_NLM, atol=ROUNDING, rtol=ROUNDING)
    last = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)["blocks"]["layer_1"]
    rows_LM = hidden_NLM[0]
    if config.layout == "prenorm":
        rows_LM = np.array([normalised(row, last["attention_gain_M"]) for row in rows_LM])
    mixed_LM = attended(config, last, rows_LM)
    np.testing.assert_allclose(found.into_attention_NBLM[1, 0], rows_LM, atol=ROUNDING, rtol=ROUNDING)
    np.testing.assert_allclose(found.attention_NBLM[1, 0], mixed_LM, atol=ROUNDING, rtol=ROUNDING)
    heads_LM = np.einsum("lhk,hkm->lm", found.heads_NBLHK[1, 0], last["mix_HKM"])
    np.testing.assert_allclose(heads_LM, mixed_LM, atol=ROUNDING, rtol=ROUNDING)
    fed_LM = np.array([fed(config, last, np.asarray(row, np.float64)) for row in found.into_feedforward_NBLM[1, 0]])
    np.testing.assert_allclose(found.feedforward_NBLM[1, 0], fed_LM, atol=ROUNDING, rtol=ROUNDING)
    whole_LM = hidden_NLM[1] - (mixed_LM if config.layout == "paper" else hidden_NLM[0] + mixed_LM)
    np.testing.assert_allclose(found.feedforward_NBLM[1, 0], whole_LM, atol=ROUNDING, rtol=ROUNDING)
    for name in ("query", "key", "value"):  # turns keep lengths
        norms_LH = np.linalg.norm(np.einsum("lm,mhk->lhk", rows_LM, last[f"{name}_MHK"]), axis=-1)
        np.testing.assert_allclose(getattr(found, f"{name}_norm_NBLH")[1, 0], norms_LH, atol=ROUNDING, rtol=ROUNDING)


def test_the_last_position_is_that_of_the_whole(perturbed):
    config = small(layers=3)
    whole, last = (seen(config, perturbed(config), some_tokens(), last=last) for last in (False, True))
    for name in whole._fields:
        rows = slice(None) if "norm" in name or "weights" in name else slice(-1, None)
        np.testing.assert_array_equal(getattr(whole, name)[:, :, rows], getattr(last, name), err_msg=name)


def test_weights_of_the_last_query_average_its_values(perturbed):
    config = small(layers=2)
    params, tokens_BL = perturbed(config), some_tokens()
    found = seen(config, params, tokens_BL)
    for index in range(2):
        value_MHK = params["blocks"][f"layer_{index}"]["value_MHK"]
        values_BSHK = np.einsum("bsm,mhk->bshk", found.into_attention_NBLM[index], value_MHK)
        heads_BHK = np.einsum("bhs,bshk->bhk", found.weights_NBHS[index], values_BSHK)
        np.testing.assert_allclose(heads_BHK, found.heads_NBLHK[index, :, -1], atol=ROUNDING)
    np.testing.assert_allclose(found.weights_NBHS.sum(axis=-1), 1, atol=1e-5)
    assert (found.effective_NBH > 1).all() and (found.effective_NBH < 11).all()


def test_effective_sample_sizes_of_known_weights(perturbed):
    even, one = small(logit_gain=1e-6), small(attention=HardMax())
    assert seen(even, perturbed(small()), some_tokens()).effective_NBH == pytest.approx(11, rel=1e-4)
    tokens_BL = jnp.array([[0, 1, 2, 3, 4, 5, 6]])  # all different: no ties
    assert seen(one, perturbed(small()), tokens_BL).effective_NBH[0] == pytest.approx(1)


STREAMED = {
    "plain": {},
    "prenorm": {"layout": "prenorm"},
    "learned": {"positions": "learned"},
    "rotary": {"positions": "rotary", "layout": "prenorm"},
    "cold": {"attention": Softmax(temperature=0.2), "logit_gain": 2.0},
    "distance": {"attention": L2Distance(), "positions": "rotary"},
    "hard max": {"attention": HardMax()},
    "top k": {"attention": TopK(count=3), "positions": "learned"},
    "bounds": {"query_bound": 1.0, "key_bound": 0.7, "value_bound": 0.5, "feedforward_bound": 0.3},
    "gaussian": {"embedding_noise": Gaussian(deviation=0.5), "layers": 2},
    "student": {"embedding_noise": Student(freedom=1.5), "attention": HardMax(), "positions": "rotary"},
    "ball": {"embedding_noise": Bounded(radius=2.0), "positions": "learned", "attention": TopK(count=2)},
}


def agrees(config, params, tokens_BL, streamed, key=None):
    whole = seen(config, params, tokens_BL, last=True, key=key)
    pairs = [
        (streamed.heads_BHK, whole.heads_NBLHK[0, :, 0]),
        (streamed.attention_BM, whole.attention_NBLM[0, :, 0]),
        (streamed.feedforward_BM, whole.feedforward_NBLM[0, :, 0]),
        (streamed.representation_BM, whole.representation_NBLM[0, :, 0]),
        (streamed.effective_BH, whole.effective_NBH[0]),
        (streamed.query_norm_BH, whole.query_norm_NBLH[0, :, -1]),
        (streamed.key_norm_BH, whole.key_norm_NBLH[0].max(axis=1)),
        (streamed.value_norm_BH, whole.value_norm_NBLH[0].max(axis=1)),
    ]
    return all(np.allclose(a, b, atol=ROUNDING, rtol=ROUNDING) for a, b in pairs)


@pytest.mark.parametrize("switches", STREAMED.values(), ids=STREAMED)
def test_the_stream_equals_the_whole(switches, perturbed, monkeypatch):
    monkeypatch.setattr(observing, "_CHUNK", 4)
    config, tokens_BL = small(**switches), some_tokens()
    params, key = perturbed(small(**switches)), jax.random.key(5)
    streamed = jax.jit(lambda p, t: observing.last_layer_one(config, p, t, key=key))(params, tokens_BL)
    assert agrees(config, params, tokens_BL, streamed, key=key)


@pytest.mark.parametrize(("length", "chunk"), [(1, 4), (2, 4), (4, 4), (8, 4), (9, 4), (11, 512)])
def test_every_remainder_of_a_chunk_counts(length, chunk, perturbed, monkeypatch):
    monkeypatch.setattr(observing, "_CHUNK", chunk)
    config, tokens_BL = small(positions="rotary"), some_tokens(length=length)
    params = perturbed(config)
    streamed = jax.jit(functools.partial(observing.last_layer_one, config))(params, tokens_BL)
    assert agrees(config, params, tokens_BL, streamed)


@pytest.mark.parametrize("switches", STREAMED.values(), ids=STREAMED)
def test_one_program_serves_all_lengths(switches, perturbed, monkeypatch):
    monkeypatch.setattr(observing, "_CHUNK", 4)
    config, tokens_BL = small(**switches), some_tokens(length=11)
    params, key = perturbed(small(**switches)), jax.random.key(5)
    streamed = jax.jit(lambda p, t, n: observing.last_layer_one(config, p, t, length=n, key=key))
    for length in (1, 4, 5, 8, 10, 11):
        assert agrees(config, params, tokens_BL[:, :length], streamed(params, tokens_BL, length), key=key)
    assert not agrees(config, params, tokens_BL[:, :5], streamed(params, tokens_BL, 6), key=key)


def test_streams_that_lie_are_noticed(perturbed, monkeypatch):
    monkeypatch.setattr(observing, "_CHUNK", 4)
    config, tokens_BL = small(), some_tokens()
    params = perturbed(config)
    streamed = observing.last_layer_one(config, params, tokens_BL)
    assert agrees(config, params, tokens_BL, streamed)
    unread = observing.last_layer_one(config, params, tokens_BL.at[:, -1].set(0))
    assert agrees(config, params, tokens_BL, unread), "the last token is predicted, never read"
    short = observing.last_layer_one(config, params, jnp.roll(tokens_BL, 1, axis=1))  # a query one place early
    assert not agrees(config, params, tokens_BL, short)
    padded = observing.last_layer_one(
        config, params, jnp.concatenate([jnp.zeros((3, 1), jnp.int32), tokens_BL], axis=1)
    )
    assert not agrees(config, params, tokens_BL, padded)


def test_memory_of_the_stream_grows_with_the_scores_alone():
    config = Transformer(vocabulary=7, context=2**16, width=16, heads=2, layers=1, positions="rotary")
    params = jax.eval_shape(lambda key: init(config, key=key), jax.random.key(0))

    def temporary(length, batch=2):
        tokens_BL = jax.ShapeDtypeStruct((batch, length), jnp.int32)
        return (
            jax.jit(functools.partial(observing.last_layer_one, config))
            .lower(params, tokens_BL)
            .compile()
            .memory_analysis()
            .temp_size_in_bytes
        )

    growth = (temporary(2**16) - temporary(2**14)) / (2**16 - 2**14) / 2
    scores = 4 * config.heads  # bytes per token of one score a head; keys and values would take 4·16 each
    assert growth < 6 * scores < 4 * 2 * config.width
