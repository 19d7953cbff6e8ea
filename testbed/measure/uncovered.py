"""Windows without what wrappers did to them: copies of a symbol folded, tokens before noise, latents of the base."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from testbed.measure.contexts import Reference
from testbed.sources import Inflated, Noisy, Source


class Uncovered(NamedTuple):
    """A world under noise and inflation, and its part in the windows.

    `seen_BL` are the tokens as a reader sees them, in the alphabet of the world; `clean_BL` those that the world wrote,
    before noise. `sigma` is the probability that all noise together replaces a token by a uniform draw, and `copies`
    the number of symbols that mean the same to a reader.
    """

    world: Any
    seen_BL: Int[np.ndarray, "B L"]
    clean_BL: Int[np.ndarray, "B L"]
    latents: Any
    sigma: float
    copies: int


def innermost(world: Source) -> Source:
    """Return the world under all noise and inflation."""
    while isinstance(world, (Noisy, Inflated)):
        world = world.base
    return world


def uncovered(world: Source, shared: Reference) -> Uncovered:
    """Return what stands behind windows of a world; a wrapper that is neither noise nor inflation stays on.

    Error: ValueError where the latents were not kept.

    >>> from testbed.measure.contexts import reference
    >>> from testbed.sources import Facts
    >>> world = Noisy(base=Inflated(base=Facts(facts=2, answers=2), factor=3), sigma=0.5)
    >>> found = uncovered(world, reference(world, sequences=1, length=4, seed=0))
    >>> found.copies, found.sigma, int(found.clean_BL.max()) < 4
    (3, 0.5, True)
    """
    if shared.latents is None:
        raise ValueError(
            "these windows came without their latents, of which capabilities are; draw them by"
            " testbed.measure.contexts.reference."
        )
    world = world.for_window(shared.tokens_BL.shape[1])
    seen_BL, clean_BL, latents = shared.tokens_BL, shared.tokens_BL, shared.latents
    kept, copies = 1.0, 1
    while isinstance(world, (Noisy, Inflated)):
        if isinstance(world, Inflated):
            seen_BL, clean_BL, copies = seen_BL // world.factor, clean_BL // world.factor, copies * world.factor
        else:
            clean_BL, latents, kept = latents.clean_L, latents.base, kept * (1 - world.sigma)
        world = world.base
    return Uncovered(world, seen_BL, clean_BL, latents, 1 - kept, copies)


def folded(logp_QW: Float[np.ndarray, "Q W"], copies: int) -> Float[np.ndarray, "Q V"]:
    """Return the log-probabilities of symbols whose copies stand beside each other.

    >>> folded(np.log([[0.1, 0.2, 0.3, 0.4]]), 2).round(3).tolist() == np.log([[0.3, 0.7]]).round(3).tolist()
    True
    """
    if copies == 1:
        return logp_QW
    return np.asarray(np.logaddexp.reduce(logp_QW.reshape(len(logp_QW), -1, copies), axis=-1))
