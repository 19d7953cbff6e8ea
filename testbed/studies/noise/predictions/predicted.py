"""What theory says of an arm: the law that its noise follows, and how much of it the first layer has at each n."""

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from testbed.model.attention.hard_max import HardMax
from testbed.model.attention.top_k import TopK
from testbed.model.noise.student import Student
from testbed.model.transformer import Transformer
from testbed.sources import Absent, BlockStationary, DirichletBlocks, Mixing, Source
from testbed.studies.noise.analysis import PARTS
from testbed.studies.noise.predictions import passage
from testbed.studies.noise.predictions.averaging import NONE, Layer, Level, of_logits, of_values
from testbed.studies.noise.predictions.counts import counts
from testbed.studies.noise.predictions.heads import fed, heads
from testbed.theory import attention_noise, lags
from testbed.theory.laws import Growing, Setting
from testbed.weights import AnyWeights

COLUMNS = ("part", "length", "predicted", "error")


def setting(world: Source, model: Transformer, weights: AnyWeights) -> Setting | Absent:
    """Return what decides the law of T(n) given the query, in words of the theory, or why none is known.

    The world is the one of the arm, which knows whether its blocks grow with the window.
    """
    lack, decay = _lack(model, weights), _world(world, weights)
    if lack is not None or isinstance(decay, Absent):
        return decay if isinstance(decay, Absent) else Absent(str(lack))
    noise = model.embedding_noise
    return Setting(
        world=decay,
        attention="softmax" if weights.uniform else _attention(model),
        continuous=noise is not None,
        logit_deviation=weights.logit_deviation,
        value_tail=noise.freedom if isinstance(noise, Student) and noise.freedom < 2 else None,
        kink=passage.exponent(model.feedforward) if weights.at_kink else None,
    )


def levels(
    world: Source, model: Transformer, weights: AnyWeights, params: dict[str, Any], lengths: Sequence[int]
) -> pd.DataFrame:
    """Return for each part of layer 1 and each n the predicted T given the query token, and its error.

    A is a function of how often each symbol comes before the query; start vector and query token are among the n, and
    not random. With μ the mean of the counts given the query and C their covariance, T is tr φᵀCφ/n², with φ the
    influence at μ/n; where a window keeps to one regime or a few, it is the mean of that over regimes given the query,
    plus the covariance of the means of A, these to the order 1/n. Then

    - noise on the embeddings, under uniform weights, adds its own share;
    - a smooth feed-forward network is passed by its Jacobian, a kink at the mean by `passage.kinked`;
    - Gaussian logits have the exact participation of n−1 of them.

    ``weights`` say how the parameters were planted; what training has undone counts for nothing. NaN where theory gives
    no number.

    Error: of relative order 1/n, save under uniform weights, where A is exact; of order n^(−1/2) at a kink. ``error``
    bounds what the lags that were left out add, to first order.
    """
    if weights.logit_deviation is not None:
        found = [_of_logits(model, params, weights.logit_deviation, n - 1) for n in lengths]
    else:
        layer = Layer(model, params, weights)
        dealt = counts(world, lengths) if layer.known else [Absent("this layer has no theory")] * len(lengths)
        found = [layer.level(cases, n) for n, cases in zip(lengths, dealt, strict=True)]
    rows = [
        (part, n, float(each.variance_3[at]), float(each.error_3[at]))
        for n, each in zip(lengths, found, strict=True)
        for at, part in enumerate(PARTS)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def long_run(world: Source, model: Transformer, params: dict[str, Any], part: str) -> float:
    """Return the limit of n·T given the query of a part of layer 1, NaN where there is none or none is known.

    It is Σ_q P(q) tr J Σ_q Jᵀ, with Σ_q the long-run covariance of the influence and J the slope of what follows A: a
    sum over the world's pair laws, by another way than `levels`, whose n·T tends to it.

    Error: as `attention_noise.long_run`. NaN for feed-forward networks that are not smooth.
    """
    growing = isinstance(world, BlockStationary | DirichletBlocks) and world.block_share is not None
    if growing or world.for_window(1) is not world or not (part == "attention" or passage.is_smooth(model.feedforward)):
        return float("nan")
    total = 0.0
    for token, chance in enumerate(lags.marginal(world).tolist()):
        offered = heads(model, params, token)
        noise = offered if isinstance(offered, Absent) else attention_noise.long_run(world, offered)
        if not isinstance(noise, attention_noise.Noise):
            return float("nan")
        if part != "attention":
            slope_MM = passage.slopes(fed(model, params, token), noise.limit_M)[PARTS.index(part)]
            noise = attention_noise.transformed(noise, noise.limit_M, slope_MM)
        total += chance * noise.trace
    return total


def _world(world: Source, weights: AnyWeights) -> Mixing | Growing | Absent:
    if weights.logit_deviation is not None:
        return Mixing(decay="independent", value=0.0)  # tokens are all alike
    if isinstance(world, BlockStationary | DirichletBlocks) and world.block_share is not None:
        return Growing(share=world.block_share)
    if world.for_window(1) is not world:
        return Absent("how fast tokens become independent depends on the window")
    return world.mixing()


def _lack(model: Transformer, weights: AnyWeights) -> str | None:
    """Return why places, or noise on the embeddings, leave no law that is known."""
    noise, planted = model.embedding_noise, weights.uniform or weights.logit_deviation is not None
    if model.positions == "learned":
        return "the query has a vector of its own at every length, and with it n·T has another constant"
    if model.positions == "rotary" and not planted:
        return "queries and keys are turned by their places, so that no two of them are alike"
    if isinstance(noise, Student) and (noise.freedom <= 1 or noise.freedom == 2):
        return f"averages of values with tail index {noise.freedom:.3g} have no power law with a name here"
    if isinstance(noise, Student) and not planted:
        return "heavy tails reach the keys too, so that the largest scores go with the largest values"
    if noise is not None and not planted and _attention(model) == "softmax":
        return "the query carries noise of its own, so that the limit of A differs from sequence to sequence"
    return None


def _attention(model: Transformer) -> Literal["softmax", "hard max", "top k"]:
    if isinstance(model.attention, HardMax):
        return "hard max"
    return "top k" if isinstance(model.attention, TopK) else "softmax"


def _of_logits(model: Transformer, params: dict[str, Any], deviation: int | float, positions: int) -> Level:
    if _attention(model) == "softmax":
        return of_logits(model, params, deviation, positions)
    return of_values(model, params, 1.0) if _attention(model) == "hard max" else NONE
