"""The entropies of blocks whose laws are drawn from a Dirichlet law."""

import functools
import math

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
from jaxtyping import Array, Float, Key
from scipy.special import entr

from testbed.laws import dirichlet_law, record, renewal
from testbed.laws.entropies import bounded, conditional, monte_carlo
from testbed.laws.entropies.conditional import Curve
from testbed.laws.record import Budget, Quantity, Truth
from testbed.laws.renewal import Lengths
from testbed.laws.source import Source
from testbed.sources.dirichlet_blocks.fields import Fields
from testbed.sources.dirichlet_blocks.kernels import Tables

CONTEXTS = 2**12
NARROW = 1e-3
LARGEST_HIDDEN = 2**31
"""Operations that are spent on filtering one window whose boundaries are hidden."""


def truth(source: Fields, length: int, budget: Budget) -> Truth:
    """Return the entropies over windows of `length` tokens."""
    record.check_length(length)
    repeats = source.lengths == "fixed" and source.phase == "aligned"
    if source.announced or repeats:
        values = _announced_values if source.announced else _repeated_values
        curve, epsilon = dirichlet_law.summed(values(source, length), _operations(source, length))
    else:
        _check_hidden(source, length, budget)
        found = _curve_of(source, length, budget)
        curve, epsilon = found.positions(), found.mean(np.full(length, 1 / length))
    law = dirichlet_law.mean_entropy(source.dirichlet())
    own = 1 - 1 / source.block_length if source.announced else 1.0
    oracle = record.rounded(own * law.value, law.error / record.UNIT_ROUNDOFF + 2)
    truth = Truth(length=length, curve=curve, epsilon=epsilon, rate=_rate(source, length, budget), oracle=oracle)
    return bounded.settled(source, truth, budget)


def _check_hidden(source: Fields, length: int, budget: Budget) -> None:
    """Refuse a window too long to be filtered where boundaries are hidden."""
    work = length * _filtering(source, length)
    if work > LARGEST_HIDDEN and conditional.depth(source.alphabet, length, budget) < length:
        raise ValueError(
            f"length={length}: filtering hidden blocks that may be as old takes {work:.1e} operations a window, and at"
            f" most {LARGEST_HIDDEN:.1e} are spent; give a shorter window or boundaries='announced'."
        )


def _filtering(source: Fields, length: int) -> int:
    """Return the operations of a token: one for each age that its block may have, and for each symbol."""
    ages = length if source.lengths == "geometric" else len(source.length_law().hazard_J)
    return min(ages, length) + source.alphabet


def _rate(source: Fields, length: int, budget: Budget) -> Quantity:
    if source.announced:
        return _announced_rate(source)
    if source.lengths == "fixed":
        ends_2L = _repeated_values(source, source.block_length)
        return dirichlet_law.between(ends_2L.mean(1), _operations(source, source.block_length))
    return _bracketed_rate(source, length, budget)


def _operations(source: Fields, draws: int) -> int:
    return 16 * draws + source.vocabulary


def _repeated_values(source: Fields, length: int) -> Float[np.ndarray, "2 L"]:
    """Return bounds of h_t where blocks of fixed length begin at known places."""
    block_2T = dirichlet_law.bounds(source.dirichlet(), min(length, source.block_length))
    return np.asarray(block_2T[:, np.arange(length) % source.block_length])


def _announced_values(source: Fields, length: int) -> Float[np.ndarray, "2 L"]:
    """Return bounds of h_t by renewal theory.

    The age of the token before tells the chance of an announcer, and how many own tokens are known. A block begins at
    each place with probability 1/w if it is met at a random moment. The first block may then be older than the window,
    which leaves all tokens so far for its own.

    Error: ValueError from `renewal.renewals` if the window is too long.
    """
    lengths, entropy_2T = source.length_law(), dirichlet_law.bounds(source.dirichlet(), length)
    begins, older_2T = renewal.renewals(lengths, length), np.zeros((2, length))
    if source.phase == "uniform":
        begins = np.full(length, 1 / lengths.mean)
        residual = renewal.residual(lengths)
        place = np.arange(-1, length - 1)
        ends = np.where(place < 0, begins, residual[np.clip(place, 0, len(residual) - 1)])
        lasts = np.append(1.0, renewal.later(lengths, np.arange(1, length)) / lengths.mean)
        older_2T = lasts * _either(ends, entropy_2T)
    survival_T, hazard_T = renewal.survival(lengths, length), renewal.hazard(lengths, length)
    begun_2T = [np.convolve(begins, each_T)[: length - 1] for each_T in survival_T * _either(hazard_T, entropy_2T)]
    return np.asarray(older_2T + np.pad(begun_2T, ((0, 0), (1, 0))))


