"""The interquartile range: its error covers, also where there is no variance."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats.mstats import mjci

from testbed.stats.quantiles import interquartile_range

LAWS = {
    "normal": (stats.norm(), lambda rng, n: rng.standard_normal(n)),
    "t_1.5": (stats.t(1.5), lambda rng, n: rng.standard_t(1.5, size=n)),
    "exponential": (stats.expon(), lambda rng, n: rng.exponential(size=n)),
}


@pytest.mark.parametrize("name", LAWS)
def test_the_error_covers(name):
    law, draw = LAWS[name]
    rng, truth = np.random.default_rng(0), law.ppf(0.75) - law.ppf(0.25)
    found = np.array([interquartile_range(draw(rng, 400)) for _ in range(500)])
    covered = np.mean(np.abs(found[:, 0] - truth) < 1.96 * found[:, 1])
    independent = np.mean(np.abs(found[:, 0] - truth) < 1.96 * found[:, 1] / 2)
    assert 0.91 < covered < 0.98
    assert independent < 0.85  # the liar: half the error


@pytest.mark.parametrize("count", [20, 77, 4000])
@pytest.mark.parametrize("name", LAWS)
def test_the_error_is_that_of_maritz_and_jarrett(name, count):
    x = LAWS[name][1](np.random.default_rng(2), count)
    low, high = mjci(x, prob=[0.25, 0.75])
    assert interquartile_range(x)[1] == pytest.approx(np.sqrt(low**2 + high**2 - 2 / 3 * low * high), rel=1e-6)


def test_the_correlation_of_the_quartiles_counts():
    rng = np.random.default_rng(1)
    found = np.array([interquartile_range(rng.standard_normal(400)) for _ in range(800)])
    ratio = found[:, 1].mean() / found[:, 0].std()
    assert 0.93 < ratio < 1.13
    assert ratio * 1.5**0.5 > 1.13  # the liar takes the quartiles for independent
