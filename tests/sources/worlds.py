"""The example worlds, and their law by the enumeration code of their families: no kernel of the package."""

import functools
import importlib

import jax
import msgspec
import numpy as np
import pytest

from testbed.ground import catalog
from testbed.sources import Budget
from tests.laws.enumeration import block_entropy, growth

COUNT, LENGTH, SHORT = 20_000, 6, 5
QUICK = {"xla_backend_optimization_level": 0}
"""How to compile what runs once: nearly all of the time of these tests is compilation."""


def family(name):
    """The test module of a family: EXAMPLES, joint(source, length) -> P(x_1..x_length), rate_bounds(source)."""
    return importlib.import_module(f"tests.sources.families.{name}")


WORLDS = [world for name in catalog.shelf("testbed.sources") for world in family(name).EXAMPLES]


def label(world):
    fields = {name: value for name, value in msgspec.structs.asdict(world).items() if isinstance(value, str | int)}
    return "-".join([type(world).__name__, *map(str, fields.values())])


every_world = pytest.mark.parametrize("world", WORLDS, ids=label)


@functools.lru_cache(maxsize=512)
def joint_law(source, length):
    """P(x_1..x_length), one axis per token."""
    return family(source.__struct_config__.tag).joint(source, length)


@functools.lru_cache(maxsize=256)
def rate_bounds(source):
    """Two numbers between which the entropy rate lies; None where the source has none."""
    return family(source.__struct_config__.tag).rate_bounds(source)


def told(source):
    """P(what the latents and earlier tokens tell, next token) at a random moment of the long run."""
    return family(source.__struct_config__.tag).told(source)


@functools.lru_cache(maxsize=256)
def oracle_bounds(source):
    """Two numbers between which the oracle lies, where it is one law of a continuum; None where it is not offered."""
    module = family(source.__struct_config__.tag)
    if not hasattr(module, "told"):
        return module.oracle_bounds(source)
    oracle = block_entropy(told(source)) - block_entropy(told(source).sum(1))
    return oracle, oracle


def tells_nothing(source):
    """Whether tokens are independent draws of one law, as certain to one who is told the latents as to anyone."""
    joint = joint_law(source, SHORT)
    once = joint.sum(axis=tuple(range(1, SHORT)))
    independent = np.abs(joint - functools.reduce(np.multiply.outer, [once] * SHORT)).max() < 1e-12
    return independent and oracle_bounds(source)[0] > block_entropy(once) - 1e-9


def reference_curve(source, length):
    """h_1..h_length by enumeration."""
    return growth(joint_law(source, length))


def decay_of(mixing):
    """What mixing says, without how it is known."""
    return mixing.decay, mixing.value


@functools.lru_cache(maxsize=64)
def compiled(kernel):
    """A vectorised prediction, one program for all worlds whose tables have one shape."""
    return jax.jit(jax.vmap(kernel, in_axes=(None, 0)), compiler_options=QUICK)


@functools.partial(jax.jit, static_argnums=0, compiler_options=QUICK)
def sampled(kernel, tables, key):
    return jax.vmap(lambda each: kernel(tables, key=each, length=LENGTH))(jax.random.split(key, COUNT))


def samples(world, tables=None, seed=0):
    """COUNT sequences of LENGTH tokens and their latents, in float32."""
    return sampled(type(world).sample, tables or world.tables(), jax.random.key(seed))


@functools.lru_cache(maxsize=128)
def drawn(world):
    """COUNT sequences of LENGTH tokens."""
    return np.asarray(samples(world)[0])


@functools.lru_cache(maxsize=256)
def exact_truth(world):
    """The truth over windows of SHORT tokens, with a budget that enumerates all of it."""
    return world.truth(SHORT, budget=Budget(contexts=2**14))


def refused():
    """Every wrong request of every family: (kind, fields, what the message names, the remedy it gives)."""
    for name, kind in catalog.shelf("testbed.sources").items():
        for fields, value, remedy in getattr(family(name), "REFUSED", []):
            yield kind, fields, value, remedy
