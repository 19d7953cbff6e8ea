"""Every combination of the switches, with parameters in general position (no bias at zero, no gain at one)."""

import functools
import itertools
from typing import get_args

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.model import forward
from testbed.model.initial import init
from testbed.model.transformer import Layout, Positions, Scale, Transformer

COMBINATIONS = list(itertools.product(get_args(Layout), get_args(Positions), get_args(Scale)))


@pytest.fixture(scope="session", params=COMBINATIONS, ids=["-".join(names) for names in COMBINATIONS])
def config(request) -> Transformer:
    layout, positions, scale = request.param
    return Transformer(vocabulary=7, context=6, width=8, layout=layout, positions=positions, scale=scale)


@pytest.fixture(scope="session")
def params(config):
    return general_position(msgspec.structs.replace(config, scale="1/d"))  # the scale has no part in them


@pytest.fixture(scope="session")
def compiled(config):
    """One compiled function to (logits, the output of each layer)."""
    return jax.jit(
        lambda params, tokens_L: (
            forward.logits(config, params, tokens_L),
            forward.representations(config, params, tokens_L),
        )
    )


@pytest.fixture
def perturbed():
    return general_position


@pytest.fixture(scope="session")
def tokens_L() -> jax.Array:
    return jnp.array([3, 0, 6, 2, 5, 1], jnp.int32)


@functools.cache
def general_position(config: Transformer):
    random = np.random.default_rng(0)
    start = init(config, key=jax.random.key(0))
    return jax.tree.map(lambda leaf: leaf + random.normal(0, 0.3, leaf.shape).astype(np.float32), start)
