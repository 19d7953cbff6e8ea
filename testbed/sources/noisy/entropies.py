"""The entropies of noisy sources: by their machine while it is small, and otherwise through that of the base."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from testbed.laws import record, simplex
from testbed.laws.entropies import bounded, conditional, monte_carlo, of_machine
from testbed.laws.kernels import sampling
from testbed.laws.machines import edge_filter
from testbed.laws.record import Absent, Budget, Quantity, Truth
from testbed.laws.source import Source
from testbed.sources._wrapped import machine_of
from testbed.sources.noisy import noise_law
from testbed.sources.noisy.fields import Fields

SMALL_EDGES = 2**18
RATE_WINDOW, TOKENS_A_TOKEN = 128, 16
"""Tokens of a window; for how many tokens of the budget one counts, as those of large machines take long."""


def truth(source: Fields, length: int, budget: Budget) -> Truth:
    """Return the entropies of a noisy source over windows of `length` tokens."""
    record.check_length(length)
    machine = source.machine()
    if not isinstance(machine, Absent) and len(machine.origin_E) <= SMALL_EDGES:
        return of_machine.truth(source, length, budget, oracle=_oracle(source))
    curve = conditional.curve(type(source), source.tables(np.float64), length, budget)
    found = Truth(
        length=length,
        curve=curve.positions(),
        epsilon=curve.mean(np.full(length, 1 / length)),
        rate=_rate(source, length, budget),
        oracle=_oracle(source),
    )
    return bounded.settled(source, found, budget)


def _oracle(source: Fields) -> Quantity | Absent:
    """Return the long-run entropy of a token given what the oracle of the base knows."""
    told = source.informed()
    if isinstance(told, Absent):
        return told
    value = float(told.weight_S @ simplex.entropy(told.rows_SV))
    return record.rounded(value, 4.0 * len(told.weight_S) ** 2 + source.alphabet)


def _rate(source: Fields, length: int, budget: Budget) -> Quantity:
    """Return the rate between the means, over later halves of windows, with the first state known and unknown."""
    machine = machine_of(source.base)
    machine = machine._replace(initial_S=machine.stationary_S)
    tables = (
        edge_filter.tables_of(machine, np.float64),
        noise_law.tables_of(machine, np.float64),
        noise_law.places_of(machine).astype(np.int32),
        np.array(source.sigma),
        sampling.chance(np.array(source.sigma)),
    )
    window = max(length, RATE_WINDOW)
    shape = (monte_carlo.count(budget.tokens // TOKENS_A_TOKEN, window), window, source.alphabet)
    low, high = monte_carlo.means(
        conditional.sampled(_ends, type(source), tables, shape, budget), conditional.all_of(source.alphabet)
    )
    return record.between(low, high, least=bounded.least(_oracle(source)))


def _ends(_: type[Source], length: int, tables: Any, key: Key[Array, ""]) -> Float[Array, "2"]:
    """Return the mean entropies over the later half of one window, with and without the state before it."""
    edges, unknown, place_S, sigma, replaces = jax.tree.map(jnp.asarray, tables)
    path_key, noise_key = jax.random.split(key)
    clean_L, state_L = edge_filter.sampled(edges, key=path_key, length=length)
    words_2L = sampling.words(noise_key, (2, length), sigma.dtype)
    tokens_L = noise_law.added(replaces, clean_L, words_2L, symbols=len(edges.uniform_V))[0]
    starts = noise_law.known(unknown, place_S[state_L[0]]), unknown
    rows_LV = (noise_law.predicted(start, tokens_L, sigma)[length // 2 :] for start in starts)
    return jnp.stack([conditional.entropy(each_LV).mean() for each_LV in rows_LV])
