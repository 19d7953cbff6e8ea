"""The contract of a predictor that knows nothing of the world and learns within the window, token by token."""

import abc

import numpy as np
from jaxtyping import Array, Float, Int

from testbed.ground.checked import Checked

LEAST, MOST = 1e-30, 1e30


class Predictor(Checked, frozen=True, kw_only=True, tag_field="kind"):
    """A law of the next token given those before it, for any alphabet, fixed before the first token is seen.

    `log_predictive` is pure, for jit and vmap, and sees one sequence. It works in float64 where jax has 64 bits
    switched on, and in float32 elsewhere. The convention is that of a world: row t is the law of token t given the
    tokens before it. No symbol ever has probability zero.
    """

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """Return the name under which tables and figures show it."""

    @abc.abstractmethod
    def log_predictive(self, tokens_L: Int[Array | np.ndarray, " L"], alphabet: int) -> Float[Array, "L V"]:
        """Return log q(x_t = v | x_<t) over `alphabet` symbols, in nats."""


def check_count(name: str, value: int, least: int) -> None:
    """Refuse a number of tokens that is too small."""
    if value < least:
        raise ValueError(f"{name}={value}: it must be at least {least}; give for example {name}={least}.")


def check_pseudo_count(value: int | float) -> None:
    """Refuse a pseudo-count that float32 does not hold: an unseen symbol would have no chance, or an endless one."""
    if not LEAST <= value <= MOST:
        raise ValueError(
            f"pseudo_count={value}: it must lie between {LEAST} and {MOST}; give for example pseudo_count=0.5."
        )


def estimator(pseudo_count: int | float) -> str:
    """Return the name of the estimator with this pseudo-count."""
    return {0.5: "KT", 1.0: "Laplace"}.get(pseudo_count, f"add-{pseudo_count:g}")