def _either(ends_T: Float[np.ndarray, " T"], entropy_2T: Float[np.ndarray, "2 T"]) -> Float[np.ndarray, "2 T"]:
    """Return the entropy of a token that is an announcer with some chance, otherwise the next draw of the block."""
    return np.asarray(entr(ends_T) + entr(1 - ends_T) + (1 - ends_T) * entropy_2T)


def _announced_rate(source: Fields) -> Quantity:
    """Return the mean over the age of a token; ages that are not summed have entropies between the last and the law's.

    These fall with every draw.
    """
    lengths = source.length_law()
    last = len(lengths.met_J) if source.lengths != "geometric" else math.ceil(40 * lengths.mean)
    count = last if source.lengths == "fixed" else min(last, dirichlet_law.MOST_DRAWS)
    ends_T, met_T = renewal.hazard(lengths, count), renewal.survival(lengths, count) / lengths.mean
    entropy_2T = dirichlet_law.bounds(source.dirichlet(), count)
    beyond_2 = np.array([dirichlet_law.mean_entropy(source.dirichlet()).low, entropy_2T[1, -1]])
    rate_2 = _either(ends_T, entropy_2T) @ met_T + _later(lengths, count, beyond_2)
    return dirichlet_law.between(rate_2, _operations(source, last))


def _later(lengths: Lengths, count: int, entropy_2: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " 2"]:
    """Return the part of the rate that comes from ages of `count` and more, if own tokens have such entropies there."""
    met_J, hazard_J = lengths.met_J[count:], lengths.hazard_J[count:]
    if not len(met_J):
        met_J, hazard_J = np.array([renewal.tail(lengths, count) / lengths.mean]), lengths.hazard_J[-1:]
    return _either(hazard_J, np.repeat(entropy_2[:, None], len(met_J), 1)) @ met_J


@functools.lru_cache(maxsize=4)
def _curve_of(source: Fields, length: int, budget: Budget) -> Curve:
    """Return the curve where boundaries are unknown, by enumeration as far as the budget goes and sampled beyond.

    A sampled entropy is corrected by that of one who is told the boundaries, where the mean of that is known.
    """
    tables, operations = source.tables(np.float64), length * _operations(source, length)
    known = conditional.depth(source.alphabet, length, budget)
    exact_T = conditional.enumerated(type(source), tables, known, source.alphabet, budget)
    if known == length:
        return conditional.exactly(exact_T, operations)
    shape = monte_carlo.count(budget.tokens, length), length, source.alphabet
    hidden_BL, told_BL = np.split(conditional.sampled(_entropies, type(source), tables, shape, budget), 2, axis=1)
    span = conditional.all_of(source.alphabet)
    if length > dirichlet_law.MOST_DRAWS:
        return Curve(exact_T, hidden_BL, operations, span)
    corrected_BL, slope_L = dirichlet_law.corrected(hidden_BL, told_BL, _told_values(source, length))
    return Curve(exact_T, corrected_BL, operations, dirichlet_law.widened(span, slope_L))


def _told_values(source: Fields, length: int) -> Float[np.ndarray, " L"]:
    """Return H(X_t | X_<t, boundaries): a block met at a random moment is as old as the window at least, or younger."""
    lengths, entropy_L = source.length_law(), dirichlet_law.entropies(source.dirichlet(), length)
    lasting_L = renewal.survival(lengths, length) * entropy_L
    if not source.stationary:
        return np.convolve(renewal.renewals(lengths, length), lasting_L)[:length]
    younger_L = np.append(0.0, np.cumsum(lasting_L)[:-1])
    older_L = renewal.later(lengths, np.arange(length))
    return np.asarray((younger_L + older_L * entropy_L) / lengths.mean)


