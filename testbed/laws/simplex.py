"""Probability rows, Markov chains and their entropies: float64 numpy."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float

from testbed.laws import effort

LARGEST_CHAIN = 4096
SMALL_CHAIN, BLOCK = 512, 64
"""States of a chain that is reduced state by state, and states that are taken out of a larger one together."""
LARGEST_TABLE = 2**24
LEAST, MOST = 1e-30, 1e30

Rows = Float[np.ndarray, "*rows V"]


def dirichlet_rows(
    shape: tuple[int, ...], concentration: int | float, *, seed: int, smoothing: int | float = 0.0
) -> Rows:
    """Return rows drawn independently from a symmetric Dirichlet law, mixed with the uniform row.

    A row is (1 - smoothing)·draw + smoothing/V. The draws are those of numpy's default generator under `seed`.
    """
    *rows, symbols = shape
    drawn = np.random.default_rng(seed).dirichlet(np.full(symbols, concentration), size=tuple(rows))
    drawn /= drawn.sum(-1, keepdims=True)
    return np.asarray((1 - smoothing) * drawn + smoothing / symbols)


def given_rows(name: str, rows: Sequence[Any], shape: tuple[int, ...], *, each: str = "row") -> Rows:
    """Return rows given by hand, normalised to the last digit; `each` is what a row is called.

    Error: ValueError if the shape is another, a number is negative or not finite, or a row's sum is off 1 by 1e-9.
    """
    try:
        array = np.asarray(rows, dtype=np.float64)
    except (ValueError, TypeError):
        raise ValueError(
            f"{name} is ragged or no numbers: it must have the shape {shape}; make all its rows equally long."
        ) from None
    if array.shape != shape:
        raise ValueError(f"{name} has the shape {array.shape}: it must be {shape}; give one probability per symbol.")
    if not (np.isfinite(array).all() and (array >= 0).all()):
        worst = array[~(np.isfinite(array) & (array >= 0))][0]
        raise ValueError(f"{name} holds {worst}: probabilities are finite and not negative; correct that entry.")
    sums = array.sum(-1, keepdims=True)
    if np.abs(sums - 1).max() > 1e-9:
        *row, _ = map(int, np.unravel_index(np.abs(sums - 1).argmax(), sums.shape))
        which = f", {each} {', '.join(map(str, row))}," if row else ""
        raise ValueError(
            f"{name}{which} sums to {sums[*row].item()}: probabilities must sum to 1; divide the row by its sum."
        )
    return np.asarray(array / sums)


def logarithm(rows: Rows) -> Rows:
    """Return log-probabilities, -inf where the probability is zero."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(rows))


def entropy(rows: Rows) -> Float[np.ndarray, "*rows"]:
    """Return the entropy of each row in nats."""
    from scipy.special import entr  # late: reading a configuration needs no scipy

    return np.asarray(entr(rows).sum(-1))


def context_chain(rows_UV: Float[np.ndarray, "U V"]) -> Float[np.ndarray, "U U"]:
    """Return the chain on the V^k contexts of an order-k chain; context codes put the oldest symbol first."""
    contexts, symbols = rows_UV.shape
    chain = np.zeros((contexts, contexts))
    codes = np.arange(contexts)
    for symbol in range(symbols):
        chain[codes, (codes * symbols + symbol) % contexts] = rows_UV[:, symbol]
    return chain


def recurrent(name: str, chain: Float[np.ndarray, "U U"]) -> Bool[np.ndarray, " U"]:
    """Return which states the chain visits for ever.

    Error: ValueError if they fall into several classes, as no single stationary law exists then.
    """
    if np.all(chain > 0):
        return np.ones(len(chain), dtype=bool)
    from scipy.sparse.csgraph import connected_components  # a third of a second to import

    count, label = connected_components(chain > 0, directed=True, connection="strong")
    leaves = (chain > 0) & (label[:, None] != label[None, :])
    closed = np.setdiff1d(np.arange(count), label[leaves.any(1)])
    if len(closed) != 1:
        raise ValueError(
            f"{name} is reducible ({len(closed)} closed classes of states): a source that starts from its stationary"
            " law needs exactly one; raise the smoothing or give rows that connect the classes."
        )
    return np.asarray(label == closed[0])


