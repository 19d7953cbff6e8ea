"""Blocks: pair laws, mixing, machines, and curves that can be counted."""

import math

import jax
import numpy as np
import pytest
from scipy.stats import binom

from testbed.laws import renewal
from testbed.laws.machines import finite
from testbed.sources import Absent, BlockStationary, Budget, Mixing, OneRegime
from tests.laws.enumeration import block_entropy
from tests.sources.blocks.test_blocks import LONG
from tests.sources.families import one_regime
from tests.sources.families.block_stationary import EXAMPLES, TINY
from tests.sources.test_mixing import check_mixing, covariances
from tests.sources.worlds import decay_of, label

COINS = (((0.9, 0.1),), ((0.4, 0.6),))
FLIP, STICKY = ((0.0, 1.0), (1.0, 0.0)), ((0.9, 0.1), (0.1, 0.9))
ALIKE = {**TINY, "laws": (STICKY, STICKY), "prior": None}


@pytest.mark.parametrize("world", EXAMPLES, ids=label)
def test_pair_laws_are_those_of_the_machine(world):
    machine = world.machine()
    for lag in range(12):
        np.testing.assert_allclose(world.pair_law(lag), finite.pair_law(machine, lag), atol=1e-12)


@pytest.mark.parametrize("world", EXAMPLES, ids=label)
def test_mixing_is_that_of_the_machine(world):
    found, expected = world.mixing(), finite.mixing(world.machine())
    assert found.decay == expected.decay and found.value == pytest.approx(expected.value, abs=1e-9)


def announcing(lengths, order, **fields):
    defaults = {"vocabulary": 4, "regimes": 2, "block_length": 4, "boundaries": "announced"}
    return BlockStationary(**{**defaults, **fields}, order=order, lengths=lengths)


ANNOUNCING = [
    announcing(*lengths, order=order, **fields)
    for order in (0, 1)
    for *lengths, fields in (
        ("fixed", {}),
        ("geometric", {}),
        ("geometric", {"laws": ((STICKY[:1],) * 2, (STICKY,) * 2)[order], "vocabulary": 2}),
        ("power_law", {"tail": 1.5, "longest": 64}),
        ("power_law", {"tail": 1.5, "longest": 48}),
        ("power_law", {"tail": 2.5, "longest": 64}),
        ("power_law", {"tail": 1.5, "longest": 64, "block_length": 8}),
        ("power_law", {"tail": 1.5, "longest": 9}),
        ("power_law", {"tail": 1.5, "longest": 2**14}),
    )
]


def check_envelope(world, mixing):
    """|λ| against the largest correlations of a stretch of lags, from 1e-3 of the first to 1e-9 of it, to 3 % of ln|λ|.

    A stretch is as long as the longest block, so that it holds a whole oscillation.
    """
    if mixing.decay != "geometric":
        check_mixing(world, mixing)
        return
    assert mixing.error < 1e-9 and abs(mixing.value) < 1
    rate, stretch = np.log(abs(mixing.value)), world.longest if world.lengths == "power_law" else 6
    starts = int(-np.log(1e3) / rate), int(-np.log(1e9) / rate)
    assert starts[1] < 1000, "correlations that hardly fall"
    size = [
        max(covariances(world, range(start, start + stretch)) * np.exp(-rate * np.arange(start, start + stretch)))
        for start in starts
    ]
    np.testing.assert_allclose(np.log(size[1] / size[0]) / (starts[1] - starts[0]), 0, atol=-0.03 * rate)


@pytest.mark.parametrize("world", ANNOUNCING, ids=label)
def test_announced_blocks_forget_as_their_pair_laws_do(world):
    check_envelope(world, world.mixing())


@pytest.mark.parametrize("power", [2.0**-52, 0.9, 1.1])
def test_law_rejects_another_second_eigenvalue(power):
    world = announcing("power_law", order=1, tail=1.5, longest=64)
    found = world.mixing()
    with pytest.raises(AssertionError):
        check_envelope(world, Mixing(decay="geometric", value=found.value**power))


