"""Row t of the logits depends on every token before t and on no other."""

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.model.attention.softmax import Softmax
from testbed.model.transformer import Transformer


class Peek(msgspec.Struct, frozen=True):
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
    assert is_causal(config.logits, params, tokens_L)


def test_a_changed_token_changes_only_later_rows(forward, params, tokens_L):
    before_LV = np.asarray(forward(params, tokens_L)[0])
    for place in range(len(tokens_L)):
        moved_L = (np.asarray(forward(params, tokens_L.at[place].set(4))[0]) != before_LV).any(axis=1)
        np.testing.assert_array_equal(moved_L, np.arange(len(tokens_L)) > place)


@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_liars_are_rejected(layout, perturbed, tokens_L):
    honest = Transformer(vocabulary=7, context=6, width=8, layout=layout)
    params = perturbed(honest)
    peeking = msgspec.structs.replace(honest, attention=Peek())
    early = lambda params, tokens_L: jnp.roll(honest.logits(params, tokens_L), -1, axis=0)  # noqa: E731
    late = lambda params, tokens_L: jnp.roll(honest.logits(params, tokens_L), 1, axis=0)  # noqa: E731
    assert is_causal(honest.logits, params, tokens_L)
    for liar in (peeking.logits, early, late):
        assert not is_causal(liar, params, tokens_L)
