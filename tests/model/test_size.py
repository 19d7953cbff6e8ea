"""Sizes against the arrays themselves, the traced program and the compiler."""

import functools

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.extend.core import jaxprs_in_params

from testbed.model import forward
from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.l2_distance import L2Distance
from testbed.model.attention.top_k import TopK
from testbed.model.feedforward.holder import Holder
from testbed.model.feedforward.step import Step
from testbed.model.initial import init
from testbed.model.noise.student import Student
from testbed.model.size import activation_bytes, model_of_size, size
from testbed.model.transformer import Transformer

EMBEDDINGS = ("token_VM", "start_M", "position_LM", "unembedding_MV")


def counts(config):
    """Return the numbers of parameters, with and without embeddings, of the arrays that init makes."""
    params = jax.eval_shape(lambda key: init(config, key=key), jax.random.key(0))
    total = sum(leaf.size for leaf in jax.tree.leaves(params))
    return total, total - sum(params[name].size for name in EMBEDDINGS if name in params)


def product_flops(jaxpr):
    """Return twice the multiply-adds of every dot_general in a traced program."""
    total = 0
    for equation in jaxpr.eqns:
        for inner in jaxprs_in_params(equation.params):
            total += product_flops(inner)
        if equation.primitive.name == "dot_general":
            contracted = equation.params["dimension_numbers"][0][0]
            lhs = equation.invars[0].aval.shape
            total += 2 * equation.outvars[0].aval.size * int(np.prod([lhs[axis] for axis in contracted]))
    return total


def abstract(config, batch=1):
    params = jax.eval_shape(lambda key: init(config, key=key), jax.random.key(0))
    return params, jax.ShapeDtypeStruct((batch, config.context), jnp.int32)


SHAPES = [{}, {"heads": 1, "layers": 3}, {"heads": 3, "head_width": 2, "hidden": 5}, {"width": 12, "heads": 6}]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_parameters_are_the_arrays(config, shape):
    config = msgspec.structs.replace(config, **shape)
    stated = size(config)
    assert (stated.parameters, stated.parameters_body) == counts(config)
    assert stated.parameter_bytes == 4 * stated.parameters
    assert stated.parameters - config.width != counts(config)[0], "a count that forgets the start vector is caught"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_work_is_the_products_of_the_traced_forward(config, shape):
    config = msgspec.structs.replace(config, **shape)
    traced = product_flops(jax.make_jaxpr(functools.partial(forward.logits_of_batch, config))(*abstract(config)).jaxpr)
    assert config.context * size(config).flops_per_token == traced
    assert size(config).training_flops_per_token == 3 * size(config).flops_per_token


BOUNDS = {"query_bound": 1.0, "key_bound": 1.0, "value_bound": 1.0, "feedforward_bound": 1.0}
SWITCHES = [
    BOUNDS | {"feedforward_lipschitz": 1.0},
    {"attention": L2Distance(), "logit_gain": 2.0},
    {"attention": HardMax(), "feedforward": Step()},
    {"attention": TopK(count=3), "feedforward": Holder()},
    {"embedding_noise": Student()},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_switches_add_neither_parameters_nor_products(switches):
    base = Transformer(vocabulary=7, context=6, width=8)
    config = msgspec.structs.replace(base, **switches)
    assert size(config) == size(base) and counts(config)[0] == size(config).parameters

    def compiled(params, tokens_BL):
        return forward.logits_of_batch(config, params, tokens_BL, key=jax.random.key(0))

    traced = product_flops(jax.make_jaxpr(compiled)(*abstract(config)).jaxpr)
    assert config.context * size(config).flops_per_token == traced


@pytest.mark.parametrize("layout", ["paper", "prenorm"])
def test_work_against_the_compiler(layout):
    # The compiler also counts additions, exponentials and norms, which the convention leaves out: a tenth at this size.
    config = Transformer(vocabulary=64, context=64, width=64, layout=layout)
    analysis = (
        jax.jit(functools.partial(forward.logits_of_batch, config)).lower(*abstract(config)).compile().cost_analysis()
    )
    assert 1 <= analysis["flops"] / (config.context * size(config).flops_per_token) < 1.1


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ("prenorm", {}),
        ("paper", {"context": 128, "heads": 4}),
        ("prenorm", {"vocabulary": 256, "layers": 1, "width": 8}),
        ("prenorm", {"width": 64, "layers": 3}),
        ("paper", BOUNDS | {"feedforward_lipschitz": 1.0}),
        ("prenorm", BOUNDS | {"hidden": 8, "context": 16}),
        ("paper", {"attention": L2Distance(), "context": 128}),
        ("paper", {"attention": TopK(count=3), "context": 128}),
        ("prenorm", {"attention": TopK(count=64), "context": 256, "layers": 1}),
        ("paper", {"attention": HardMax(), "feedforward": Holder()}),
    ],
)
def test_memory_is_bounded_and_not_wildly(layout, shape):
    config = Transformer(**{"vocabulary": 32, "context": 32, "width": 16, "layout": layout, **shape})

    def loss(params, tokens_BL):
        logp_BLV = jax.nn.log_softmax(forward.logits_of_batch(config, params, tokens_BL))
        return -jnp.mean(jnp.take_along_axis(logp_BLV, tokens_BL[..., None], axis=-1))

    memory = jax.jit(jax.grad(loss)).lower(*abstract(config, batch=8)).compile().memory_analysis()
    used = memory.temp_size_in_bytes + memory.output_size_in_bytes
    assert 1 <= activation_bytes(config, 8) / used < 3


templates = st.builds(
    lambda heads, positions, layout, layers, fixed: Transformer(
        vocabulary=32,
        context=64,
        width=4 * heads,
        heads=heads,
        positions=positions,
        layout=layout,
        layers=layers,
        **fixed,
    ),
    st.integers(1, 6),
    st.sampled_from(["none", "learned", "rotary"]),
    st.sampled_from(["paper", "prenorm"]),
    st.integers(1, 4),
    st.sampled_from([{}, {"head_width": 4}, {"hidden": 16}]),
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(templates, st.integers(2_000, 10_000_000), st.floats(1.0, 3.0))
def test_the_wanted_size_is_met_and_grows(template, wanted, factor):
    found, larger = (model_of_size(template, int(times * wanted)) for times in (1, factor))
    assert 0.5 < size(found).parameters / wanted < 2
    assert size(found).parameters <= size(larger).parameters
    assert model_of_size(template, size(found).parameters) == found
    assert found.heads <= template.heads
    assert msgspec.structs.replace(template, width=found.width, heads=found.heads) == found
    assert found.width < template.heads or found.heads == template.heads or template.positions == "rotary"


def test_no_other_width_is_nearer():
    template = Transformer(vocabulary=32, context=64, width=8)
    family = [msgspec.structs.replace(template, width=width) for width in range(2, 80, 2)]
    for wanted in (500, 3_000, 20_000, 90_000):
        distance = [abs(np.log(size(config).parameters / wanted)) for config in family]
        assert model_of_size(template, wanted) == family[int(np.argmin(distance))]


def test_a_size_below_the_family_is_refused():
    with pytest.raises(ValueError, match="family starts at"):
        model_of_size(Transformer(vocabulary=32, context=64, width=8), 10)
