"""One compiled program per bucket: every lane of it trains to its own horizon, and none can harm another."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Key, UInt32

from testbed.cell import Cell, Optimiser, Stopping
from testbed.ground import keys
from testbed.ground.options import Mapping, Placement
from testbed.model import forward
from testbed.model.initial import init
from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.train import data, objective
from testbed.train.placement import Spread, placed

Observer = Callable[[Float[Array, "B L V"], Int[Array, "B L"], Float[Array, "B L V"]], dict[str, Array]]
"""(log-probabilities of the model, tokens, log-probabilities of the Bayes predictive) -> evidence, "kl_B" among it."""

SELECTION = "kl_B"
"""The evidence by which a best checkpoint is chosen, over the first half of the sequences."""


class Lane(NamedTuple):
    """The numbers that tell a lane from its neighbours."""

    init_key: Key[Array, ""]
    draw_key: Key[Array, ""]
    order: UInt32[Array, ""]
    """Seed of the order of the passes."""
    sequences: UInt32[Array, ""]
    """Stored windows; 0 for an endless stream."""
    learning_rate: Float[Array, ""]
    horizon: Int[Array, ""]
    """Steps; a padding lane has none."""
    tables: Any
    """The numbers of the world."""
    place: Int[Array, ""]
    """Which of the bucket's evaluation windows are its own."""


class LaneState(NamedTuple):
    """What training must carry on."""

    params: Any
    moments: Any
    kept: Any
    """Parameters that the stopping rule keeps so far."""
    kept_step: Int[Array, ""]
    kept_score: Float[Array, ""]
    loss_sum: Float[Array, ""]
    """Sum of the training losses since the last evaluation."""
    loss_steps: Int[Array, ""]
    diverged_at: Int[Array, ""]
    """Step at which a loss or a gradient was not finite and the lane froze; -1 if none."""


class Contexts(NamedTuple):
    """Evaluation windows and the exact predictive on them, of each of the W worlds of a bucket."""

    tokens_WBL: Int[Array, "W B L"]
    logp_WBLV: Float[Array, "W B L V"]


class Recipe(NamedTuple):
    """What changes the program: two buckets with equal recipes, shapes and lane counts share one compilation."""

    model: Transformer
    source: type[Source]
    optimiser: Optimiser
    stopping: Stopping
    observe: Observer
    mapping: Mapping
    placement: Placement
    devices: tuple[jax.Device, ...]
    level: int | None = None
    """How far the compiler is to optimise on a CPU (see `hasty.options`); as far as it can, if absent."""


class Program(NamedTuple):
    """The three compiled functions of a bucket; arrays carry a leading lane axis G."""

    init: Callable[[Lane], LaneState]
    advance: Callable[[LaneState, Lane, Any, Any], LaneState]
    """(state, lanes, first step, step to stop before) -> state; the state handed in is consumed."""
    evaluate: Callable[[LaneState, Lane, Any, Contexts], tuple[LaneState, dict[str, Array]]]


def lane(cell: Cell, place: int = 0) -> Lane:
    """Return the numbers of a cell, which is evaluated on the windows of a ``place``.

    Cells of equal seed, draw and group (see ``Cell.group``) see the same stream.
    """
    own = (cell.group, cell.draw)
    return Lane(
        init_key=keys.stream(cell.seed, "initialisation", cell.group, cell.initialisation),
        draw_key=keys.stream(cell.seed, "data", *own),
        order=jax.random.bits(keys.stream(cell.seed, "order", *own), dtype=jnp.uint32),
        sequences=jnp.uint32(data.ONLINE if cell.fresh else cell.sequences),
        learning_rate=jnp.float32(cell.learning_rate),
        horizon=jnp.int32(cell.horizon),
        tables=jax.tree.map(jnp.asarray, cell.world.tables()),
        place=jnp.int32(place),
    )


def stack(lanes: list[Lane], width: int) -> Lane:
    """Return lanes side by side on a leading axis G, padded to ``width`` with lanes that do nothing."""
    idle = lanes[0]._replace(horizon=jnp.int32(0))
    padded = lanes + [idle] * (width - len(lanes))
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *padded)