def stationary(name: str, chain: Float[np.ndarray, "U U"]) -> Float[np.ndarray, " U"]:
    """Return the stationary law π = π·chain by state reduction, which never subtracts.

    Large chains are reduced by blocks of states, so that nearly all of the work is a product of matrices.

    Error: about U² roundings relative to each entry, however close to reducible the chain is.
    Source: Grassmann, Taksar and Heyman (1985), "Regenerative analysis and steady state distributions".
    """
    states = np.flatnonzero(recurrent(name, chain))
    reduced = chain[np.ix_(states, states)]
    block = BLOCK if len(states) > SMALL_CHAIN else len(states)
    for end in range(len(states), 1, -block):
        effort.step(f"the stationary law of {len(states)} states", len(states) ** 3 - end**3, len(states) ** 3)
        _reduce(reduced, max(end - block, 1), end)
    weights = np.ones(len(states))
    for state in range(1, len(states)):
        weights[state] = weights[:state] @ reduced[:state, state]
    law = np.zeros(len(chain))
    law[states] = weights / weights.sum()
    return law


def _reduce(reduced: Float[np.ndarray, "U U"], begin: int, end: int) -> None:
    """Take the states from `begin` to `end` out of a chain, in place; those before learn of it once all are out."""
    for last in range(end - 1, begin - 1, -1):
        reduced[:last, last] /= reduced[last, :last].sum()
        reduced[begin:last, :last] += np.outer(reduced[begin:last, last], reduced[last, :last])
        reduced[:begin, begin:last] += np.outer(reduced[:begin, last], reduced[last, begin:last])
    reduced[:begin, :begin] += reduced[:begin, begin:end] @ reduced[begin:end, :begin]


def cast(dtype: npt.DTypeLike, *arrays: np.ndarray) -> tuple[Any, ...]:
    """Return the arrays rounded to `dtype`, for tables: numpy arrays here, jax arrays inside a program."""
    return tuple(np.asarray(array, dtype=dtype) for array in arrays)


def leaves(rows: Any) -> Iterator[Any]:
    """Yield the entries of nested lists; arrays hold numbers alone and yield nothing."""
    if isinstance(rows, list | tuple):
        for each in rows:
            yield from leaves(each)
    elif not isinstance(rows, np.ndarray):
        yield rows


def at_least(name: str, value: int | float, least: int | float, remedy: str) -> None:
    """Refuse a value that is too small, or not a number; where the least is an integer, one that is none."""
    if isinstance(least, int) and not isinstance(value, int | np.integer):
        raise ValueError(f"{name}={value}: it must be a whole number; round it.")
    if not value >= least:
        raise ValueError(f"{name}={value}: it must be at least {least}; {remedy}.")


def concentration(name: str, value: int | float) -> None:
    """Refuse a concentration of a Dirichlet law that is not positive, or beyond what can be drawn from."""
    if not LEAST <= value <= MOST:
        raise ValueError(f"{name}={value}: it must lie between {LEAST} and {MOST}; give for example {name}=1.0.")


def uncertain(concentration: int | float, rows: Rows) -> None:
    """Refuse drawn rows in one of which a symbol is certain, to the last digit."""
    if not (rows < 1).all():
        raise ValueError(f"concentration={concentration}: a drawn row gives one symbol the probability 1; raise it.")


def seed(value: int | float) -> None:
    """Refuse a seed that no generator takes."""
    at_least("seed", value, 0, "give for example seed=0")


def fraction(name: str, value: int | float) -> None:
    """Refuse a value outside [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value}: it must lie between 0 and 1; give for example {name}=0.02.")


def one_of(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Refuse a value that is not among the choices."""
    if value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{name}={value!r}: it must be one of {known}; choose one of them.")


def laid_out(named: str, numbers: int, most: int = LARGEST_TABLE) -> None:
    """Refuse a table of more numbers than are laid out."""
    if numbers > most:
        raise ValueError(f"{named} takes a table of {numbers} numbers: at most {most} are laid out; give less.")


def chain_size(symbols: int, order: int = 1) -> None:
    """Refuse a chain too large for the dense computation of its stationary law."""
    if order * math.log(symbols) > math.log(LARGEST_CHAIN) + 1e-9:
        size = f"{symbols}^{order}" if order > 1 else f"{symbols}"
        raise ValueError(
            f"{size} contexts: at most {LARGEST_CHAIN} are supported, as the stationary law is computed"
            " densely; lower the vocabulary or the order."
        )
