"""The evaluation windows that all models of a world share, and the exact predictive on them in float64."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from testbed.ground import keys
from testbed.ground.hasty import once
from testbed.sources import Source


class Reference(NamedTuple):
    """Windows, log P(X_t = v given X_<t) of the Bayes predictive on each, float64, and what the world hid behind them.

    The latents are those that the world's `sample` returns, with an axis of windows before their own; None where they
    are not kept.
    """

    tokens_BL: np.ndarray
    logp_BLV: np.ndarray
    latents: Any = None

    @property
    def nll_B(self) -> np.ndarray:
        """Return the mean over each window of −log p*(x_t given x_<t), in nats per token."""
        return -np.take_along_axis(self.logp_BLV, self.tokens_BL[..., None], axis=-1)[..., 0].mean(axis=-1)

    @property
    def entropy_B(self) -> np.ndarray:
        """Return the mean over each window of the exact entropy of p*(· given x_<t), in nats per token."""
        p_BLV = np.exp(self.logp_BLV)
        return -(p_BLV * np.where(p_BLV > 0, self.logp_BLV, 0.0)).sum(axis=-1).mean(axis=-1)

    def only(self, read: slice) -> "Reference":
        """Return some of the windows."""
        some: Reference = jax.tree.map(lambda leaf: leaf[read], self)
        return some


def reference(world: Source, *, sequences: int, length: int, seed: int) -> Reference:
    """Return ``sequences`` windows of ``length`` tokens from the world's evaluation stream, which no training reads."""
    world = world.for_window(length)
    key_B = jax.random.split(keys.stream(seed, "evaluation"), sequences)
    tables = jax.tree.map(jnp.asarray, world.tables())
    tokens_BL, latents = once(jax.vmap(lambda key: world.sample(tables, key=key, length=length)))(key_B)
    with jax.enable_x64(True):
        exact = jax.tree.map(jnp.asarray, world.tables(np.float64))
        logp_BLV = once(jax.vmap(lambda tokens_L: world.log_predictive(exact, tokens_L)))(np.asarray(tokens_BL))
    return Reference(np.asarray(tokens_BL), np.asarray(logp_BLV), jax.tree.map(np.asarray, latents))