def _entropies(kind: type[Source], length: int, tables: Tables, key: Key[Array, ""]) -> Float[Array, " T"]:
    """Return the entropies of the predictions along a sequence, and those of one who is told the boundaries."""
    tokens_L, latents = kind.sample(tables, key=key, length=length)
    weights_V = jnp.asarray(tables.urn.weights_V)
    once_LV = jax.nn.one_hot(tokens_L, len(weights_V), dtype=weights_V.dtype)
    before_LV = jnp.cumsum(once_LV, axis=0) - once_LV
    first_L = jnp.searchsorted(latents.block_L, latents.block_L)
    drawn_LV = before_LV - before_LV[first_L] + weights_V[None]
    told_L = conditional.entropy(jnp.log(drawn_LV / drawn_LV.sum(1, keepdims=True)))
    return jnp.concatenate([conditional.entropy(kind.log_predictive(tables, tokens_L)), told_L])


def _bracketed_rate(source: Fields, length: int, budget: Budget) -> Quantity:
    """Return the rate of hidden blocks of random length: an interval from enumerated or from sampled contexts.

    Let h be the curve of windows met at a random moment, and h° that of windows in which a block begins. The first
    boundary in a window is independent of all before it, and what follows it has the law of the latter. So, with p a
    position and P(age) the law of the age of a token, telling that boundary (and if there is none, where the block
    began) leaves

        Σ_{k <= p} P(age = p-k)·h°_k + Σ_{n >= p} P(age = n)·H(a draw after n draws of its law) <= rate <= h_p.

    The bounds are taken at the last position that can be enumerated, or as means over the later half of a window of at
    least twelve mean block lengths, unless that is too long to be filtered.
    """
    contexts = min(budget.contexts, CONTEXTS) if budget.width is None else budget.contexts
    window = max(length, 12 * source.block_length)
    depth = conditional.depth(source.alphabet, window, msgspec.structs.replace(budget, contexts=contexts))
    visited = msgspec.structs.replace(budget, contexts=source.alphabet**depth)
    brackets = [_bracket(source, depth, visited, share_L) for share_L in np.eye(depth)]
    if brackets[-1].width <= (budget.width or NARROW):
        return brackets[-1]
    widths = [each.width for each in brackets]
    price = record.price_of_contexts(widths, depth, source.alphabet ** (depth - 1), budget)
    found = brackets[-1]
    if window * _filtering(source, window) <= LARGEST_HIDDEN:
        late_L = np.arange(window) >= window // 2
        sampled = _bracket(source, window, budget, late_L / late_L.sum())
        found = min(found, sampled, key=lambda each: each.width)
    record.check("the rate", found, budget, price=price)
    return found


def _bracket(source: Fields, length: int, budget: Budget, share_L: Float[np.ndarray, " L"]) -> Quantity:
    """Return the interval between the means of both bounds over positions with these shares."""
    met, begun = (msgspec.structs.replace(source, phase=phase) for phase in ("uniform", "aligned"))
    if begun.stationary:
        met = begun = source
    lengths, lasting_L = source.length_law(), _lasting(source, length)
    met_T = renewal.survival(lengths, length) / lengths.mean
    weights_L = np.correlate(share_L, met_T, mode="full")[length - 1 :]
    lasting = record.rounded(float(share_L @ lasting_L), _operations(source, length + _further(source)))
    told, high = _curve_of(begun, length, budget).mean(weights_L), _curve_of(met, length, budget).mean(share_L)
    ends = {name: getattr(told, name) + getattr(lasting, name) for name in ("value", "low", "high")}
    if high.method == "enumeration":
        return record.bracketed(ends["low"], high.high, method="certified interval")
    return record.between(msgspec.structs.replace(told, **ends), high)


def _further(source: Fields) -> int:
    """Return how many draws beyond the window are summed over where a block has lasted longer."""
    return min(4 * source.block_length, dirichlet_law.MOST_DRAWS)


@functools.lru_cache(maxsize=4)
def _lasting(source: Fields, length: int) -> Float[np.ndarray, " L"]:
    """Return a lower bound of Σ_{n >= p} P(age = n)·H(a draw after n draws of its law) for the positions p."""
    lengths, draws = source.length_law(), length + _further(source)
    met_T = renewal.survival(lengths, draws) / lengths.mean
    entropy_T = dirichlet_law.bounds(source.dirichlet(), draws)[0]
    rest = renewal.tail(lengths, draws) / lengths.mean * dirichlet_law.mean_entropy(source.dirichlet()).low
    return (np.cumsum((met_T * entropy_T)[::-1])[::-1] + rest)[1 : length + 1]
