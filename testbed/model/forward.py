"""From the tokens of a window to the logits of the next: what a model computes, given its parameters."""

from typing import Any

from jaxtyping import Array, Float, Int, Key

from testbed.model import network
from testbed.model.transformer import Transformer


def logits(
    config: Transformer, params: dict[str, Any], tokens_L: Int[Array, " L"], *, key: Key[Array, ""] | None = None
) -> Float[Array, "L V"]:
    """Return the logits of one sequence: row t predicts token t, from the tokens before t alone.

    Sequences may be shorter than the context, and longer where positions are not learned. The key is that of the
    embedding noise, and is required where there is some: token t of sequence b has noise that depends on the key,
    b and t alone.
    """
    return logits_of_batch(config, params, tokens_L[None], key=key)[0]


def logits_of_batch(
    config: Transformer, params: dict[str, Any], tokens_BL: Int[Array, "B L"], *, key: Key[Array, ""] | None = None
) -> Float[Array, "B L V"]:
    """Return the logits of each sequence; without noise the same as ``vmap(logits)``, at a lower cost on a CPU."""
    check(config, tokens_BL.shape[1], key)
    return network.logits(config, params, tokens_BL, key)


def representations(
    config: Transformer, params: dict[str, Any], tokens_L: Int[Array, " L"], *, key: Key[Array, ""] | None = None
) -> Float[Array, "N L M"]:
    """Return the output r of each layer for one sequence; row t depends on the tokens before t alone.

    The readout of the last layer (after the final norm, where there is one) is ``logits``.
    """
    return representations_of_batch(config, params, tokens_L[None], key=key)[:, 0]


def representations_of_batch(
    config: Transformer, params: dict[str, Any], tokens_BL: Int[Array, "B L"], *, key: Key[Array, ""] | None = None
) -> Float[Array, "N B L M"]:
    """Return the output r of each layer for each sequence; see ``representations``."""
    check(config, tokens_BL.shape[1], key)
    return network.representations(config, params, tokens_BL, key)


def check(config: Transformer, length: int, key: Key[Array, ""] | None) -> None:
    """Refuse windows beyond the learned positions, and a model with noise but no key for it."""
    if length > config.context and config.positions == "learned":
        raise ValueError(
            f"{length} tokens exceed the context {config.context}, and learned positions end there; "
            "raise context, or use positions none or rotary."
        )
    if config.embedding_noise is not None and key is None:
        raise ValueError(
            f"key=None is refused: this model adds the noise {config.embedding_noise}, which needs a key; "
            "pass key=jax.random.key(…), or leave embedding_noise out."
        )
