"""What is minimised, and how: cross-entropy in nats per token; AdamW under warm-up and cosine."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from testbed.cell import Optimiser

Logits = Callable[[Any, Int[Array, "B L"]], Float[Array, "B L V"]]


def cross_entropy(logits: Logits, params: Any, tokens_BL: Int[Array, "B L"]) -> Float[Array, ""]:
    """Return the mean of -log p(x_t given x_<t) over a batch, in nats per token."""
    losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits(params, tokens_BL), tokens_BL)
    return losses.mean()


def schedule(step: Int[Array, ""], peak: Float[Array, ""], horizon: Int[Array, ""], warmup: float) -> Float[Array, ""]:
    """Return the learning rate of ``step``: linear to ``peak``, then half a cosine to zero at ``horizon``.

    The first step already moves and the last one still does: the curve is read at the middle of each step.
    """
    progress = (step.astype(jnp.float32) + 0.5) / jnp.maximum(horizon, 1).astype(jnp.float32)
    rise = progress / max(warmup, 1e-9)
    fall = 0.5 * (1 + jnp.cos(jnp.pi * (progress - warmup) / (1 - warmup)))
    return peak * jnp.clip(jnp.where(progress < warmup, rise, fall), 0.0, 1.0)


def direction(optimiser: Optimiser) -> optax.GradientTransformation:
    """Return clipping, Adam and decay on matrices; the caller multiplies by minus the learning rate."""
    return optax.chain(
        optax.clip_by_global_norm(optimiser.clip),
        optax.scale_by_adam(b1=optimiser.beta1, b2=optimiser.beta2),
        optax.add_decayed_weights(
            optimiser.weight_decay, mask=lambda params: jax.tree.map(lambda leaf: leaf.ndim >= 2, params)
        ),
    )


def step(
    direction: optax.GradientTransformation, gradient: Any, moments: Any, params: Any, rate: Float[Array, ""]
) -> tuple[Any, Any]:
    """Return parameters and moments after one step of size ``rate``.

    Optax mixes Python floats with integer counts, which strict promotion forbids; the exception is made here only.
    """
    with jax.numpy_dtype_promotion("standard"):
        move, moments = direction.update(gradient, moments, params)
    return jax.tree.map(lambda old, change: old - rate * change, params, move), moments
