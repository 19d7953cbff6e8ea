"""Law: seeds of one camp are called two at no more than the level, whatever their shape; two camps are found."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linprog

from testbed.stats.emergence.bimodal import bimodal, dips
from testbed.stats.identified import NoInformation
from tests.stats.laws import repeated

ONE = {
    "Gaussian": lambda rng, seeds: rng.standard_normal(seeds),
    "uniform": lambda rng, seeds: rng.uniform(size=seeds),
    "skewed": lambda rng, seeds: rng.beta(8, 1.5, seeds),
    "exponential": lambda rng, seeds: rng.exponential(size=seeds),
    "logistic of a Gaussian": lambda rng, seeds: 1 / (1 + np.exp(-2 - 1.5 * rng.standard_normal(seeds))),
}


def called(draw, seeds, simulations=400):
    rng = np.random.default_rng(seeds)
    return np.mean(repeated(lambda: bimodal(draw(rng, seeds)).p_value <= 0.05, simulations))


@pytest.mark.parametrize("seeds", [8, 16, 32])
@pytest.mark.parametrize("name", ONE)
def test_one_camp_is_seldom_called_two(name, seeds):
    assert called(ONE[name], seeds) <= 0.075  # 5 % and 2.3 standard errors of 400 draws


@pytest.mark.parametrize(("seeds", "power"), [(8, 0.4), (16, 0.8), (32, 0.95)])
def test_two_camps_are_found(seeds, power):
    def camps(rng, seeds):
        return 10 * (rng.uniform(size=seeds) < 0.5) + rng.standard_normal(seeds)

    assert called(camps, seeds, 200) >= power


def test_two_gaussians_against_one_are_caught_on_a_skewed_score():
    """The liar: the best split in two, against its law under one Gaussian."""

    def split(score_RS):
        score_RS = np.sort(score_RS, axis=1) - score_RS.mean(axis=1, keepdims=True)
        size, first = score_RS.shape[1], np.arange(1, score_RS.shape[1])
        part_RS = score_RS.cumsum(axis=1)[:, :-1] ** 2 * size / (first * (size - first))
        return part_RS.max(axis=1) / (score_RS**2).sum(axis=1)

    rng = np.random.default_rng(0)
    limit = np.quantile(split(rng.standard_normal((4000, 16))), 0.95)
    assert np.mean(split(rng.beta(8, 0.7, (2000, 16))) > limit) > 0.1


def brute(score_S):
    """The dip by linear programmes: for each mode, the least d with a curve within d of all steps of the law."""
    x_S, size = np.sort(score_S), len(score_S)
    slope = np.zeros((size - 2, size))
    for at in range(size - 2):
        run = np.diff(x_S[at : at + 3])
        slope[at, at : at + 3] = 1 / run[0], -1 / run[0] - 1 / run[1], 1 / run[1]
    foot_S, found = np.arange(size) / size, []
    for mode in range(size):
        half = []
        for side, part in ((1, slice(0, mode + 1)), (-1, slice(mode, size))):
            count = mode + 1 if side == 1 else size - mode
            bends = side * slope[max(0, part.start) : part.stop - 2, part] if count > 2 else np.zeros((0, count))
            top, eye = foot_S[part] + 1 / size, np.eye(count)
            rows = np.block(
                [[-bends, np.zeros((len(bends), 1))], [eye, -np.ones((count, 1))], [-eye, -np.ones((count, 1))]]
            )
            limits = np.concatenate([np.zeros(len(bends)), foot_S[part], -top])
            done = linprog([0] * count + [1], A_ub=rows, b_ub=limits, bounds=[(None, None)] * (count + 1))
            half.append(done.fun)
        found.append(max(half))
    return min(found)


@pytest.mark.parametrize("seed", range(4))
def test_the_dip_is_that_of_linear_programmes(seed):
    score_S = np.random.default_rng(seed).standard_normal(9)
    assert dips(score_S[None])[0] == pytest.approx(brute(score_S), abs=1e-9)


def test_equal_scores_and_too_few_are_refused_and_two_values_are_two_camps():
    with pytest.raises(NoInformation, match="alike"):
        bimodal(np.ones(9))
    with pytest.raises(NoInformation, match="7 seeds"):
        bimodal(np.arange(7.0))
    assert bimodal(np.repeat([0.0, 1.0], 6)).p_value < 0.01
    assert stats.binomtest(3, 12).pvalue > 0.05 < bimodal(np.repeat([0.0, 1.0], [1, 11])).p_value
