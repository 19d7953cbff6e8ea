"""Speed of packed lanes on this machine, beside lanes alone, the cost of sampling, and the machine's own ceiling.

    python benchmarks/lanes.py [--json FILE]

Everything in one table is measured in one run, each figure the median of several timed calls after a warm-up; on noisy
machines only ratios within a table mean much.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from testbed.ground import cores

cores.use_all()

import jax  # noqa: E402 - after the cores are devices
import jax.numpy as jnp  # noqa: E402
import msgspec  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from testbed.cell import Cell, Evaluation, Optimiser  # noqa: E402
from testbed.measure.divergence import observe  # noqa: E402
from testbed.model.size import size  # noqa: E402
from testbed.model.transformer import Transformer  # noqa: E402
from testbed.sources import BlockStationary  # noqa: E402
from testbed.train import data, lanes  # noqa: E402
from testbed.train.plan import room  # noqa: E402

WORLD = BlockStationary()
CPU_SHAPES = ((4, 2, 64, 32, 8), (8, 2, 64, 32, 8), (16, 2, 64, 32, 8), (32, 2, 64, 32, 8), (64, 2, 64, 32, 8))
GPU_SHAPES = ((8, 2, 64, 32, 64), (32, 2, 64, 32, 64), (128, 2, 64, 32, 64), (256, 4, 64, 32, 32), (512, 4, 64, 32, 16))
"""(width, layers, context, batch, lanes)."""


class Row(msgspec.Struct):
    """One shape's figures."""

    width: int
    layers: int
    context: int
    batch: int
    lanes: int
    parameters: int
    packed_tokens_per_second: float
    alone_tokens_per_second: float
    sampling_share: float
    compile_seconds: float
    peak_fraction: float


