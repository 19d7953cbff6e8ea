"""Tokens of a law that was drawn from a Dirichlet law: Pólya's urn, its prediction, and its entropies as exact sums."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int32

from testbed.laws import effort, record, simplex
from testbed.laws.entropies.monte_carlo import Span
from testbed.laws.kernels import random_bits, sampling
from testbed.laws.kernels.random_bits import Words
from testbed.laws.kernels.sampling import Cuts
from testbed.laws.record import Quantity

FEWEST, ROUNDING = 32, 1e-12
"""Least samples that a slope is fitted to; what varies less does not vary."""
MOST_DRAWS, HEIGHT = 2**13, 62
"""Draws whose counts are summed over, in as many operations as there are pairs; digits of a sum of weights."""


class Urn(NamedTuple):
    """The weights of a Dirichlet law and their sum; for draws their cumulative sums in whole units of 2^-exponent."""

    weights_V: Float[Array, " V"]
    total: Float[Array, ""]
    heights_V: Cuts
    exponent: Int32[Array, ""]


def urn(weights_V: Float[np.ndarray, " V"], dtype: npt.DTypeLike) -> Urn:
    """Return the numbers of the urn, rounded to `dtype`; the sum of the weights is about 2^62 of the units."""
    total = np.asarray(weights_V.sum())
    exponent = HEIGHT - int(np.frexp(total)[1])
    heights_V = np.cumsum(np.rint(np.ldexp(weights_V, exponent)).astype(np.uint64))
    heights: tuple[Any, ...] = Cuts(*random_bits.split(heights_V)), np.asarray(exponent, np.int32)
    return Urn(*simplex.cast(dtype, weights_V, total), *heights)


def weights(
    vocabulary: int, concentration: int | float, given: tuple[int | float, ...] | None
) -> Float[np.ndarray, " V"]:
    """Return the weights of the Dirichlet law, one per symbol, float64: those given, else all the concentration.

    Error: ValueError if they are not one positive number per symbol, or beyond what float32 holds.
    """
    simplex.laid_out(f"vocabulary={vocabulary}", vocabulary)
    name = "concentration" if given is None else "weights"
    weights_V = np.asarray([concentration] * vocabulary if given is None else given, dtype=np.float64)
    if weights_V.shape != (vocabulary,):
        raise ValueError(f"weights has {weights_V.size} numbers for {vocabulary} symbols; give one number per symbol.")
    for worst in weights_V[~((weights_V >= simplex.LEAST) & (weights_V <= simplex.MOST))][:1]:
        rule = f"it must lie between {simplex.LEAST} and {simplex.MOST}"
        raise ValueError(f"{name} holds {worst}: {rule}; give for example 1.0.")
    return weights_V


def drawn(urn: Urn, words_L: Words, seen_L: Int32[Array, " L"]) -> Int32[Array, " L"]:
    """Return tokens, each of the law of which the `seen_L` tokens just before it are draws: one draw per token.

    A token is a fresh draw of the mean law with probability A/(seen + A), A the sum of the weights, and otherwise
    repeats one of those before it, all equally likely. So first every token finds the fresh draw it goes back to.

    Error: the total variation is at most V·2^-62 times the least power of two above L, for each of the L tokens.
    Source: Blackwell and MacQueen (1973), "Ferguson distributions via Pólya urn schemes".
    """
    length, symbols, unseen_L = len(seen_L), len(urn.weights_V), seen_L == 0
    finest_V, later_V = heights(urn, length)
    weight, draws_L = random_bits.part(later_V, -1), whole(urn, seen_L, length)
    total_L = random_bits.chosen(unseen_L, random_bits.part(finest_V, -1), random_bits.plus(draws_L, weight))
    place_L = random_bits.shared(words_L, total_L)
    both_V = Cuts(*(jnp.concatenate(each) for each in zip(finest_V, later_V, strict=True)))
    first_L = jnp.where(unseen_L, 0, symbols).astype(jnp.int32)
    symbol_L = sampling.first_beyond(both_V, place_L, first_L, first_L + symbols) - first_L
    back_L = random_bits.down(random_bits.minus(place_L, weight), _unit(urn, length)).low.astype(jnp.int32)
    position_L = jnp.arange(length, dtype=jnp.int32)
    fresh_L = unseen_L | random_bits.below(place_L, weight)
    parent_L = jnp.where(fresh_L, position_L, position_L - 1 - back_L)
    for _ in range((length - 1).bit_length()):
        parent_L = parent_L[parent_L]
    return symbol_L[parent_L]


def drawn_after(urn: Urn, word: Words, count_V: Int32[Array, " V"], length: int) -> Int32[Array, ""]:
    """Return a token of the law of which there were so many draws of each symbol, at most `length` in all.

    Error: that of `drawn`.
    """
    finest_V, later_V = heights(urn, length)
    sum_V = jnp.cumsum(count_V, dtype=jnp.int32)
    height_V = random_bits.chosen(sum_V[-1] == 0, finest_V, random_bits.plus(whole(urn, sum_V, length), later_V))
    place = random_bits.shared(word, random_bits.part(height_V, -1))
    each = Words(*(jnp.broadcast_to(digits, count_V.shape) for digits in place))
    return jnp.sum(~random_bits.below(each, height_V), dtype=jnp.int32)


def heights(urn: Urn, length: int) -> tuple[Words, Words]:
    """Return the cumulative weights in the finest units, and in those in which `length` draws fit beside them.

    Before the first draw, weights alone matter, which may be as small as they like.
    """
    finest_V = Words(*urn.heights_V)
    return finest_V, random_bits.down(finest_V, jnp.maximum(urn.exponent - _unit(urn, length), 0))


def whole(urn: Urn, seen_L: Int32[Array, "*draws"], length: int) -> Words:
    """Return numbers of draws in the units in which `length` of them fit."""
    return random_bits.up(Words(jnp.zeros_like(seen_L, jnp.uint32), seen_L.astype(jnp.uint32)), _unit(urn, length))


def _unit(urn: Urn, length: int) -> Int32[Array, ""]:
    """Return the exponent of the units in which `length` draws and all weights are less than 2^63 together.

    Weights beyond 2^62 count as that: with these, fewer than one draw in 2^40 repeats another.
    """
    return jnp.clip(urn.exponent, 0, HEIGHT - length.bit_length())


def prediction(urn: Urn, count_V: Float[Array, " V"], seen: Float[Array, ""]) -> Float[Array, " V"]:
    """Return (count + weight)/(seen + sum of the weights), the law of the next draw after `seen` draws of one law."""
    return (count_V + urn.weights_V) / (seen + urn.total)


def mean_law(weights_V: Float[np.ndarray, " V"]) -> Float[np.ndarray, " V"]:
    """Return the mean of the law."""
    return np.asarray(weights_V / weights_V.sum())


def pair_law(weights_V: Float[np.ndarray, " V"]) -> Float[np.ndarray, "V V"]:
    """Return P(a, b) for two draws of one law: (w_a·w_b + [a=b]·w_a) / (A·(A+1))."""
    mean_V, total = mean_law(weights_V), weights_V.sum()
    return np.asarray((np.outer(mean_V, mean_V) * total + np.diag(mean_V)) / (total + 1))


def mean_entropy(weights_V: Float[np.ndarray, " V"]) -> Quantity:
    """Return the mean entropy of the law, ψ(A+1) - Σ_v (w_v/A)·ψ(w_v+1)."""
    from scipy.special import psi  # late: reading a configuration needs no scipy

    last = float(psi(weights_V.sum() + 1))
    value = float(mean_law(weights_V) @ (last - psi(weights_V + 1)))
    return record.rounded(value, len(weights_V) + 8 * (1 + abs(last)))


def entropies(weights_V: Float[np.ndarray, " V"], count: int) -> Float[np.ndarray, " T"]:
    """Return H(next draw | the draws so far) after 0, 1, …, count-1 draws of one law, `count` at most MOST_DRAWS.

    It is Σ_v E[-p·ln p] with p = (c + w_v)/(n + A): the count c of a single symbol is beta-binomial.

    Error: about 4n + V roundings.
    """
    return _summed(weights_V, count)[0]


def bounds(weights_V: Float[np.ndarray, " V"], count: int) -> Float[np.ndarray, "2 T"]:
    """Return a lower and an upper bound of the same for any `count`; they are equal up to MOST_DRAWS draws.

    With f(x) = x·(ψ(x+1) - ln x) and c_n the count of v, H(next | n draws) exceeds the mean entropy of the law by
    (Σ_v E f(c_n + w_v) - f(n + A))/(n + A). As f rises to 1/2 and counts grow, E f(c_n + w_v) lies between what it is
    after MOST_DRAWS - 1 draws and 1/2.

    Error: about 4n + V roundings, n the number of draws summed over.
    Source: Anderson and Qiu (1997), "A monotoneity property of the gamma function", for the rise of f.
    """
    summed_T, least = _summed(weights_V, min(count, MOST_DRAWS))
    later_T = np.arange(len(summed_T), count) + weights_V.sum()
    law, most = mean_entropy(weights_V).value, len(weights_V) / 2
    low_T, high_T = (law + (end - _excess(later_T)) / later_T for end in (least, most))
    ends_2T = np.stack([np.maximum(low_T, law), np.minimum(high_T, summed_T[-1])])
    return np.concatenate([np.stack([summed_T, summed_T]), ends_2T], axis=1)


def summed(ends_2L: Float[np.ndarray, "2 L"], operations: int | float) -> tuple[tuple[Quantity, ...], Quantity]:
    """Return h_1, …, h_L and their mean from lower and upper bounds, which are exact where they are equal."""
    return tuple(between(ends_2, operations) for ends_2 in ends_2L.T), between(ends_2L.mean(1), operations)


def between(ends_2: Float[np.ndarray, " 2"], operations: int | float) -> Quantity:
    """Return what lies between two sums of so many operations in a row, or the sum if they differ by rounding only."""
    low, high = (record.rounded(float(end), operations, method="enumeration") for end in ends_2)
    if high.value - low.value <= high.error:
        return high
    return record.bracketed(low.low, high.high, method="certified interval")


def _summed(weights_V: Float[np.ndarray, " V"], count: int) -> tuple[Float[np.ndarray, " T"], float]:
    """Return the entropies, and Σ_v E f(c + w_v) for the last of them.

    The law of a count is carried from n to n+1 as the urn does, by sums of positive terms. Symbols of one weight are
    counted once.
    """
    from scipy.special import entr  # late: reading a configuration needs no scipy

    weight_U, first_U, times_U = np.unique(weights_V, return_index=True, return_counts=True)
    others_U1 = np.array([np.delete(weights_V, first).sum() for first in first_U])[:, None]
    law_UC, entropy_T, count_UC = np.ones((len(weight_U), 1)), np.zeros(count), weight_U[:, None]
    for seen in range(count):
        effort.step(f"counts of {count} draws", seen**2, count**2)
        count_UC = np.arange(seen + 1.0) + weight_U[:, None]
        total_U1 = weight_U[:, None] + others_U1 + seen
        chance_UC = count_UC / total_U1
        entropy_T[seen] = times_U @ (law_UC * entr(chance_UC)).sum(1)
        if seen == count - 1:
            break
        another_UC = (others_U1 + (seen - np.arange(seen + 1.0))) / total_U1
        law_UC = np.pad(law_UC * another_UC, ((0, 0), (0, 1))) + np.pad(law_UC * chance_UC, ((0, 0), (1, 0)))
    return entropy_T, float(times_U @ (law_UC * _excess(count_UC)).sum(1))


def _excess(x: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Return f(x) = x·(ψ(x+1) - ln x), which rises from 0 to 1/2."""
    from scipy.special import psi  # late: reading a configuration needs no scipy

    return np.clip(x * (psi(x + 1) - np.log(x)), 0.0, 0.5)


