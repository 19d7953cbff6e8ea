"""The two programs of an observation, a sampler and a forward, whose batches are dealt out to all devices."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, Key

from testbed.ground import hasty
from testbed.model import observing
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.studies.noise.measures.seen import Glance, View


@functools.cache
def sampler(
    kind: type[Source], length: int, room: int, devices: tuple[jax.Device, ...]
) -> Callable[..., Int[Array, "T B L"]]:
    """Return the program that samples the sequences of some indices, filled up to the room."""

    def sample(tables: Any, key: Key[Array, ""], index_TB: Int[Array, "T B"]) -> Int[Array, "T B L"]:
        def one(index: Int[Array, ""]) -> Int[Array, " L"]:
            tokens_L = kind.sample(tables, key=jax.random.fold_in(key, index), length=length)[0]
            return jnp.pad(tokens_L, (0, room - length))

        return jax.vmap(jax.vmap(one))(index_TB)

    return _spread(sample, devices, (False, False, True))


@functools.cache
def observer(model: Transformer, deep: bool, devices: tuple[jax.Device, ...]) -> Callable[..., Glance]:
    """Return the program that reads batches of sequences and adds up what it sees."""

    def look(
        params: Any,
        tokens_TBL: Int[Array, "T B L"],
        weight_TB: Float[Array, "T B"],
        length: Int[Array, ""],
        own_T: Int[Array, " T"],
        key: Key[Array, ""] | None,
        view: View,
    ) -> Glance:
        def one(turn: tuple[Int[Array, "B L"], Float[Array, " B"], Int[Array, ""]]) -> Glance:
            tokens_BL, weight_B, own = turn
            noise_key = None if key is None else jax.random.fold_in(key, own)
            x_BOM, effective_BN = _vectors(model, deep, params, tokens_BL, length, noise_key)
            query_B = jax.lax.dynamic_index_in_dim(tokens_BL, length - 2, axis=1, keepdims=False)
            return _glance(x_BOM, effective_BN, query_B, weight_B, view)

        seen = jax.lax.map(one, (tokens_TBL, weight_TB, own_T))
        rows = (part.reshape(-1, *part.shape[2:]) for part in (seen.projected_BOR, seen.query_B))
        sums = (part.sum(0, keepdims=True) for part in (seen.second_DVOWW, seen.effective_DN))
        return Glance(*sums, *rows)

    return _spread(look, devices, (False, True, True, False, True, False, False))


def _spread(
    function: Callable[..., Any], devices: tuple[jax.Device, ...], dealt: tuple[bool, ...]
) -> Callable[..., Any]:
    """Compile a function once for all devices, which deal out the first axis of some arguments and of all results."""
    mesh = Mesh(np.array(devices), ("batches",), axis_types=(AxisType.Auto,))
    specs = tuple(PartitionSpec("batches") if each else PartitionSpec() for each in dealt)
    placed = tuple(NamedSharding(mesh, spec) for spec in specs)
    shared = jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("batches"), check_vma=False)
    return jax.jit(shared, in_shardings=placed, compiler_options=hasty.options(1))


def _vectors(
    model: Transformer,
    deep: bool,
    params: Any,
    tokens_BL: Int[Array, "B L"],
    length: Int[Array, ""],
    key: Key[Array, ""] | None,
) -> tuple[Float[Array, "B O M"], Float[Array, "B N"]]:
    """Return the observed vectors at the last position, and each layer's effective sample size, over heads."""
    if not deep:
        first = observing.last_layer_one(model, params, tokens_BL, length=length, key=key)
        x_BOM = jnp.stack([first.attention_BM, first.feedforward_BM, first.representation_BM], axis=1)
        return x_BOM, first.effective_BH.mean(axis=-1)[:, None]
    every = observing.observe(model, params, tokens_BL, last=True, key=key)
    parts = every.attention_NBLM, every.feedforward_NBLM, every.representation_NBLM
    x_NABM = jnp.stack([part[:, :, 0] for part in parts], axis=1)
    return jnp.moveaxis(x_NABM.reshape(-1, *x_NABM.shape[2:]), 0, 1), every.effective_NBH.mean(axis=-1).T


def _glance(
    x_BOM: Float[Array, "B O M"],
    effective_BN: Float[Array, "B N"],
    query_B: Int[Array, " B"],
    weight_B: Float[Array, " B"],
    view: View,
) -> Glance:
    """Return the sums of a batch and its projections."""
    highest = jax.lax.Precision.HIGHEST
    centre_VOM = jnp.asarray(view.centre_VOM)
    y_BOM = x_BOM - centre_VOM[query_B]
    square_BO1 = jnp.square(y_BOM).sum(axis=-1, keepdims=True)
    z_BOW = jnp.concatenate([jnp.ones_like(square_BO1), y_BOM, square_BO1], axis=-1)
    group_BV = weight_B[:, None] * jax.nn.one_hot(query_B, centre_VOM.shape[0], dtype=jnp.float32)
    products_BOWW = z_BOW[..., :, None] * z_BOW[..., None, :]
    second_VOWW = jnp.einsum("bv,bowx->vowx", group_BV, products_BOWW, precision=highest)
    projected_BOR = jnp.einsum("bom,omr->bor", y_BOM, jnp.asarray(view.direction_OMR), precision=highest)
    return Glance(second_VOWW, weight_B @ effective_BN, projected_BOR, query_B)
