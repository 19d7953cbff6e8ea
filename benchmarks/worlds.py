"""Cost of exact prediction: beside the forward pass of a small transformer, and for every world on the shelf.

    python benchmarks/worlds.py [--json FILE]

The two sides of a comparison take turns, and each figure is the median of its turns after a warm-up; on noisy machines
only the ratios mean much. Everything is compiled, in float32, for a batch of sequences at a time. A prediction that
costs no less than the forward pass ends with exit status 1.
"""

import argparse
import functools
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import msgspec
from rich.console import Console
from rich.table import Table

from testbed.ground import catalog
from testbed.model import forward
from testbed.model.initial import init
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Source

BATCH, LENGTH = 16, 512
MODEL = Transformer(vocabulary=256, context=LENGTH, width=128, layers=4, heads=4)
BLOCKS = BlockStationary(vocabulary=256, regimes=16, block_length=64)


class Duel(msgspec.Struct):
    """The exact prediction of a world beside the forward pass of the model, in nanoseconds a token."""

    world: str
    predictive_ns: float
    forward_ns: float

    @property
    def ratio(self) -> float:
        """Return the cost of the prediction in forward passes."""
        return self.predictive_ns / self.forward_ns


class Speed(msgspec.Struct):
    """The cost of a world's kernels, in nanoseconds a token."""

    world: str
    alphabet: int
    predictive_ns: float
    sampler_ns: float


def main() -> None:
    """Print both tables, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--turns", type=int, default=15, help="turns that each median is over (default 15)")
    asked = parser.parse_args()
    duels = [duel(order, asked.turns) for order in (0, 1)]
    shelf = catalog.shelf("testbed.sources")
    speeds = [speed(name, kind.exhibit(), asked.turns) for name, kind in shelf.items()]
    device = jax.local_devices()[0].device_kind
    show(duels, speeds, device)
    if asked.json:
        about = {"device": device, "jax": jax.__version__, "batch": BATCH, "length": LENGTH}
        figures = {"forward": msgspec.to_builtins(duels), "shelf": msgspec.to_builtins(speeds)}
        asked.json.write_text(json.dumps(about | figures, indent=1) + "\n")
    check(duels)


def check(duels: list[Duel]) -> None:
    """End with exit status 1 and a sentence if a prediction is no cheaper than the forward pass."""
    for row in duels:
        if row.ratio >= 1:
            raise SystemExit(
                f"{row.world}: the exact prediction costs {row.ratio:.2f} of a forward pass, and must cost less than 1."
            )


def duel(order: int, turns: int) -> Duel:
    """Time the prediction of hidden blocks of 64 tokens from 16 regimes over 256 symbols, and the model."""
    world = msgspec.structs.replace(BLOCKS, order=order)
    tables, tokens_BL, _, predict = kernels(world)
    params = init(MODEL, key=jax.random.key(0))
    run = jax.jit(functools.partial(forward.logits_of_batch, MODEL))
    predictive, model = medians([lambda: predict(tables, tokens_BL), lambda: run(params, tokens_BL)], turns)
    return Duel(f"16 hidden regimes, w=64, order {order}", predictive, model)


def speed(name: str, world: Source, turns: int) -> Speed:
    """Time the prediction and the sampler of one world."""
    tables, tokens_BL, sample, predict = kernels(world.for_window(LENGTH))
    key = jax.random.key(1)
    predictive, sampler = medians([lambda: predict(tables, tokens_BL), lambda: sample(tables, key)], turns)
    return Speed(name, world.alphabet, predictive, sampler)


def kernels(world: Source) -> tuple[object, jax.Array, Callable, Callable]:
    """Return the tables of a world, a batch of its sequences, and its compiled sampler and prediction."""
    tables = jax.tree.map(jnp.asarray, world.tables())

    def one(tables: object, key: jax.Array) -> jax.Array:
        return world.sample(tables, key=key, length=LENGTH)[0]

    sample = jax.jit(lambda tables, key: jax.vmap(one, (None, 0))(tables, jax.random.split(key, BATCH)))
    predict = jax.jit(jax.vmap(world.log_predictive, (None, 0)))
    return tables, sample(tables, jax.random.key(0)), sample, predict


def medians(calls: list[Callable[[], object]], turns: int) -> list[float]:
    """Return the median nanoseconds a token of calls that take turns."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(turns + 1):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            jax.block_until_ready(call())
            if turn:
                times.append(time.perf_counter() - began)
    return [statistics.median(times) / (BATCH * LENGTH) * 1e9 for times in taken]


def show(duels: list[Duel], speeds: list[Speed], device: str) -> None:
    """Print the tables."""
    against = Table(title=f"{device}, jax {jax.__version__}, {BATCH} sequences of {LENGTH}", title_justify="left")
    for heading in ("256 symbols", "predictive ns/token", "forward pass ns/token", "predictive/forward"):
        against.add_column(heading, justify="left" if heading == "256 symbols" else "right")
    for row in duels:
        against.add_row(row.world, f"{row.predictive_ns:,.0f}", f"{row.forward_ns:,.0f}", f"{row.ratio:.3f}")
    shelf = Table(title="the examples of the gallery", title_justify="left")
    for heading in ("world", "V", "predictive ns/token", "sampler ns/token"):
        shelf.add_column(heading, justify="left" if heading == "world" else "right")
    for row in speeds:
        shelf.add_row(row.world, str(row.alphabet), f"{row.predictive_ns:,.0f}", f"{row.sampler_ns:,.0f}")
    console = Console(width=120)
    console.print(against)
    console.print(f"The model: {MODEL.layers} layers of width {MODEL.width}, {MODEL.heads} heads.")
    console.print(shelf)


if __name__ == "__main__":
    main()