def corrected(
    sample_BL: Float[np.ndarray, "B L"], control_BL: Float[np.ndarray, "B L"], mean_L: Float[np.ndarray, " L"]
) -> tuple[Float[np.ndarray, "B L"], Float[np.ndarray, " L"]]:
    """Return samples less what a control that was drawn with them, and whose mean is known, explains of their spread.

    With them comes the slope, how much of the control was taken off.

    Error: the slope is fitted to the samples, which leaves a bias of the order of 1/B. Fewer than FEWEST are left
    alone, as that bias would show.
    """
    if len(sample_BL) < FEWEST:
        return sample_BL, np.zeros(sample_BL.shape[1])
    spread_BL = control_BL - control_BL.mean(0)
    square_L = (spread_BL**2).sum(0)
    told_L = square_L > len(sample_BL) * ROUNDING**2
    slope_L = np.where(told_L, (spread_BL * sample_BL).sum(0) / np.where(told_L, square_L, 1), 0.0)
    return np.asarray(sample_BL - slope_L * (control_BL - mean_L)), slope_L


def widened(span: Span, slope_L: Float[np.ndarray, " L"]) -> Span:
    """Return the ends of samples after such a correction, where those of the control are the same."""
    room_L = np.abs(slope_L) * (span.high - span.low)
    return Span(span.low - room_L, span.high + room_L)
