"""Which of the paper's assumptions a model keeps, as far as the model decides it."""

import math
from typing import Literal

import msgspec

from testbed.model.transformer import Transformer

Status = Literal["kept", "dropped", "left to the world"]


class Assumption(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an assumption holds for every input, and the reason."""

    status: Status
    """Kept by construction, dropped, or not for the model to decide."""
    reason: str
    """One sentence."""


def assumptions(config: Transformer) -> dict[str, Assumption]:
    """Return the state of A1 (bounded Q, K, V), A2 (Lipschitz weights), A3 (block stationarity) and A4 (FFN).

    Error: a statement about what is guaranteed for every input and every parameter; a model that drops an assumption
    may still satisfy it where it is used, which is measured.
    Source: C. Luo (arXiv 2412.16443), assumptions A1 to A4.
    """
    return {"A1": _bounded(config), "A2": _weights(config), "A3": _stationary(config), "A4": _feedforward(config)}


def _bounded(config: Transformer) -> Assumption:
    bounds = {"query": config.query_bound, "key": config.key_bound, "value": config.value_bound}
    free = [name for name, bound in bounds.items() if bound is None]
    if free:
        noise = "" if config.embedding_noise is None else f", and embeddings carry noise, {config.embedding_noise}"
        return Assumption(status="dropped", reason=f"{' and '.join(free)} vectors have no bound{noise}.")
    radii = ", ".join(f"|{name}| ≤ {bound}" for name, bound in bounds.items())
    return Assumption(
        status="kept", reason=f"{radii} by projection; scores are multiplied by {config.score_scale:.6g}."
    )


def _weights(config: Transformer) -> Assumption:
    slope = config.attention.lipschitz
    if slope == math.inf:
        return Assumption(status="dropped", reason=f"Weights of {config.attention} jump where scores cross.")
    return Assumption(
        status="kept",
        reason=f"A row of weights of {config.attention} moves at most {slope:.6g} times as far as its scores.",
    )


def _stationary(config: Transformer) -> Assumption:
    if config.positions == "none":
        return Assumption(status="left to the world", reason="Vectors depend on tokens alone, not on their places.")
    part = {"learned": "A learned vector per place", "rotary": "A turn by the place"}[config.positions]
    return Assumption(status="dropped", reason=f"{part} gives queries and keys another law at every position.")


def _feedforward(config: Transformer) -> Assumption:
    missing = [
        lack
        for lack, found in (
            (f"no slope bounds {config.feedforward}", config.feedforward.lipschitz == math.inf),
            ("the matrices are not held to feedforward_lipschitz", config.feedforward_lipschitz is None),
            ("the output is not held to feedforward_bound", config.feedforward_bound is None),
        )
        if found
    ]
    if missing:
        return Assumption(status="dropped", reason=f"As to the feed-forward network, {'; '.join(missing)}.")
    slope, length = config.feedforward_lipschitz, config.feedforward_bound
    return Assumption(status="kept", reason=f"Its slope is at most {slope} and the length of its output {length}.")
