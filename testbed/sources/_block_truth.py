"""The entropies of block-stationary sources."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, Float, Int32, Key
from scipy.special import entr

from testbed.sources import _blocks, _curve, _laws, _truth
from testbed.sources._blocks import Tables
from testbed.sources._source import Source
from testbed.sources._truth import Budget, Quantity, Truth
from testbed.sources.block_stationary import BlockStationary


class Parts(NamedTuple):
    """What the closed forms are made of.

    Entropies of a block's regime, of its first own token given the regime, of each later one given the one before,
    and of whether a block ends; and the chance that a token begins a block.
    """

    regime: float
    first: float
    later: float
    ending: float
    begins: float


def truth(source: BlockStationary, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    _truth.check_length(length)
    parts = _parts(source)
    exact = functools.partial(_truth.rounded, operations=4.0 * source.alphabet**2)
    oracle = _oracle(source, parts)
    if source.announced and source.phase == "aligned":
        values = _announced_values(source, parts, length)
        curve, epsilon = tuple(map(exact, values)), exact(float(np.mean(values)))
    else:
        curve, epsilon = _measured_curve(source, length, budget)
    if source.announced:
        rate = exact(oracle + parts.begins * parts.regime + parts.ending)
    elif source.lengths == "fixed":
        rate = _mean_over_block(source, budget)
    else:
        rate = _bracketed_rate(source, length, budget)
    return Truth(length=length, curve=curve, epsilon=epsilon, rate=rate, oracle=exact(oracle))


def _parts(source: BlockStationary) -> Parts:
    prior_K, law_KV = source.regime_prior(), source.stationary_laws()
    row_entropy_KU, begins = _laws.entropy(source.components()), 1 / source.block_length
    weights_KU = law_KV if source.order else np.ones((source.regimes, 1))
    geometric = source.lengths == "geometric"
    return Parts(
        regime=float(entr(prior_K).sum()),
        first=float(prior_K @ _laws.entropy(law_KV)),
        later=float(prior_K @ (weights_KU * row_entropy_KU).sum(1)),
        ending=float(entr(begins) + entr(1 - begins)) if geometric else 0.0,
        begins=begins,
    )


def _oracle(source: BlockStationary, parts: Parts) -> float:
    """Return the long-run mean given regimes and boundaries, which leave nothing uncertain about an announcer."""
    begins = parts.begins
    if not source.announced:
        return begins * parts.first + (1 - begins) * parts.later
    second = begins * (1 - begins) if source.lengths == "geometric" else begins
    return second * parts.first + (1 - begins - second) * parts.later


def _announced_values(source: BlockStationary, parts: Parts, length: int) -> list[float]:
    """Return h_t where every block from the first position on names its regime."""
    if source.lengths == "fixed":
        block = [parts.regime, parts.first, *[parts.later] * (source.block_length - 2)]
        return [block[position % source.block_length] for position in range(length)]
    begins = parts.begins
    either = parts.ending + begins * parts.regime
    second = either + (1 - begins) * parts.first
    further = either + (1 - begins) * (begins * parts.first + (1 - begins) * parts.later)
    return [parts.regime, second, *[further] * length][:length]


def _measured_curve(source: BlockStationary, length: int, budget: Budget) -> tuple[tuple[Quantity, ...], Quantity]:
    """Return h_t and its mean; aligned blocks of fixed length are independent, so that one block holds them all."""
    repeats = source.phase == "aligned" and source.lengths == "fixed"
    horizon = min(length, source.block_length) if repeats else length
    curve = _curve_of(source, horizon, budget)
    values = curve.positions()
    weights_L = np.bincount(np.arange(length) % horizon) / length
    return tuple(values[position % horizon] for position in range(length)), curve.mean(weights_L)


@functools.lru_cache(maxsize=1)
def _curve_of(source: BlockStationary, horizon: int, budget: Budget) -> _curve.Curve:
    return _curve.curve(type(source), source.tables(np.float64), horizon, budget)


def _mean_over_block(source: BlockStationary, budget: Budget) -> Quantity:
    """Return the rate for blocks of fixed length: not knowing their phase costs at most ln w nats in all."""
    aligned = msgspec.structs.replace(source, phase="aligned")
    return _measured_curve(aligned, source.block_length, budget)[1]


def _bracketed_rate(source: BlockStationary, length: int, budget: Budget) -> Quantity:
    """Return the rate of geometric blocks, between h_L and the same entropy given the state before the window.

    Both are those of the stationary process, of which alignment is forgotten in the long run. They are enumerated at
    position `length` if the contexts are few enough, otherwise sampled on the same sequences as means over the later
    half of a window of at least eight mean block lengths.
    """
    kind = type(source)
    tables = msgspec.structs.replace(source, phase="uniform").tables(np.float64)
    if source.regimes * source.alphabet**length <= budget.contexts:
        ends = _informed(source, tables, length), float(_curve.enumerated(kind, tables, length, source.alphabet)[-1])
        low, high = (_truth.rounded(end, _curve.operations(tables, length)) for end in ends)
        return _truth.bracketed(low.low, high.high, method="certified interval")
    window = max(length, 8 * source.block_length)
    shape = (max(2, budget.tokens // window), window, source.alphabet)
    low_B, high_B = _curve.sampled(_ends, kind, tables, shape, budget).T
    low, high = (_truth.sampled(float(end_B.mean()), _curve.standard_error(end_B)) for end_B in (low_B, high_B))
    return _truth.bracketed(low.low, high.high, method="Monte Carlo")


def _informed(source: BlockStationary, tables: Tables, length: int) -> float:
    """Return H(X_L | X_<L, regime and symbol before the window) by enumeration."""
    law_KV = source.regime_prior()[:, None] * source.stationary_laws()
    low = 0.0
    with jax.enable_x64(True):
        for regime, symbol in np.argwhere(law_KV > 0):
            state = jax.tree.map(np.asarray, _after(tables, jnp.int32(regime), jnp.int32(symbol)))
            low += law_KV[regime, symbol] * _curve.enumerated(type(source), state, length, source.alphabet)[-1]
    return float(low)


def _ends(kind: type[Source], length: int, tables: Tables, key: Key[Array, ""]) -> Float[Array, "2"]:
    """Return the mean entropies over the later half of a window, with and without the state before it."""
    tokens_L, latents = kind.sample(tables, key=key, length=length + 1)
    informed_LV = kind.log_predictive(_after(tables, latents.regime_L[0], tokens_L[0]), tokens_L[1:])
    uninformed_LV = kind.log_predictive(tables, tokens_L)[1:]
    return jnp.stack([_curve.entropy(each_LV[length // 2 :]).mean() for each_LV in (informed_LV, uninformed_LV)])


def _after(tables: Tables, regime: Int32[Array, ""], symbol: Int32[Array, ""]) -> Tables:
    """Return the law of what follows a symbol of a regime; its age plays no part where blocks are geometric."""
    tables = jax.tree.map(jnp.asarray, tables)
    known_KJ = jnp.zeros_like(tables.initial_KJ).at[regime, -1].set(1)
    contexts = tables.rows_KUV.shape[1]
    rows_KUV = tables.rows_KUV.at[:, -2].set(tables.rows_KUV[:, jnp.minimum(symbol, contexts - 2)])
    return tables._replace(initial_KJ=_blocks.advanced(tables, known_KJ), rows_KUV=rows_KUV)
