"""Samples follow the law, and stay with it: chi-square on short windows, false alarm 1e-4 a test, fixed seeds."""

import jax
import numpy as np
import pytest
from scipy.stats import chi2

from testbed.ground import catalog
from testbed.laws.kernels import random_bits, sampling
from testbed.sources import BlockStationary, Iid, Markov
from tests.sources.families.block_stationary import TINY
from tests.sources.worlds import COUNT, LENGTH, WORLDS, drawn, every_world, family, joint_law, label, samples

WINDOW, STARTS, LEVEL = 3, (0, 1, 3), 1e-4


def check_window(world, tokens_BL, start):
    """Pearson's statistic of the window that begins at `start`, cells expected less than 5 times pooled."""
    joint = joint_law(world, start + WINDOW).sum(axis=tuple(range(start)))
    codes = np.ravel_multi_index(tuple(tokens_BL[:, start : start + WINDOW].T), joint.shape)
    expected = joint.reshape(-1) * len(tokens_BL)
    observed = np.bincount(codes, minlength=joint.size)
    assert observed[expected < 1e-9].sum() == 0, "an impossible window was drawn"
    large = expected >= 5
    expected = np.append(expected[large], expected[~large].sum())
    observed = np.append(observed[large], observed[~large].sum())
    kept = expected > 1e-6
    statistic = float(((observed - expected)[kept] ** 2 / expected[kept]).sum())
    assert chi2.sf(statistic, max(kept.sum() - 1, 1)) > LEVEL


def check_windows(world, tokens_BL):
    for start in STARTS:
        check_window(world, tokens_BL, start)


@every_world
def test_windows_at_several_positions_follow_the_law(world):
    assert drawn(world).dtype == np.int32
    check_windows(world, drawn(world))


@every_world
def test_one_key_gives_one_sequence(world):
    first, second, other = (np.asarray(samples(world, seed=seed)[0]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize("phase", ["aligned", "uniform"])
@pytest.mark.parametrize("lengths", ["fixed", "geometric"])
def test_latents_follow_their_law(lengths, phase):
    world = BlockStationary(**TINY, lengths=lengths, phase=phase)
    _, latents = samples(world)
    regime_BL, begins_BL = np.asarray(latents.regime_L), np.asarray(latents.age_L) == 0
    margin = 4 * np.sqrt(0.25 / COUNT)
    assert np.abs((regime_BL == 1).mean(0) - world.regime_prior()[1]).max() < margin
    same_B = regime_BL[:, 1:] == regime_BL[:, :-1]
    assert same_B[~begins_BL[:, 1:]].all()
    expected_L = np.full(LENGTH, 1 / 3)
    if phase == "aligned":
        expected_L = np.array([1, 0, 0] * 2) if lengths == "fixed" else np.array([1.0] + [1 / 3] * 5)
    assert np.abs(begins_BL.mean(0) - expected_L).max() < margin


def lowered(high, low, where):
    """Words of cumulative probabilities, those at `where` at 0.7 of their value."""
    number = high.astype(np.uint64) << np.uint64(32) | low
    number[where] = (number[where] * 0.7).astype(np.uint64)
    return tuple(each.reshape(high.shape) for each in random_bits.split(number))


@pytest.mark.parametrize("world", [Iid(vocabulary=4), Markov(vocabulary=2, seed=1), BlockStationary(**TINY)])
def test_law_rejects_a_sampler_with_one_wrong_row(world):
    tables = world.tables()
    name = next(name for name in ("cuts", "rows_cuts_KUV") if hasattr(tables, name))
    cuts = getattr(tables, name)
    rows = np.arange(cuts.high_V.size).reshape(-1, world.alphabet)
    wrong = rows[1 % len(rows), :-1]
    flat = lowered(cuts.high_V.reshape(-1), cuts.low_V.reshape(-1), wrong)
    wrong = sampling.Cuts(*(each.reshape(cuts.high_V.shape) for each in flat))
    tokens_BL = np.asarray(samples(world, tables._replace(**{name: wrong}))[0])
    with pytest.raises(AssertionError):
        check_window(world, tokens_BL, 1)


def tampered(world):
    """The tables with one number at 0.7 of its value, the one nearest to 1/2, of the cumulative laws for draws."""
    laws, structure = jax.tree.flatten(world.tables(), is_leaf=lambda each: isinstance(each, sampling.Cuts))
    for place, law in enumerate(laws):
        if isinstance(law, sampling.Cuts):
            most = np.abs(law.high_V / 2**32 - 0.5)
            wrong = sampling.Cuts(*lowered(*law, np.unravel_index(most.argmin(), most.shape)))
            yield jax.tree.unflatten(structure, [*laws[:place], wrong, *laws[place + 1 :]])


@pytest.mark.parametrize("name", catalog.shelf("testbed.sources"))
def test_law_rejects_a_sampler_of_any_family_with_one_wrong_number(name):
    """The number is the one that most tokens depend on."""
    world = family(name).EXAMPLES[0]
    wrong = max(
        (np.asarray(samples(world, tables)[0]) for tables in tampered(world)),
        key=lambda each: (each != drawn(world)).mean(),
    )
    with pytest.raises(AssertionError):
        check_windows(world, wrong)


def check_same_law(first_B, later_B):
    """Pearson's statistic of two samples of one size, cells met less than 10 times in both pooled."""
    counts_2C = np.stack(
        [np.bincount(codes_B, minlength=1 + max(first_B.max(), later_B.max())) for codes_B in (first_B, later_B)]
    )
    often_C = counts_2C.sum(0) >= 10
    counts_2C = np.column_stack([counts_2C[:, often_C], counts_2C[:, ~often_C].sum(1)])
    counts_2C = counts_2C[:, counts_2C.sum(0) > 0]
    statistic = float((np.diff(counts_2C, axis=0)[0] ** 2 / counts_2C.sum(0)).sum())
    assert chi2.sf(statistic, max(counts_2C.shape[1] - 1, 1)) > LEVEL


def check_stationary(world, tokens_BL):
    """Windows at the start of half of the sequences, against later ones of the other half."""
    windows = (world.alphabet,) * WINDOW
    first_BL, later_BL = np.split(tokens_BL, 2)
    for start in STARTS[1:]:
        pair = first_BL[:, :WINDOW], later_BL[:, start : start + WINDOW]
        check_same_law(*(np.ravel_multi_index(tuple(window_BL.T), windows) for window_BL in pair))


@every_world
def test_samples_of_a_stationary_world_are_stationary(world):
    if world.stationary:
        check_stationary(world, drawn(world))


def difference(world, start):
    """By how much that statistic exceeds, on average, what chance makes of it."""
    joint = joint_law(world, start + WINDOW)
    first, later = joint.sum(axis=tuple(range(WINDOW, start + WINDOW))), joint.sum(axis=tuple(range(start)))
    total = np.where(first + later > 0, first + later, 1)
    return COUNT / 2 * ((first - later) ** 2 / total).sum()


@pytest.mark.parametrize("world", [each for each in WORLDS if not each.stationary], ids=label)
def test_law_rejects_a_world_that_is_not_stationary_and_claims_it(world):
    if max(difference(world, start) for start in STARTS[1:]) < 1:
        assert world.lengths == "power_law" and world.boundaries == "hidden", "all others can be told by their windows"
        return
    with pytest.raises(AssertionError):
        check_stationary(world, drawn(world))
