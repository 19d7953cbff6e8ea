"""The entropies of noisy sources: by their machine while it is small, and otherwise through that of the base."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from testbed.sources import _curve, _draws, _edges, _known, _laws, _machine_truth, _noise, _samples, _truth
from testbed.sources._source import Source
from testbed.sources._truth import Absent, Budget, Quantity, Truth
from testbed.sources._wrapped import machine_of

if TYPE_CHECKING:
    from testbed.sources.noisy import Noisy

SMALL_EDGES = 2**18
RATE_WINDOW, TOKENS_A_TOKEN = 128, 16
"""Tokens of a window; for how many tokens of the budget one counts, as those of large machines take long."""


def truth(source: "Noisy", length: int, budget: Budget) -> Truth:
    """Return the entropies of a noisy source over windows of `length` tokens."""
    _truth.check_length(length)
    machine = source.machine()
    if not isinstance(machine, Absent) and len(machine.origin_E) <= SMALL_EDGES:
        return _machine_truth.truth(source, length, budget, oracle=_oracle(source))
    curve = _curve.curve(type(source), source.tables(np.float64), length, budget)
    found = Truth(
        length=length,
        curve=curve.positions(),
        epsilon=curve.mean(np.full(length, 1 / length)),
        rate=_rate(source, length, budget),
        oracle=_oracle(source),
    )
    return _known.settled(source, found, budget)


def _oracle(source: "Noisy") -> Quantity | Absent:
    """Return the long-run entropy of a token given what the oracle of the base knows."""
    told = source.informed()
    if isinstance(told, Absent):
        return told
    value = float(told.weight_S @ _laws.entropy(told.rows_SV))
    return _truth.rounded(value, 4.0 * len(told.weight_S) ** 2 + source.alphabet)


def _rate(source: "Noisy", length: int, budget: Budget) -> Quantity:
    """Return the rate between the means, over later halves of windows, with the first state known and unknown."""
    machine = machine_of(source.base)
    machine = machine._replace(initial_S=machine.stationary_S)
    tables = (
        _edges.tables_of(machine, np.float64),
        _noise.tables_of(machine, np.float64),
        _noise.places_of(machine).astype(np.int32),
        np.array(source.sigma),
        _draws.chance(np.array(source.sigma)),
    )
    window = max(length, RATE_WINDOW)
    shape = (_samples.count(budget.tokens // TOKENS_A_TOKEN, window), window, source.alphabet)
    low, high = _samples.means(
        _curve.sampled(_ends, type(source), tables, shape, budget), _curve.all_of(source.alphabet)
    )
    return _truth.between(low, high, least=_known.least(_oracle(source)))


def _ends(_: type[Source], length: int, tables: Any, key: Key[Array, ""]) -> Float[Array, "2"]:
    """Return the mean entropies over the later half of one window, with and without the state before it."""
    edges, unknown, place_S, sigma, replaces = jax.tree.map(jnp.asarray, tables)
    path_key, noise_key = jax.random.split(key)
    clean_L, state_L = _edges.sampled(edges, key=path_key, length=length)
    words_2L = _draws.words(noise_key, (2, length), sigma.dtype)
    tokens_L = _noise.added(replaces, clean_L, words_2L, symbols=len(edges.uniform_V))[0]
    starts = _noise.known(unknown, place_S[state_L[0]]), unknown
    rows_LV = (_noise.predicted(start, tokens_L, sigma)[length // 2 :] for start in starts)
    return jnp.stack([_curve.entropy(each_LV).mean() for each_LV in rows_LV])