@functools.cache
def program(recipe: Recipe) -> Program:
    """Return the compiled functions of a recipe, lanes spread evenly over its devices.

    Error: float32 reductions may differ by rounding between placements, mappings and device counts.
    """
    direction = objective.direction(recipe.optimiser)
    pieces = (
        (functools.partial(_init, recipe.model, direction), (0,), ()),
        (functools.partial(_advance, recipe, direction), (0, 0, None, None), (0,)),
        (functools.partial(_evaluate, recipe), (0, 0, None, None), (0,)),
    )
    spread = Spread(recipe.devices, recipe.placement, recipe.mapping, recipe.level)
    return Program(*(placed(spread, *piece) for piece in pieces))


def _init(model: Transformer, direction: optax.GradientTransformation, lane: Lane) -> LaneState:
    params = init(model, key=lane.init_key)
    return LaneState(
        params=params,
        moments=direction.init(params),
        kept=params,
        kept_step=jnp.int32(0),
        kept_score=jnp.float32(jnp.inf),
        loss_sum=jnp.float32(0),
        loss_steps=jnp.int32(0),
        diverged_at=jnp.int32(-1),
    )


def _advance(
    recipe: Recipe,
    direction: optax.GradientTransformation,
    state: LaneState,
    lane: Lane,
    start: Int[Array, ""],
    stop: Int[Array, ""],
) -> LaneState:
    """Train one lane from step ``start`` up to ``stop`` or its horizon; its data are drawn inside."""
    length, batch = recipe.model.context, recipe.optimiser.batch

    def step(index: Int[Array, ""], state: LaneState) -> LaneState:
        index_B = data.batch_indices(index, batch, lane.sequences, lane.order)
        tokens_BL = sample(recipe.source, lane, data.sequence_keys(lane.draw_key, index_B), length)
        loss, gradient = jax.value_and_grad(objective.cross_entropy, argnums=1)(
            functools.partial(forward.logits_of_batch, recipe.model), state.params, tokens_BL
        )
        rate = objective.schedule(index, lane.learning_rate, lane.horizon, recipe.optimiser.warmup)
        params, moments = objective.step(direction, gradient, state.moments, state.params, rate)
        sound = jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradient)) & (state.diverged_at < 0)
        moved = state._replace(
            params=params, moments=moments, loss_sum=state.loss_sum + loss, loss_steps=state.loss_steps + 1
        )
        frozen = state._replace(diverged_at=jnp.where(state.diverged_at < 0, index, state.diverged_at))
        return _choose(sound, moved, frozen)

    return jax.lax.fori_loop(jnp.minimum(start, lane.horizon), jnp.minimum(stop, lane.horizon), step, state)


def _evaluate(
    recipe: Recipe, state: LaneState, lane: Lane, step: Int[Array, ""], contexts: Contexts
) -> tuple[LaneState, dict[str, Array]]:
    """Observe one lane after ``step`` steps, and keep its parameters if the stopping rule says so.

    A lane that is past its horizon is left alone and its evidence is NaN.
    """

    def watch(state: LaneState) -> tuple[LaneState, dict[str, Array]]:
        tokens_BL, logp_BLV = contexts.tokens_WBL[lane.place], contexts.logp_WBLV[lane.place]
        logits_BLV = forward.logits_of_batch(recipe.model, state.params, tokens_BL)
        evidence = recipe.observe(jax.nn.log_softmax(logits_BLV), tokens_BL, logp_BLV)
        half = tokens_BL.shape[0] // 2
        score = evidence[SELECTION][:half].mean()
        better = (score < state.kept_score) if recipe.stopping == "best" else jnp.bool_(True)
        kept = state._replace(kept=state.params, kept_step=step, kept_score=score)
        loss = state.loss_sum / jnp.maximum(state.loss_steps, 1).astype(jnp.float32)
        empty = {"loss_sum": jnp.float32(0), "loss_steps": jnp.int32(0)}
        return _choose(better, kept, state)._replace(**empty), evidence | {"train_loss": loss}

    shapes = jax.eval_shape(watch, state)[1]
    blank = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), shapes)
    return jax.lax.cond(step <= lane.horizon, watch, lambda state: (state, blank), state)


def sample(source: type[Source], lane: Lane, key_B: Key[Array, " B"], length: int) -> Int[Array, "B L"]:
    """Return one window of the lane's world for each key."""
    return jax.vmap(lambda key: source.sample(lane.tables, key=key, length=length)[0])(key_B)


def _choose(condition: Bool[Array, ""], yes: LaneState, no: LaneState) -> LaneState:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
