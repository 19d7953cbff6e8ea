"""Noise given the query, measured with nothing but means and squares: the side that knows no theory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from testbed.model import observing

PARTS = ("attention", "feedforward", "representation")


@functools.cache
def program(kind, model, length, each):
    """A call of so many sequences, compiled once for all parameters of a model and all worlds of one shape."""

    @jax.jit
    def call(tables, params, key):
        world_key, noise_key = jax.random.split(key)
        draw = jax.vmap(lambda key: kind.sample(tables, key=key, length=length)[0])
        tokens_BL = draw(jax.random.split(world_key, each))
        last = observing.last_layer_one(model, params, tokens_BL, key=noise_key)
        parts_3BM = jnp.stack([last.attention_BM, last.feedforward_BM, last.representation_BM])
        return tokens_BL[:, length - 2], parts_3BM

    return call


def seen(world, model, params, length, sequences, *, seed=0, calls=4):
    """The query's token, and A, FFN's output and the representation of the first layer, of every sequence."""
    call = program(type(world), model, length, sequences // calls)
    found = [call(world.tables(), params, key) for key in jax.random.split(jax.random.key(seed), calls)]
    query_TB, parts_T3BM = zip(*found, strict=True)
    return np.concatenate(query_TB), np.concatenate(parts_T3BM, axis=1).astype(np.float64)


def spread(query_B, parts_3BM):
    """T of each part given the query, and its standard error."""
    square_3B = np.zeros(parts_3BM.shape[:2])
    for token in np.unique(query_B):
        chosen_3CM = parts_3BM[:, query_B == token]
        count = chosen_3CM.shape[1]
        off_3CM = chosen_3CM - chosen_3CM.mean(1, keepdims=True)
        square_3B[:, query_B == token] = (off_3CM**2).sum(-1) * (count / max(count - 1, 1))
    return square_3B.mean(1), square_3B.std(1) / len(query_B) ** 0.5


def agrees(value, measured, *, errors=4.0, bias=0.0):
    """Whether a value lies within so many standard errors of a measured one, and a relative bias."""
    mean, error = measured
    return bool(abs(value - mean) <= errors * error + bias * abs(value))