def main() -> None:
    """Print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each timed call (default 2)")
    asked = parser.parse_args()
    devices = tuple(jax.local_devices())
    peak = matrix_peak(devices[0]) * (1 if devices[0].platform == "cpu" else len(devices))
    shapes = CPU_SHAPES if devices[0].platform == "cpu" else GPU_SHAPES
    rows = [measure(shape, peak, asked.seconds) for shape in shapes]
    show(rows, peak, devices)
    if asked.json:
        about = {
            "device": f"{len(devices)} x {devices[0].device_kind}",
            "peak_gflops": peak / 1e9,
            "jax": jax.__version__,
        }
        asked.json.write_text(json.dumps(about | {"rows": msgspec.to_builtins(rows)}, indent=1) + "\n")


def measure(shape: tuple[int, int, int, int, int], peak: float, seconds: float) -> Row:
    """Time one shape."""
    width, layers, context, batch, count = shape
    model = Transformer(vocabulary=WORLD.alphabet, context=context, width=width, layers=layers)
    space = room(tuple(jax.local_devices()))
    cells = [cell(model, batch, seed) for seed in range(count)]
    recipe = lanes.Recipe(model, type(WORLD), cells[0].optimiser, "final", observe, space.mapping, "jit", space.devices)
    packed, compile_seconds = rate(recipe, cells, seconds)
    alone_recipe = recipe._replace(devices=space.devices[:1])
    alone, _ = rate(alone_recipe, cells[:1], seconds)
    sampled = sampling_rate(cells[:1], space.mapping, seconds)
    flops = size(model).training_flops_per_token
    return Row(
        width,
        layers,
        context,
        batch,
        count,
        size(model).parameters,
        packed,
        alone,
        alone / sampled,
        compile_seconds,
        packed * flops / peak,
    )


def cell(model: Transformer, batch: int, seed: int) -> Cell:
    """Return an endless online cell."""
    return Cell(
        world=WORLD,
        model=model,
        optimiser=Optimiser(batch=batch),
        learning_rate=0.003,
        horizon=10**6,
        role="online",
        tokens=10**9,
        draw=seed,
        initialisation=seed,
        nested=True,
        stopping="final",
        evaluation=Evaluation(),
        checkpoints=(1, 10**6),
        seed=0,
    )


def rate(recipe: lanes.Recipe, cells: list[Cell], seconds: float) -> tuple[float, float]:
    """Return tokens a second over all lanes, and the seconds until the first step was done."""
    devices = len(recipe.devices)
    side = lanes.stack([lanes.lane(each) for each in cells], -(-len(cells) // devices) * devices)
    functions = lanes.program(recipe)
    began = time.perf_counter()
    state = jax.block_until_ready(functions.advance(functions.init(side), side, jnp.int32(0), jnp.int32(1)))
    compile_seconds = time.perf_counter() - began
    at = 1

    def advance(steps: int) -> None:
        nonlocal state, at
        state = jax.block_until_ready(functions.advance(state, side, jnp.int32(at), jnp.int32(at + steps)))
        at += steps

    per_step = len(cells) * recipe.optimiser.batch * recipe.model.context
    return per_step / pace(advance, seconds), compile_seconds


def sampling_rate(cells: list[Cell], mapping: lanes.Mapping, seconds: float) -> float:
    """Return the tokens a second that the sampler alone draws, by the path that training takes."""
    side = lanes.stack([lanes.lane(each) for each in cells], len(cells))
    batch, length = cells[0].optimiser.batch, cells[0].model.context

    def one(each: lanes.Lane, steps: jax.Array) -> jax.Array:
        def step(index: jax.Array, total: jax.Array) -> jax.Array:
            index_B = data.batch_indices(index, batch, each.sequences, each.order)
            tokens_BL = lanes.sample(type(WORLD), each, data.sequence_keys(each.draw_key, index_B), length)
            return total + tokens_BL.sum()

        return jax.lax.fori_loop(0, steps, step, jnp.int32(0))

    over = (
        (lambda side, steps: jax.lax.map(lambda each: one(each, steps), side))
        if mapping == "map"
        else jax.vmap(one, (0, None))
    )
    function = jax.jit(over)
    function(side, jnp.int32(1)).block_until_ready()
    return (
        len(cells) * batch * length / pace(lambda steps: function(side, jnp.int32(steps)).block_until_ready(), seconds)
    )


def pace(call: Callable[[int], object], seconds: float, repeats: int = 3) -> float:
    """Return the median seconds a step, from calls that each last about ``seconds``."""
    call(2)
    began = time.perf_counter()
    call(4)
    steps = max(4, int(4 * seconds / max(time.perf_counter() - began, 1e-6)))
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        call(steps)
        taken.append((time.perf_counter() - began) / steps)
    return statistics.median(taken)


def matrix_peak(device: jax.Device) -> float:
    """Return the float32 operations a second of a large matrix product, at the precision that training uses."""
    side = 2048 if device.platform == "cpu" else 8192
    a = jax.random.normal(jax.random.key(0), (side, side))
    product = jax.jit(lambda a: a @ a / side)
    product(a).block_until_ready()
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        product(a).block_until_ready()
        taken.append(time.perf_counter() - began)
    return 2 * side**3 / statistics.median(taken)


def show(rows: list[Row], peak: float, devices: tuple[jax.Device, ...]) -> None:
    """Print the table."""
    title = f"{len(devices)} x {devices[0].device_kind}, jax {jax.__version__}, matrix product {peak / 1e9:.0f} GFLOP/s"
    table = Table(title=title, title_justify="left")
    headings = (
        "width",
        "layers",
        "n",
        "batch",
        "lanes",
        "P",
        "packed tok/s",
        "alone tok/s",
        "packed/alone",
        "sampling",
        "compile s",
        "of peak",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            str(row.width),
            str(row.layers),
            str(row.context),
            str(row.batch),
            str(row.lanes),
            f"{row.parameters:,}",
            f"{row.packed_tokens_per_second:,.0f}",
            f"{row.alone_tokens_per_second:,.0f}",
            f"{row.packed_tokens_per_second / row.alone_tokens_per_second:.2f}",
            f"{row.sampling_share:.1%}",
            f"{row.compile_seconds:.1f}",
            f"{row.peak_fraction:.1%}",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
