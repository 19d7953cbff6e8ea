"""Laws of every predictor on the shelf, and the liars that they must reject."""

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.predictors import CLASSICAL, AnyPredictor, ContextTree, Counting, PartitionTree, Predictor
from tests.predictors.shelf import EXAMPLES, SHELF, every_predictor, predicted, strings

sizes = pytest.mark.parametrize(("alphabet", "length"), [(2, 1), (3, 2), (3, 33), (26, 64)])


def drawn(alphabet, length, seed=0):
    """A few strings: two of independent symbols, one that repeats itself, one that changes in its middle."""
    rng = np.random.default_rng(seed)
    changed_L = np.where(np.arange(length) < length // 2, 0, alphabet - 1)
    return np.stack(
        [*rng.integers(0, alphabet, (2, length)), np.arange(length) % alphabet, changed_L]
    ).astype(np.int32)  # fmt: skip


def is_a_law(logq_BLV, atol=1e-12):
    sums_BL = np.exp(logq_BLV).sum(-1)
    return bool(np.isfinite(logq_BLV).all() and np.abs(sums_BL - 1).max() < atol)


def is_causal(predict, tokens_BL, alphabet):
    plain_BLV = predicted(predict, tokens_BL, alphabet)
    for t in range(tokens_BL.shape[1]):
        changed_BL = tokens_BL.copy()
        changed_BL[:, t:] = (changed_BL[:, t:] + 1) % alphabet
        if not np.array_equal(predicted(predict, changed_BL, alphabet)[:, : t + 1], plain_BLV[:, : t + 1]):
            return False
    return True


def knows_no_symbol(predict, tokens_BL, alphabet):
    """Whether renaming the symbols renames the predictions."""
    names_V = np.random.default_rng(1).permutation(alphabet)
    renamed_BLV = predicted(predict, names_V[tokens_BL], alphabet)
    return np.allclose(renamed_BLV[..., names_V], predicted(predict, tokens_BL, alphabet), atol=1e-11)


def peeking(tokens_L, alphabet):
    """A liar: row t has counted token t."""
    return jnp.roll(Counting().log_predictive(tokens_L, alphabet), -1, axis=0)


def greedy(tokens_L, alphabet):
    """A liar: counts that are divided by one more than there are."""
    count_LV = jnp.cumsum(jax.nn.one_hot(tokens_L, alphabet), axis=0) + 0.5
    return jnp.log(count_LV) - jnp.log(count_LV.sum(1, keepdims=True) + 1e-3)


def partial_to_zero(tokens_L, alphabet):
    """A liar: it has seen symbol 0 before the first token."""
    zero_L = jnp.zeros(1, jnp.int32)
    return Counting().log_predictive(jnp.concatenate([zero_L, jnp.asarray(tokens_L)]), alphabet)[1:]


def test_the_shelf_is_all_tried():
    assert {type(predictor) for predictor in EXAMPLES} == set(SHELF.values())
    assert len({predictor.label for predictor in (*EXAMPLES, *CLASSICAL)}) == len({*EXAMPLES, *CLASSICAL})


@every_predictor
@sizes
def test_rows_are_laws_for_any_alphabet_and_length(predictor, alphabet, length):
    logq_BLV = predicted(predictor, drawn(alphabet, length), alphabet)
    assert logq_BLV.shape == (4, length, alphabet) and logq_BLV.dtype == np.float64
    assert is_a_law(logq_BLV)
    np.testing.assert_allclose(logq_BLV[:, 0], -np.log(alphabet), atol=1e-12)


def test_a_liar_is_no_law():
    assert not is_a_law(predicted(greedy, drawn(3, 9), 3))
    assert not is_a_law(np.full((1, 2, 2), np.nan))


@every_predictor
@pytest.mark.parametrize(("alphabet", "length"), [(2, 9), (5, 17)])
def test_row_t_depends_on_earlier_tokens_only(predictor, alphabet, length):
    assert is_causal(predictor, drawn(alphabet, length), alphabet)


def test_a_liar_peeks():
    assert not is_causal(peeking, drawn(3, 9), 3)


@every_predictor
def test_symbols_are_names(predictor):
    assert knows_no_symbol(predictor, drawn(5, 17), 5)


def test_a_liar_prefers_a_symbol():
    assert not knows_no_symbol(partial_to_zero, drawn(5, 24), 5)


@every_predictor
def test_all_strings_together_have_probability_one(predictor):
    tokens_BL = strings(3, 5)
    logq_BLV = predicted(predictor, tokens_BL, 3)
    logq_BL = np.take_along_axis(logq_BLV, tokens_BL[..., None], 2)[..., 0]
    assert np.exp(logq_BL.sum(1)).sum() == pytest.approx(1, abs=1e-12)


@every_predictor
def test_jit_and_vmap_change_nothing(predictor):
    tokens_BL = drawn(5, 17)
    together_BLV = predicted(predictor, tokens_BL, 5, wide=False)
    alone_LV = predictor.log_predictive(tokens_BL[1], 5)
    np.testing.assert_allclose(together_BLV[1], alone_LV, atol=1e-6)


@every_predictor
def test_float32_is_close_to_float64(predictor):
    tokens_BL = drawn(4, 512)
    single_BLV = predicted(predictor, tokens_BL, 4, wide=False)
    assert single_BLV.dtype == np.float32
    assert is_a_law(single_BLV, atol=1e-4)
    np.testing.assert_allclose(np.exp(single_BLV), np.exp(predicted(predictor, tokens_BL, 4)), atol=1e-4)


@every_predictor
def test_it_learns(predictor):
    """After sixty zeros a zero is likely, and a predictor that has learnt nothing would say one half."""
    assert predicted(predictor, np.zeros((1, 64)), 2)[0, -1, 0] > np.log(0.9)


def test_the_union_holds_the_shelf_and_decodes_it():
    for predictor in EXAMPLES:
        encoded = msgspec.json.encode(predictor)
        assert SHELF[msgspec.json.decode(encoded)["kind"]] is type(predictor)
        assert msgspec.json.decode(encoded, type=AnyPredictor) == predictor
        assert isinstance(predictor, Predictor)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"kind": "unheard-of"}', type=AnyPredictor)


@pytest.mark.parametrize(
    ("kind", "fields", "rule"),
    [
        (Counting, {"order": -1}, "order=-1.*at least 0.*order=0"),
        (Counting, {"pseudo_count": 0.0}, "pseudo_count=0.0.*must lie between.*0.5"),
        (ContextTree, {"depth": 0}, "depth=0.*at least 1.*depth=1"),
        (ContextTree, {"pseudo_count": float("inf")}, "pseudo_count=inf.*must lie between"),
        (PartitionTree, {"order": -2}, "order=-2.*at least 0"),
        (PartitionTree, {"pseudo_count": float("nan")}, "pseudo_count=nan.*must lie between"),
    ],
)
def test_what_makes_no_law_is_refused(kind, fields, rule):
    with pytest.raises(ValueError, match=rule):
        kind(**fields)
