"""A function of one lane made one of all lanes of a bucket, spread over the devices."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from testbed.ground import hasty
from testbed.ground.options import Mapping, Placement


class Spread(NamedTuple):
    """Which devices walk the lanes, and how."""

    devices: tuple[jax.Device, ...]
    placement: Placement
    """By which door the devices are reached: one array sharded by lane, or one slice a device."""
    mapping: Mapping
    """How a device walks its lanes: one after the other, best on a CPU, or together."""
    level: int | None
    """How far the compiler is to optimise on a CPU (see `hasty.options`); as far as it can, if absent."""


def placed(
    spread: Spread, function: Callable[..., Any], axes: tuple[int | None, ...], donated: tuple[int, ...]
) -> Callable[..., Any]:
    """Return the compiled function of all lanes: arguments whose axis is 0, and all results, have a lane axis G."""
    over_lanes = _sequentially(function, axes) if spread.mapping == "map" else jax.vmap(function, in_axes=axes)
    if spread.placement == "pmap":
        return _by_pmap(over_lanes, axes, spread.devices)  # which takes no options
    mesh = Mesh(np.array(spread.devices), ("lanes",), axis_types=(AxisType.Auto,))
    specs = tuple(PartitionSpec("lanes") if axis == 0 else PartitionSpec() for axis in axes)
    dealt = jax.shard_map(over_lanes, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("lanes"), check_vma=False)
    shardings = tuple(NamedSharding(mesh, spec) for spec in specs)
    options = None if spread.level is None else hasty.options(spread.level)
    return jax.jit(dealt, in_shardings=shardings, donate_argnums=donated, compiler_options=options)


def _sequentially(function: Callable[..., Any], axes: tuple[int | None, ...]) -> Callable[..., Any]:
    def over(*arguments: Any) -> Any:
        mapped = tuple(a for a, axis in zip(arguments, axes, strict=True) if axis == 0)

        def one(each: tuple[Any, ...]) -> Any:
            rest = iter(each)
            return function(*(next(rest) if axis == 0 else a for a, axis in zip(arguments, axes, strict=True)))

        return jax.lax.map(one, mapped)

    return over


def _by_pmap(
    over_lanes: Callable[..., Any], axes: tuple[int | None, ...], devices: tuple[jax.Device, ...]
) -> Callable[..., Any]:
    count = len(devices)
    mapped = jax.pmap(over_lanes, in_axes=axes, devices=devices)

    def fold(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf.reshape(count, leaf.shape[0] // count, *leaf.shape[1:]), tree)

    def unfold(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), tree)

    def over_devices(*arguments: Any) -> Any:
        folded = (fold(a) if axis == 0 else a for a, axis in zip(arguments, axes, strict=True))
        return unfold(mapped(*folded))

    return over_devices