@pytest.mark.parametrize(
    "lengths",
    [renewal.power_law(4, 1.5, 64), renewal.power_law(4, 2.5, 100), renewal.power_law(2, 1.2, 4), renewal.fixed(3)],
)
def test_second_root_is_the_second_eigenvalue_of_the_chain_of_ages(lengths):
    ages = np.diag(1 - lengths.hazard_J[:-1], 1)
    ages[:, 0] += lengths.hazard_J
    second = np.sort(np.abs(np.linalg.eigvals(ages)))[-2]
    root, error = renewal.second_root(lengths)
    assert abs(root) == pytest.approx(second, abs=1e-11) and error < 1e-12


def test_a_large_machine_has_the_second_eigenvalue_of_its_renewals():
    """Its oldest ages are met so rarely that rounding would bring the eigenvalue 1 back, were it not taken out."""
    world = announcing("power_law", order=1, tail=1.5, longest=48)
    found, exact = finite.mixing(world.machine()), world.mixing()
    assert (found.decay, found.method) == ("geometric", "eigenvalue") and found.error < 1e-7
    assert abs(found.value - exact.value) <= found.error + exact.error


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (BlockStationary(**{**TINY, "block_length": 1}), Mixing(decay="independent", value=0)),
        (BlockStationary(**{**TINY, "block_length": 1}, lengths="geometric"), Mixing(decay="independent", value=0)),
        (BlockStationary(vocabulary=3, regimes=1, order=0), Mixing(decay="independent", value=0)),
        (BlockStationary(**{**ALIKE, "block_length": 4}), Mixing(decay="finite", value=3)),
        (BlockStationary(**{**ALIKE, "block_length": 200}), Mixing(decay="finite", value=113)),
        (BlockStationary(**{**ALIKE, "block_length": 5}, lengths="geometric"), Mixing(decay="geometric", value=0.64)),
        (
            BlockStationary(**{**ALIKE, "laws": (FLIP, FLIP)}, lengths="geometric"),
            Mixing(decay="geometric", value=-2 / 3),
        ),
        (BlockStationary(**{**LONG, "laws": (STICKY, STICKY)}), Mixing(decay="geometric", value=0.8)),
        (BlockStationary(**{**LONG, "laws": (STICKY, STICKY), "longest": 8}), Mixing(decay="finite", value=7)),
        (
            BlockStationary(**{**ALIKE, "laws": (FLIP, FLIP)}, lengths="geometric", boundaries="announced"),
            Mixing(decay="geometric", value=-2 / 3),
        ),
        (BlockStationary(**{**LONG, "laws": (FLIP, FLIP)}), Mixing(decay="power law", value=0.5)),
        (OneRegime(**one_regime.TINY), Mixing(decay="never", value=1)),
        (OneRegime(vocabulary=2, regimes=2, laws=(STICKY, STICKY)), Mixing(decay="geometric", value=0.8)),
        (OneRegime(vocabulary=2, regimes=2, laws=(FLIP, FLIP)), Mixing(decay="periodic", value=2)),
        (OneRegime(**one_regime.COINS, laws=(COINS[0], COINS[0])), Mixing(decay="independent", value=0)),
    ],
)
def test_mixing_of_special_cases(world, expected):
    found = world.mixing()
    assert found.decay == expected.decay and found.value == pytest.approx(expected.value, abs=1e-9)
    check_mixing(world, found)


def test_machines_too_large_to_write_out_are_absent(monkeypatch):
    monkeypatch.setattr(finite, "LARGEST_EDGES", 2**8)
    world = BlockStationary(vocabulary=8, regimes=4, block_length=64)
    assert isinstance(world.machine(), Absent) and world.pair_law(63).sum() == pytest.approx(1)
    assert decay_of(world.mixing()) == ("finite", 63)
    huge = OneRegime(vocabulary=16, regimes=4)
    assert isinstance(huge.machine(), Absent) and huge.mixing().decay == "never"


