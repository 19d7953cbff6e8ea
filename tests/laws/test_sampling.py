"""The law that is drawn is the law that is told, to 2^-64 a symbol: the map from random bits to symbols at its edges.

Rare symbols are looked for where the map puts them, as chance would need 1e9 draws to show one.
"""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from testbed.laws import dirichlet_law
from testbed.laws.kernels import random_bits, sampling
from testbed.laws.kernels.random_bits import Words

ONE = Fraction(1)
RARE = (0.99999982, 9e-8, 9e-8)
LAWS = [
    RARE,
    (1 - 3e-12, 1e-12, 2e-12),
    (1e-17, 0.5, 0.0, 0.5),
    (0.0, 1.0, 0.0),
    (1 / 3, 1 / 3, 1 / 3),
    tuple(np.arange(1.0, 101) ** -4 / (np.arange(1.0, 101) ** -4).sum()),
]


def word(number):
    """A random number in units of 2^-64 as a device holds it."""
    return Words(*(jnp.asarray(each) for each in random_bits.split(np.asarray(number, np.uint64))))


def chance(cuts):
    """The exact probabilities of the symbols, from where the cuts lie; a draw is an even number."""
    ends = [(int(high) << 32 | int(low)) + 1 >> 1 for high, low in zip(cuts.high_V, cuts.low_V, strict=True)]
    return [Fraction(end - begin, 2**63) for begin, end in zip([0, *ends], ends, strict=False)]


def check_law(cuts, law_V):
    """Each symbol to 2^-64, the likeliest to what all others and the rounding of the sum leave; no impossible one."""
    exact_V = [Fraction(each) for each in law_V]
    off_V = [abs(one - other) for one, other in zip(chance(cuts), exact_V, strict=True)]
    likeliest = int(np.argmax(law_V))
    assert all(off <= ONE / 2**64 for at, off in enumerate(off_V) if at != likeliest)
    assert off_V[likeliest] <= len(law_V) * ONE / 2**64 + abs(1 - sum(exact_V))
    assert all(one == 0 for one, other in zip(chance(cuts), exact_V, strict=True) if other == 0)


def coarse(law_V):
    """A liar: cumulative probabilities in float32."""
    cdf_V = np.cumsum(np.asarray(law_V, np.float32)).astype(np.float64)
    return sampling.Cuts(*sampling._split(np.asarray(np.ldexp(cdf_V / cdf_V[-1], 63), np.uint64)))


@pytest.mark.parametrize("law_V", LAWS, ids=len)
def test_symbols_have_their_probabilities(law_V):
    cuts = sampling.cuts(np.array(law_V))
    check_law(cuts, law_V)
    assert sum(chance(cuts)) == 1


def test_the_law_rejects_probabilities_in_float32():
    with pytest.raises(AssertionError):
        check_law(coarse(RARE), RARE)


@pytest.mark.parametrize("law_V", LAWS, ids=len)
def test_a_draw_changes_its_symbol_exactly_at_the_cuts(law_V):
    """The last number before each cut, and the first beyond it, by the comparisons and by the search of a device."""
    cuts = jax.tree.map(jnp.asarray, sampling.cuts(np.array(law_V)))
    edges = np.cumsum([int(each * 2**63) for each in chance(cuts)], dtype=np.uint64).astype(object) * 2
    numbers = np.array([n for edge in edges for n in (edge - 2, edge) if 0 <= n < 2**64], object)
    expected = [int(np.searchsorted(edges, n, side="right")) for n in numbers]
    draws, zero = word(numbers.astype(np.uint64)), jnp.zeros(len(numbers), jnp.int32)
    found = sampling.drawn(cuts, draws), sampling.first_beyond(cuts, draws, zero, zero + len(law_V))
    for each in found:
        assert each.tolist() == expected
        assert all(law_V[symbol] > 0 for symbol in each.tolist())


def test_laws_of_different_sizes_side_by_side():
    laws = [[1.0], [0.25, 0.75], list(RARE), [0.0, 1e-15, 1 - 1e-15]]
    begins = np.cumsum([0, *map(len, laws[:-1])])
    together = sampling.grouped(np.concatenate(laws), begins)
    for begin, law in zip(begins, laws, strict=True):
        own = slice(begin, begin + len(law))
        check_law(sampling.Cuts(together.high_V[own], together.low_V[own]), law)


