"""Samples follow the law: chi-square on short windows, false alarm 1e-4 a test, fixed seeds."""

import numpy as np
import pytest
from scipy.stats import chi2

from testbed.sources import BlockStationary, Iid, Markov
from tests.sources.families.block_stationary import TINY
from tests.sources.worlds import COUNT, LENGTH, every_world, joint_law, samples

WINDOW, LEVEL = 3, 1e-4


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


@every_world
def test_windows_at_several_positions_follow_the_law(world):
    tokens_BL, _ = samples(world)
    assert tokens_BL.dtype == np.int32
    for start in (0, 1, 3):
        check_window(world, np.asarray(tokens_BL), start)


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


@pytest.mark.parametrize("world", [Iid(vocabulary=4), Markov(vocabulary=2, seed=1), BlockStationary(**TINY)])
def test_law_rejects_a_sampler_with_one_wrong_row(world):
    tables = world.tables()
    name = next(name for name in ("cdf_V", "cdf_UV", "rows_cdf_KUV") if hasattr(tables, name))
    wrong = getattr(tables, name).copy()
    rows = wrong.reshape(-1, wrong.shape[-1])
    rows[1 % len(rows), :-1] *= 0.7
    tokens_BL = np.asarray(samples(world, tables._replace(**{name: wrong}))[0])
    with pytest.raises(AssertionError):
        check_window(world, tokens_BL, 1)