def counted_curve(length, coins, prior):
    """H(X_t | X_<t) of one of several coins, by sums over the number of ones: the growth of string entropies."""
    totals = []
    for t in range(length + 1):
        ones = np.arange(t + 1)
        of_count = sum(p * binom.pmf(ones, t, coin) for p, coin in zip(prior, coins, strict=True))
        strings = np.array([math.comb(t, one) for one in ones], dtype=float)
        totals.append(-(of_count * np.log(of_count / strings)).sum())
    return np.diff(totals)


@pytest.mark.parametrize("kind", [OneRegime, BlockStationary])
def test_coins_are_counted(kind):
    length = 64
    fields = {"block_length": length} if kind is BlockStationary else {}
    truth = kind(vocabulary=2, regimes=2, order=0, laws=COINS, prior=(0.3, 0.7), **fields).truth(length)
    expected = counted_curve(length, (0.1, 0.6), (0.3, 0.7))
    assert all(each.method == "enumeration" and each.error < 1e-9 for each in truth.curve)
    np.testing.assert_allclose([each.value for each in truth.curve], expected, atol=1e-9)
    assert truth.epsilon.value == pytest.approx(expected.mean(), abs=1e-9)
    coins = [block_entropy(np.array([1 - coin, coin])) for coin in (0.1, 0.6)]
    rate = 0.3 * coins[0] + 0.7 * coins[1]
    assert truth.oracle.value == pytest.approx(rate, abs=1e-12)
    assert truth.rate.value == pytest.approx(rate if kind is OneRegime else expected.mean(), abs=1e-9)


def test_announced_blocks_of_fixed_length_repeat():
    world = BlockStationary(**TINY, boundaries="announced")
    values = [each.value for each in world.truth(7).curve]
    regime, own = block_entropy(np.array([0.3, 0.7])), world.stationary_laws()
    first = 0.3 * block_entropy(own[0]) + 0.7 * block_entropy(own[1])
    np.testing.assert_allclose(values[0::3], regime, atol=1e-12)
    np.testing.assert_allclose(values[1::3], first, atol=1e-12)


@pytest.mark.parametrize("source", [BlockStationary(**TINY), OneRegime(**one_regime.TINY)])
def test_an_interval_too_wide_is_refused(source):
    with pytest.raises(ValueError, match=r"width=1e-06.*Monte Carlo.*tokens="):
        source.truth(40, budget=Budget(contexts=1, tokens=2**12, width=1e-6))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (BlockStationary(), (28, 29, 4, 0, 16, 8, 5, 15, 10, 0, 10, 6, 7, 8, 4, 7)),
        (
            BlockStationary(lengths="geometric", phase="uniform", boundaries="announced"),
            (28, 29, 4, 0, 16, 8, 5, 15, 10, 0, 33, 9, 5, 15, 34, 4),
        ),
        (BlockStationary(phase="uniform"), (28, 29, 4, 0, 16, 8, 5, 15, 10, 0, 10, 6, 7, 8, 4, 7)),
    ],
)
def test_samples_are_golden(world, expected):
    """A change here means that runs can no longer be repeated from their seeds."""
    tokens_L, _ = world.sample(world.tables(), key=jax.random.key(5), length=16)
    assert tuple(np.asarray(tokens_L).tolist()) == expected


def test_two_sequences_of_one_regime_differ_in_it():
    world = OneRegime(**one_regime.COINS, laws=(((1.0, 0.0),), ((0.0, 1.0),)))
    tokens_BL, latents = jax.vmap(lambda key: world.sample(world.tables(), key=key, length=9))(
        jax.random.split(jax.random.key(0), 64)
    )
    np.testing.assert_array_equal(np.asarray(tokens_BL), np.asarray(latents.regime)[:, None].repeat(9, 1))
    assert 16 < np.asarray(latents.regime).sum() < 48