@pytest.mark.parametrize("probability", [0.0, 1e-18, 1e-9, 0.3, 1 - 1e-15, 1.0])
def test_events_happen_with_their_chances(probability):
    event = sampling.chance(np.array(probability))
    edge = int(Fraction(probability) * 2**63 + Fraction(1, 2)) * 2
    numbers = np.array([n for n in (0, edge - 2, edge, 2**64 - 2) if 0 <= n < 2**64], np.uint64)
    assert sampling.happens(event, word(numbers)).tolist() == [int(n) < edge for n in numbers]


@pytest.mark.parametrize("count", [2, 3, 7, 1000, 2**24])
def test_equal_chances(count):
    edges = [-(-each * 2**64 // count) for each in (1, count // 2, count - 1)]
    numbers = np.array([n for edge in edges for n in (edge - 1, edge)], np.uint64)
    assert sampling.among(count, word(numbers)).tolist() == [int(n) * count >> 64 for n in numbers]


def test_words_are_numbers_of_64_bits():
    draw = np.random.default_rng(0)
    a, b = draw.integers(2**64, size=(2, 200), dtype=np.uint64)
    places = draw.integers(0, 100, size=200).astype(np.int32)

    def number(words):
        return [int(high) << 32 | int(low) for high, low in zip(words.high, words.low, strict=True)]

    pairs = [(int(x), int(y), int(n)) for x, y, n in zip(a, b, places, strict=True)]
    a, b = word(a), word(b)
    assert number(random_bits.shared(a, b)) == [x * y >> 64 for x, y, _ in pairs]
    assert number(random_bits.plus(a, b)) == [(x + y) % 2**64 for x, y, _ in pairs]
    assert number(random_bits.minus(a, b)) == [(x - y) % 2**64 for x, y, _ in pairs]
    assert number(random_bits.up(a, jnp.asarray(places))) == [(x << n) % 2**64 for x, _, n in pairs]
    assert number(random_bits.down(a, jnp.asarray(places))) == [x >> n for x, _, n in pairs]
    assert random_bits.below(a, b).tolist() == [x < y for x, y, _ in pairs]


def test_the_first_digits_are_those_of_a_uniform_draw():
    key = jax.random.key(3)
    found = sampling.words(key, (1000,), np.float32)
    uniform = np.asarray(jax.random.uniform(key, (1000,), jnp.float32))
    np.testing.assert_array_equal((np.asarray(found.high) >> 9) / 2.0**23, uniform)
    assert abs(float((np.asarray(found.low) / 2.0**32).mean()) - 0.5) < 4 * 12**-0.5 / 1000**0.5
    with jax.enable_x64(True):
        found, uniform = sampling.words(key, (9,), np.float64), jax.random.uniform(key, (9,), jnp.float64)
        exact = [(int(high) << 32 | int(low)) >> 12 for high, low in zip(*found, strict=True)]
        assert exact == [int(each * 2**52) for each in np.asarray(uniform)]


def urn_chance(weight_V, count_V, length):
    """The exact law of the next token after these counts, from the places that the kernel counts with."""
    urn = jax.tree.map(jnp.asarray, dirichlet_law.urn(np.array(weight_V), np.float32))
    finest, later = dirichlet_law.heights(urn, length)
    seen = sum(count_V)

    def number(words, at):
        return int(words.high[at]) << 32 | int(words.low[at])

    whole = dirichlet_law.whole(urn, jnp.asarray([seen], jnp.int32), length)
    heights = [number(later if seen else finest, at) for at in range(len(weight_V))]
    draws = number(whole, 0)
    total, unit = heights[-1] + draws, draws // seen if seen else 0
    fresh = [one - other for one, other in zip(heights, [0, *heights[:-1]], strict=True)]
    assert total < 2**63
    return [Fraction(own + count * unit, total) for own, count in zip(fresh, count_V, strict=True)]


@pytest.mark.parametrize("length", [2, 64, 2**20])
@pytest.mark.parametrize("weight_V", [(0.3, 1.2), (1e-30, 3e-30), (1e-6, 1e3, 7.0), (1e30, 2e30), (2.0**40, 1.0)])
def test_urns_keep_their_law(weight_V, length):
    weights, bits = [Fraction(each) for each in weight_V], length.bit_length()
    for count_V in ([0] * len(weights), [1] + [0] * (len(weights) - 1)):
        exact_V = [(w + n) / (sum(weights) + sum(count_V)) for w, n in zip(weights, count_V, strict=True)]
        found_V = urn_chance(weight_V, count_V, length)
        off = sum(abs(one - other) for one, other in zip(found_V, exact_V, strict=True)) / 2
        assert off <= len(weights) * Fraction(2**bits, 2**62)
