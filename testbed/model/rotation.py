"""Rotary positions: pairs of coordinates turned by an angle proportional to the place."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

_BASE = 10_000.0


class Turn(NamedTuple):
    """Cosine and sine of the angle of each place and pair."""

    cos_LP: Float[Array | np.ndarray, "L P"]
    sin_LP: Float[Array | np.ndarray, "L P"]


def turn(places_L: Int[np.ndarray, " L"], width: int) -> Turn:
    """Return the turn of each place, computed in float64 and rounded to float32.

    Source: Su et al. (arXiv 2104.09864), equation 15.
    """
    rates = _BASE ** (-np.arange(0, width, 2) / width)
    angles = np.outer(places_L, rates)
    return Turn(np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32))


def rotate(x_BLHK: Float[Array, "B L H K"], by: Turn) -> Float[Array, "B L H K"]:
    """Return the vectors of each place turned; one turn may serve all places, and turns add up."""
    cos, sin = by.cos_LP[None, :, None], by.sin_LP[None, :, None]
    a, b = jnp.split(x_BLHK, 2, axis=-1)
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
