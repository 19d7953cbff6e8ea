"""Row t of the logits depends on every token before t and on no other."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.model import forward
from testbed.model.attention.softmax import Softmax
from testbed.model.attention.top_k import TopK
from testbed.model.transformer import Transformer


class Peek(Softmax, frozen=True, tag=None, tag_field=None):
    """A liar: softmax attention that sees one step ahead."""

    def __call__(self, q_LHK, k_LHK, v_LHK, *, scale):
        ahead = [jnp.roll(x, -1, axis=0).at[-1].set(x[-1]) for x in (k_LHK, v_LHK)]
        return Softmax()(q_LHK, *ahead, scale=scale)


def influence(logits, params, tokens_L):
    """Return |d logits_t / d embedding of token s| as a matrix (t, s); the tokens must differ from one another."""

    def of_embedding(token_VM):
        return logits({**params, "token_VM": token_VM}, tokens_L)

    jacobian_LVVM = jax.jit(jax.jacrev(of_embedding))(params["token_VM"])
    return np.abs(np.asarray(jacobian_LVVM)).sum(axis=(1, 3))[:, tokens_L]


def is_causal(logits, params, tokens_L):
    past_LL = np.tri(len(tokens_L), k=-1, dtype=bool)
    return bool(((influence(logits, params, tokens_L) > 0) == past_LL).all())


def test_gradients_reach_all_of_the_past_and_nothing_else(config, params, tokens_L):
    assert is_causal(functools.partial(forward.logits, config), params, tokens_L)


ATTENTIONS = [*(kind() for kind in catalog.shelf("testbed.model.attention").values()), TopK(count=2)]
NONLINEARITIES = [kind() for kind in catalog.shelf("testbed.model.feedforward").values()]
VARIANTS = [{"attention": each} for each in ATTENTIONS] + [{"feedforward": each} for each in NONLINEARITIES]


def heeds(logits, params, tokens_L):
    """Return which rows move (t) when one token changes (s), over all values that it may take."""
    moved = np.zeros((len(tokens_L), len(tokens_L)), bool)
    compiled = jax.jit(logits)
    before_LV = np.asarray(compiled(params, tokens_L))
    for place in range(len(tokens_L)):
        for symbol in range(7):
            after_LV = np.asarray(compiled(params, tokens_L.at[place].set(symbol)))
            moved[:, place] |= (after_LV != before_LV).any(axis=1)
    return moved


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_no_variant_heeds_the_present_or_the_future(variant, perturbed, tokens_L):
    config = Transformer(vocabulary=7, context=6, width=8, layout="paper", **variant)
    params = perturbed(config)
    moved = heeds(functools.partial(forward.logits, config), params, tokens_L)
    assert not np.triu(moved).any() and moved.any(axis=1)[1:].all()
    assert not np.triu(influence(functools.partial(forward.logits, config), params, tokens_L)).any()
    peeking = msgspec.structs.replace(config, attention=Peek())
    assert np.triu(heeds(functools.partial(forward.logits, peeking), params, tokens_L)).any()


def test_a_changed_token_changes_only_later_rows(compiled, params, tokens_L):
    before_LV = np.asarray(compiled(params, tokens_L)[0])
    for place in range(len(tokens_L)):
        moved_L = (np.asarray(compiled(params, tokens_L.at[place].set(4))[0]) != before_LV).any(axis=1)
        np.testing.assert_array_equal(moved_L, np.arange(len(tokens_L)) > place)


@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_liars_are_rejected(layout, perturbed, tokens_L):
    honest = Transformer(vocabulary=7, context=6, width=8, layout=layout)
    params = perturbed(honest)
    peeking = msgspec.structs.replace(honest, attention=Peek())
    early = lambda params, tokens_L: jnp.roll(forward.logits(honest, params, tokens_L), -1, axis=0)  # noqa: E731
    late = lambda params, tokens_L: jnp.roll(forward.logits(honest, params, tokens_L), 1, axis=0)  # noqa: E731
    assert is_causal(functools.partial(forward.logits, honest), params, tokens_L)
    for liar in (functools.partial(forward.logits, peeking), early, late):
        assert not is_causal(liar, params, tokens_L)
